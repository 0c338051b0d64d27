/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cloudbase-init.  Its installer can't be run here: it is put into the image with the
 * configuration, and Windows installs it at its first boot.  Where it is installed already, only
 * its configuration is edited.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/windows_setting.h"

enum { CONF_LIMIT = 1 << 20 };
static const uint64_t installer_limit = 512 << 20;

static const char *const folders[] = { "/Program Files/Cloudbase Solutions/Cloudbase-Init",
	"/Program Files (x86)/Cloudbase Solutions/Cloudbase-Init" };

static const char conf_name[] = "cloudbase-init.conf";
static const char unattend_conf_name[] = "cloudbase-init-unattend.conf";

int cloudbase_find(struct guest_image *g, char **out, struct error *e)
{
	*out = NULL;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct buffer path = { 0 }, conf = { 0 };
		struct error why = { 0 };
		int rc = firmware_path(g->tree, folders[i], &path, &why);

		if (!rc)
			rc = firmware_path_below(g->tree, buffer_text(&path),
				"conf/cloudbase-init.conf", &conf, &why);
		buffer_free(&conf);
		if (!rc) {
			*out = (char *)path.data;
			return 0;
		}
		buffer_free(&path);
		if (error_of_host(&why, e))
			return error_of_host(&why, e);
	}
	return 0;
}

/* A file of the guest that is there keeps its time. */
static int conf_put(struct guest_image *g, const char *folder, const char *name,
	const struct buffer *text, struct error *e)
{
	struct tree_put put = { .why = "configuration of cloudbase-init" };
	struct buffer path = { 0 };
	struct fs_stat st;
	int rc = buffer_format(&path, e, "%s/%s", folder, name);

	if (rc)
		return rc;
	if (tree_is(g->tree, buffer_text(&path), S_IFREG)) {
		rc = tree_stat(g->tree, buffer_text(&path), TREE_FOLLOW, &st, e);
		put.mtime = rc ? 0 : st.mtime;
		if (!rc)
			rc = tree_put_bytes(
				g->tree, buffer_text(&path), text->data, text->len, &put, e);
	} else {
		rc = windows_put(g, buffer_text(&path), text->data, text->len, put.why, e);
	}
	buffer_free(&path);
	return rc;
}

/* Nothing but text in sections is a configuration. */
static int user_conf(const char *path, struct buffer *out, struct error *e)
{
	int rc = given_load(path, CONF_LIMIT, out, e);

	if (!rc &&
		(strlen(buffer_text(out)) != out->len ||
			!strcasestr(buffer_text(out), "[DEFAULT]")))
		rc = error_set(e, ERR_USAGE,
			"%s: no configuration of cloudbase-init: it has no section [DEFAULT]",
			path);
	return rc;
}

static int conf_text(
	const struct windows_wishes *w, bool unattend, struct buffer *out, struct error *e)
{
	if (w->cloudbase_init_conf && !unattend)
		return user_conf(w->cloudbase_init_conf, out, e);
	return cloudbase_conf_make(w, unattend, out, e);
}

/* One of the two that are installed. */
static int installed_conf(struct guest_image *g, const struct windows_wishes *w, const char *folder,
	const char *name, struct error *e)
{
	struct buffer path = { 0 }, text = { 0 }, edited = { 0 };
	struct error none;
	int rc = firmware_path_below(g->tree, folder, name, &path, &none);

	if (rc) {
		buffer_free(&path);
		return error_of_host(&none, e);
	}
	if (w->cloudbase_init_conf && !strcmp(name, conf_name)) {
		rc = user_conf(w->cloudbase_init_conf, &edited, e);
	} else {
		rc = tree_read(g->tree, buffer_text(&path), CONF_LIMIT, &text, e);
		if (!rc)
			rc = cloudbase_conf_edit(w, buffer_text(&text), &edited, e);
	}
	if (!rc)
		rc = conf_put(g, folder, strrchr(buffer_text(&path), '/') + 1, &edited, e);
	buffer_free(&path);
	buffer_free(&text);
	buffer_free(&edited);
	return rc;
}

static int installed_apply(
	struct guest_image *g, const struct windows_wishes *w, const char *folder, struct error *e)
{
	struct buffer conf = { 0 };
	int rc = firmware_path_below(g->tree, folder, "conf", &conf, e);

	if (!rc)
		rc = installed_conf(g, w, buffer_text(&conf), conf_name, e);
	if (!rc)
		rc = installed_conf(g, w, buffer_text(&conf), unattend_conf_name, e);
	buffer_free(&conf);
	return rc;
}

/* [MS-CFB], 2.2: what an MSI is stored as. */
static int installer_check(struct disk *f, const struct windows_wishes *w, struct error *e)
{
	static const uint8_t magic[] = { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1 };
	uint8_t first[sizeof(magic)] = { 0 };
	char hex[DIGEST_HEX_MAX];
	int rc = f->size < sizeof(first) ? 0 : given_read(f, 0, first, sizeof(first), e);

	if (!rc && memcmp(first, magic, sizeof(magic)) != 0)
		rc = error_set(
			e, ERR_USAGE, "%s: no Windows installer package (MSI)", w->cloudbase_init);
	if (rc || !w->cloudbase_init_sha256)
		return rc;
	rc = given_digest(f, hex, e);
	if (!rc && strcasecmp(hex, w->cloudbase_init_sha256) != 0)
		rc = error_set(e, ERR_REFUSED, "%s: its sha256 is %s, not %s", w->cloudbase_init,
			hex, w->cloudbase_init_sha256);
	return rc;
}

static int installer_put(struct guest_image *g, struct disk *f, const char *folder, struct error *e)
{
	struct tree_put put = { .why = "installer of cloudbase-init" };
	struct buffer path = { 0 };
	struct fs_stat st;
	int rc = tree_stat(g->tree, windows_of(g)->hive[WINDOWS_SYSTEM].path, TREE_FOLLOW, &st, e);

	put.mtime = rc ? 0 : st.mtime;
	if (!rc)
		rc = buffer_format(&path, e, "%s/cloudbase-init.msi", folder);
	if (!rc)
		rc = tree_put_reader(g->tree, buffer_text(&path), f->size, given_read, f, &put, e);
	buffer_free(&path);
	return rc;
}

#define STAGED WINDOWS_OWN_PATH "\\cloudbase-init\\"

static const char install[] =
	"start \"\" /wait \"%SystemRoot%\\System32\\msiexec.exe\" /i \"" STAGED
	"cloudbase-init.msi\" /qn /norestart /l*v \"" STAGED "install.log\"";
static const char configure[] =
	"copy /y \"" STAGED
	"*.conf\" \"%ProgramFiles%\\Cloudbase Solutions\\Cloudbase-Init\\conf\\\"";
/* 1056: the service runs already. */
static const char begin[] = "\"%SystemRoot%\\System32\\sc.exe\" start cloudbase-init || "
			    "if errorlevel 1056 if not errorlevel 1057 exit /b 0";

static int commands_add(struct guest_image *g, struct error *e)
{
	static const char *const lines[] = { install, configure, begin };
	struct strings commands = { 0 };
	int rc = 0;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && !rc; i++)
		rc = strings_add(&commands, lines[i], e);
	if (!rc)
		rc = windows_first_boot_add(g, "20-cloudbase-init", &commands, e);
	strings_free(&commands);
	return rc;
}

static int stage(
	struct guest_image *g, const struct windows_wishes *w, struct disk *f, struct error *e)
{
	struct buffer folder = { 0 }, conf = { 0 }, unattend = { 0 };
	int rc = installer_check(f, w, e);

	if (!rc)
		rc = conf_text(w, false, &conf, e);
	if (!rc)
		rc = conf_text(w, true, &unattend, e);
	if (!rc)
		rc = buffer_format(&folder, e, "%s/" WINDOWS_OWN_FOLDER "/cloudbase-init",
			windows_of(g)->root);
	if (!rc)
		rc = installer_put(g, f, buffer_text(&folder), e);
	if (!rc)
		rc = conf_put(g, buffer_text(&folder), conf_name, &conf, e);
	if (!rc)
		rc = conf_put(g, buffer_text(&folder), unattend_conf_name, &unattend, e);
	if (!rc)
		rc = commands_add(g, e);
	buffer_free(&folder);
	buffer_free(&conf);
	buffer_free(&unattend);
	return rc;
}

static int installer_apply(struct guest_image *g, const struct windows_wishes *w, struct error *e)
{
	struct disk *f = NULL;
	int rc;

	if (!w->cloudbase_init)
		return error_set(e, ERR_NOTREADY,
			"--cloudbase-init-conf: cloudbase-init is not in the image, and no "
			"installer "
			"is given by --cloudbase-init");
	if (windows_of(g)->platform.major && windows_of(g)->platform.major < 6)
		return error_set(e, ERR_NOTREADY,
			"--cloudbase-init: it does not run on Windows before Vista");
	rc = given_open(w->cloudbase_init, installer_limit, &f, e);
	if (rc)
		return rc;
	rc = stage(g, w, f, e);
	disk_close(f);
	return rc;
}

int windows_cloudbase_apply(struct guest_image *g, const struct windows_wishes *w, struct error *e)
{
	char *folder = NULL;
	int rc;

	if (!w->cloudbase_init && !w->cloudbase_init_conf)
		return 0;
	rc = cloudbase_find(g, &folder, e);
	if (!rc)
		rc = folder ? installed_apply(g, w, folder, e) : installer_apply(g, w, e);
	free(folder);
	return rc ? error_prefix(e, "cloudbase-init") : 0;
}
