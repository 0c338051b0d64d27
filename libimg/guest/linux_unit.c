/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"
#include "guest/linux_unit_install.h"

#define ADMIN "/etc/systemd/system"

enum { UNIT_FILE_LIMIT = 64 << 10, UNIT_NAME_LIMIT = 255, PULLING_LIMIT = 1024 };

/* Where units are looked for, the first that has one wins; the guest may have one of the last two
 * as a link to the other. */
static const char *const unit_directory[] = { ADMIN, "/usr/local/lib/systemd/system",
	"/lib/systemd/system", "/usr/lib/systemd/system" };
enum { DIRECTORY_COUNT = sizeof(unit_directory) / sizeof(*unit_directory) };

bool unit_system(struct tree *t)
{
	return tree_is(t, "/usr/lib/systemd/systemd", S_IFREG) ||
		tree_is(t, "/lib/systemd/systemd", S_IFREG);
}

void unit_free(struct unit *u)
{
	free(u->name);
	free(u->path);
	strings_free(&u->links);
	strings_free(&u->also);
	*u = (struct unit){ 0 };
}

/* Where the instance of "name@instance.service" begins and ends; false: there is no '@'. */
static bool instance_of(const char *name, size_t *start, size_t *end)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot < at)
		return false;
	*start = (size_t)(at - name) + 1;
	*end = (size_t)(dot - name);
	return true;
}

static bool is_masked(struct tree *t, const char *path)
{
	struct buffer target = { 0 };
	struct fs_stat st;
	bool masked = false;

	if (tree_stat(t, path, TREE_NOFOLLOW, &st, NULL))
		return false;
	if ((st.mode & S_IFMT) == S_IFREG)
		masked = !st.size;
	else if ((st.mode & S_IFMT) == S_IFLNK && !tree_readlink(t, path, &target, NULL))
		masked = !strcmp(buffer_text(&target), "/dev/null");
	buffer_free(&target);
	return masked;
}

/* The first file for `name`, or else for its template. */
static int file_find(struct tree *t, const char *name, struct unit *u, struct error *e)
{
	char template[UNIT_NAME_LIMIT + 1], path[512];
	size_t start, end;
	bool has_template = instance_of(name, &start, &end) && end > start;

	if (has_template)
		snprintf(template, sizeof(template), "%.*s%s", (int)start, name, name + end);
	for (size_t i = 0; i < (has_template ? 2 : 1) * (size_t)DIRECTORY_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", unit_directory[i % DIRECTORY_COUNT],
			i < DIRECTORY_COUNT ? name : template);
		if (is_masked(t, path)) {
			u->state = UNIT_MASKED;
			u->name = strdup(name);
			return u->name ? 0 : error_nomem(e, "a unit");
		}
		if (!tree_is(t, path, S_IFREG))
			continue;
		u->path = strdup(path);
		u->state = UNIT_DISABLED;
		return u->path ? 0 : error_nomem(e, "a unit");
	}
	return 0;
}

/* The name of the file that a unit's link leads to: a unit that has several names is enabled by its
 * own.  A template's file says nothing of the instance. */
static int name_find(struct tree *t, const char *name, struct unit *u, struct error *e)
{
	struct buffer real = { 0 };
	const char *base;
	size_t start, end;
	int rc = tree_resolve(t, u->path, &real, e);

	if (rc)
		return rc;
	base = strrchr(buffer_text(&real), '/') + 1;
	if (instance_of(name, &start, &end) || strlen(base) > UNIT_NAME_LIMIT)
		base = name;
	if (strcmp(base, name) != 0) {
		free(u->path);
		u->path = strdup(buffer_text(&real));
	}
	u->name = strdup(base);
	buffer_free(&real);
	return u->name && u->path ? 0 : error_nomem(e, "a unit");
}

static int link_add(struct unit *u, const char *by, const char *kind, struct error *e)
{
	struct buffer path = { 0 };
	int rc;

	if (strchr(by, '%') || strchr(by, '/') || strlen(by) > UNIT_NAME_LIMIT - 10) {
		u->unclear = true;
		return 0;
	}
	rc = kind ? buffer_format(&path, e, ADMIN "/%s.%s/%s", by, kind, u->name)
		  : buffer_format(&path, e, ADMIN "/%s", by);
	if (!rc)
		rc = strings_add_new(&u->links, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

/* "name@.service" becomes the instance that [Install] says; without one it can't be enabled. */
static int instance_set(struct unit *u, const struct unit_install *i, struct error *e)
{
	struct buffer name = { 0 };
	size_t start, end;
	int rc;

	if (!instance_of(u->name, &start, &end) || end > start)
		return 0;
	if (!i->instance || strchr(i->instance, '/') || strchr(i->instance, '%')) {
		u->unclear = true;
		return 0;
	}
	rc = buffer_format(&name, e, "%.*s%s%s", (int)start, u->name, i->instance, u->name + end);
	if (!rc) {
		free(u->name);
		u->name = strdup(buffer_text(&name));
		rc = u->name ? 0 : error_nomem(e, "a unit");
	}
	buffer_free(&name);
	return rc;
}

static int links_find(struct unit *u, const struct unit_install *i, struct error *e)
{
	const struct {
		const struct strings *list;
		const char *kind;
	} kinds[] = { { &i->wanted, "wants" }, { &i->required, "requires" },
		{ &i->upheld, "upholds" }, { &i->alias, NULL } };
	int rc = instance_set(u, i, e);

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t n = 0; n < kinds[k].list->count && !rc; n++)
			rc = link_add(u, kinds[k].list->item[n], kinds[k].kind, e);
	for (size_t n = 0; n < i->also.count && !rc; n++)
		if (!strpbrk(i->also.item[n], "/%"))
			rc = strings_add_new(&u->also, i->also.item[n], e);
	return rc;
}

bool unit_pulls(const char *directory)
{
	const char *dot = strrchr(directory, '.');

	return dot &&
		(!strcmp(dot, ".wants") || !strcmp(dot, ".requires") || !strcmp(dot, ".upholds"));
}

/* Some unit pulls it in, by whatever link an administrator or a package made. */
static int is_pulled(struct tree *t, const char *name, bool *answer, struct error *e)
{
	size_t looked = 0;
	int rc = 0;

	for (size_t d = 0; d < DIRECTORY_COUNT && !rc && !*answer; d++) {
		struct strings names = { 0 };

		if (tree_is(t, unit_directory[d], S_IFDIR))
			rc = tree_list(t, unit_directory[d], &names, e);
		for (size_t i = 0; i < names.count && !rc && !*answer; i++) {
			struct buffer path = { 0 };
			struct fs_stat st;

			if (!unit_pulls(names.item[i]) || looked++ >= PULLING_LIMIT)
				continue;
			rc = buffer_format(
				&path, e, "%s/%s/%s", unit_directory[d], names.item[i], name);
			*answer = !rc &&
				!tree_stat(t, buffer_text(&path), TREE_NOFOLLOW, &st, NULL);
			buffer_free(&path);
		}
		strings_free(&names);
	}
	return rc;
}

static int state_find(struct tree *t, struct unit *u, struct error *e)
{
	bool pulled = !u->links.count && !u->unclear;
	struct fs_stat st;
	int rc;

	for (size_t i = 0; i < u->links.count; i++)
		pulled = pulled || !tree_stat(t, u->links.item[i], TREE_NOFOLLOW, &st, NULL);
	rc = pulled ? 0 : is_pulled(t, u->name, &pulled, e);
	if (!rc && pulled)
		u->state = UNIT_STARTED;
	return rc;
}

int unit_load(struct tree *t, const char *name, struct unit *out, struct error *e)
{
	struct unit_install install = { 0 };
	struct buffer text = { 0 };
	struct unit u = { 0 };
	int rc = 0;

	if (strlen(name) <= UNIT_NAME_LIMIT && !strchr(name, '/'))
		rc = file_find(t, name, &u, e);
	if (!rc && u.path) {
		rc = name_find(t, name, &u, e);
		if (!rc)
			rc = tree_read(t, u.path, UNIT_FILE_LIMIT, &text, e);
		if (rc == -ERR_RANGE) {
			u.unclear = true;
			rc = 0;
		}
		if (!rc)
			rc = unit_install_read(buffer_text(&text), &install, e);
		if (!rc)
			rc = links_find(&u, &install, e);
		if (!rc)
			rc = state_find(t, &u, e);
	}
	unit_install_free(&install);
	buffer_free(&text);
	if (rc) {
		unit_free(&u);
		return error_prefix(e, "%s", name);
	}
	*out = u;
	return 0;
}
