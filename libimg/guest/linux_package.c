/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What starts the guest, what manages its packages, and how many are installed. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_package.h"

enum {
	STATUS_LIMIT = 64 << 20, /* bytes of a package manager's text */
	PACKAGES_MAX = 1 << 20,
};

static int set_text(char **field, const char *text, struct error *e)
{
	*field = strdup(text);
	return *field ? 0 : error_nomem(e, "a guest");
}

static int init_load(struct guest_image *g, struct error *e)
{
	static const char *const paths[] = { "/sbin/init", "/usr/sbin/init", "/init" };
	struct buffer real = { 0 };
	const char *name, *init = NULL;
	int rc = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !real.len && !rc; i++)
		if (tree_is(g->tree, paths[i], S_IFREG))
			rc = tree_resolve(g->tree, paths[i], &real, e);
	name = real.len ? strrchr(buffer_text(&real), '/') + 1 : "";
	if (!strcmp(name, "systemd"))
		init = "systemd";
	else if (!strcmp(name, "openrc-init") || tree_is(g->tree, "/sbin/openrc", S_IFREG))
		init = "openrc";
	else if (real.len && tree_is(g->tree, "/etc/inittab", S_IFREG))
		init = "sysvinit";
	if (!rc && init)
		rc = set_text(&g->guest.init, init, e);
	buffer_free(&real);
	return rc;
}

static uint64_t count_lines(const char *text, const char *beginning, const char *end)
{
	const size_t first = strlen(beginning), last = strlen(end);
	uint64_t count = 0;

	while (*text) {
		size_t len = strcspn(text, "\n"), bare = len;

		while (bare && strchr(" \t\r", text[bare - 1]))
			bare--;
		count += bare >= first + last && !memcmp(text, beginning, first) &&
			!memcmp(text + bare - last, end, last);
		text += len + (text[len] != 0);
	}
	return count;
}

/* The text's lines that stand for a package each. */
static int count_in(struct guest_image *g, const char *path, const char *beginning, const char *end,
	struct error *e)
{
	struct buffer text = { 0 };
	struct error why = { 0 };
	int rc = tree_read(g->tree, path, STATUS_LIMIT, &text, &why);

	if (rc)
		rc = error_of_host(&why, e);
	else
		g->guest.package_count = count_lines(buffer_text(&text), beginning, end);
	g->guest.has_package_count = !rc && !why.code;
	buffer_free(&text);
	return rc;
}

/* "Status: install ok installed", dpkg(1) */
static int count_dpkg(struct guest_image *g, const char *path, struct error *e)
{
	return count_in(g, path, "Status: ", " installed", e);
}

static int count_apk(struct guest_image *g, const char *path, struct error *e)
{
	return count_in(g, path, "P:", "", e);
}

/* A directory for each. */
static int count_pacman(struct guest_image *g, const char *path, struct error *e)
{
	struct strings names = { 0 };
	int rc = tree_list(g->tree, path, &names, e);

	for (size_t i = 0; i < names.count && i < PACKAGES_MAX && !rc; i++) {
		struct buffer desc = { 0 };

		rc = buffer_format(&desc, e, "%s/%s/desc", path, names.item[i]);
		if (!rc && tree_is(g->tree, buffer_text(&desc), S_IFREG))
			g->guest.package_count++;
		buffer_free(&desc);
	}
	g->guest.has_package_count = !rc;
	strings_free(&names);
	return rc;
}

/* Berkeley DB and ndb are not read: their count is not known. */
static int count_nothing(struct guest_image *g, const char *path, struct error *e)
{
	(void)g;
	(void)path;
	(void)e;
	return 0;
}

static const struct manager {
	const char *name, *path;
	uint32_t type;
	int (*count)(struct guest_image *g, const char *path, struct error *e);
} managers[] = {
	{ "dpkg", "/var/lib/dpkg/status", S_IFREG, count_dpkg },
	{ "rpm", "/usr/lib/sysimage/rpm/rpmdb.sqlite", S_IFREG, linux_rpm_count },
	{ "rpm", "/var/lib/rpm/rpmdb.sqlite", S_IFREG, linux_rpm_count },
	{ "rpm", "/usr/lib/sysimage/rpm/Packages.db", S_IFREG, count_nothing },
	{ "rpm", "/var/lib/rpm/Packages.db", S_IFREG, count_nothing },
	{ "rpm", "/usr/lib/sysimage/rpm/Packages", S_IFREG, count_nothing },
	{ "rpm", "/var/lib/rpm/Packages", S_IFREG, count_nothing },
	{ "pacman", "/var/lib/pacman/local", S_IFDIR, count_pacman },
	{ "apk", "/lib/apk/db/installed", S_IFREG, count_apk },
	{ "apk", "/usr/lib/apk/db/installed", S_IFREG, count_apk },
};

int linux_packages_load(struct guest_image *g, struct error *e)
{
	int rc = init_load(g, e);

	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]) && !rc; i++) {
		const struct manager *m = &managers[i];

		if (!tree_is(g->tree, m->path, m->type))
			continue;
		rc = set_text(&g->guest.package_manager, m->name, e);
		return rc ? rc : m->count(g, m->path, e);
	}
	return rc;
}
