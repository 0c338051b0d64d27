/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A package as it was, in a folder of the guest, where Windows installs it from. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/windows_inject.h"

int inject_file(const struct inject *in, const char *source, const struct driver_file **out,
	struct error *e)
{
	const struct driver_package *p = in->package;

	for (size_t i = 0; i < p->file_count; i++)
		if (!strcasecmp(p->file[i].path, source)) {
			*out = &p->file[i];
			return 0;
		}
	return error_set(e, ERR_NOTREADY, "%s is not in the package", source);
}

static int check_path(const char *path, struct error *e)
{
	struct strings parts = { 0 };
	int rc = strings_split(&parts, path, "/", e);

	for (size_t i = 0; i < parts.count && !rc; i++)
		if (!windows_is_plain_name(parts.item[i]))
			rc = error_set(e, ERR_UNSUPPORTED,
				"\"%s\" is a name that can't be given to a file of the guest",
				path);
	if (!rc && !parts.count)
		rc = error_set(e, ERR_CORRUPT, "a file of the package has no name");
	strings_free(&parts);
	return rc;
}

static int stage_file(
	const struct inject *in, const char *name, const struct buffer *bytes, struct error *e)
{
	struct buffer path = { 0 };
	int rc = check_path(name, e);

	if (!rc)
		rc = buffer_format(&path, e, "%s/%s", in->folder, name);
	if (!rc)
		rc = windows_put(in->g, buffer_text(&path), bytes->data, bytes->len, in->why, e);
	buffer_free(&path);
	return rc;
}

/* Whether one of the folders, which ";" parts, is that one. */
static bool is_listed(const char *list, const char *folder)
{
	size_t len = strlen(folder);

	while (*list) {
		size_t n = strcspn(list, ";");

		if (n == len && !strncasecmp(list, folder, len))
			return true;
		list += n + (list[n] == ';');
	}
	return false;
}

/* Where Windows looks for the driver of a device that it has none for. */
static int path_extend(const struct inject *in, struct error *e)
{
	static const char *const key = "Microsoft\\Windows\\CurrentVersion";
	struct hive *h = NULL;
	struct error none = { 0 };
	struct buffer folder = { 0 }, list = { 0 };
	char *old = NULL;
	int rc = windows_hive_edit(in->g, WINDOWS_SOFTWARE, &h, e);

	if (!rc)
		rc = buffer_format(&folder, e, WINDOWS_OWN_COMMAND "\\%s", in->name);
	if (!rc) {
		rc = hive_get_text(h, key, "DevicePath", &old, &none);
		if (rc == -ERR_NOTFOUND)
			rc = 0;
		else if (rc)
			*e = none;
	}
	if (!rc && (!old || !is_listed(old, buffer_text(&folder)))) {
		rc = buffer_format(&list, e, "%s;%s", old && *old ? old : "%SystemRoot%\\inf",
			buffer_text(&folder));
		if (!rc)
			rc = hive_set_text(h, key, "DevicePath", HIVE_EXPAND_SZ, buffer_text(&list),
				in->why, e);
	}
	free(old);
	buffer_free(&folder);
	buffer_free(&list);
	return rc;
}

int inject_stage(const struct inject *in, struct error *e)
{
	const struct driver_package *p = in->package;
	int rc = stage_file(in, p->inf_name, &p->inf_bytes, e);

	for (size_t i = 0; i < p->file_count && !rc; i++)
		rc = stage_file(in, p->file[i].path, &p->file[i].bytes, e);
	return rc ? rc : path_extend(in, e);
}

/* In the folder, or in those of it: packages have their files there. */
static int is_below(
	struct guest_image *g, const char *folder, const char *file, bool *answer, struct error *e)
{
	struct strings names = { 0 };
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", folder, file);

	if (!rc)
		*answer = tree_is(g->tree, buffer_text(&path), S_IFREG);
	if (!rc && !*answer)
		rc = tree_list(g->tree, folder, &names, e);
	for (size_t i = 0; i < names.count && !rc && !*answer; i++) {
		buffer_free(&path);
		rc = buffer_format(&path, e, "%s/%s/%s", folder, names.item[i], file);
		if (!rc)
			*answer = tree_is(g->tree, buffer_text(&path), S_IFREG);
	}
	strings_free(&names);
	buffer_free(&path);
	return rc;
}

int windows_is_staged(struct guest_image *g, const char *file, bool *answer, struct error *e)
{
	struct strings packages = { 0 };
	struct buffer own = { 0 }, folder = { 0 };
	int rc = buffer_format(&own, e, "%s/" WINDOWS_OWN_FOLDER, windows_of(g)->root);

	*answer = false;
	if (!rc && tree_is(g->tree, buffer_text(&own), S_IFDIR))
		rc = tree_list(g->tree, buffer_text(&own), &packages, e);
	for (size_t i = 0; i < packages.count && !rc && !*answer; i++) {
		buffer_free(&folder);
		rc = buffer_format(&folder, e, "%s/%s", buffer_text(&own), packages.item[i]);
		if (!rc && tree_is(g->tree, buffer_text(&folder), S_IFDIR))
			rc = is_below(g, buffer_text(&folder), file, answer, e);
	}
	strings_free(&packages);
	buffer_free(&own);
	buffer_free(&folder);
	return rc ? rc : tree_failure(g->tree, e);
}
