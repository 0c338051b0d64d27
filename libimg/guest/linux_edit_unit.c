/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What "systemctl enable" and "disable" do to a system that does not run. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_edit.h"
#include "guest/linux_unit.h"

#define ADMIN "/etc/systemd/system"

enum { ALSO_LIMIT = 64 }; /* units that one takes along */

/* "ssh" means "ssh.service". */
static int name_make(
	const struct edit_work *w, const char *name, struct buffer *out, struct error *e)
{
	if (!unit_system(w->g->tree))
		return error_set(e, ERR_NOTREADY, "the guest is not started by systemd");
	if (strchr(name, '/'))
		return error_set(e, ERR_USAGE, "%s can't be the name of a unit", name);
	return buffer_format(out, e, "%s%s", name, strchr(name, '.') ? "" : ".service");
}

static int missing(const char *name, struct error *e)
{
	return error_set(e, ERR_NOTREADY, "the guest has no unit %s", name);
}

static int links_put(const struct edit_work *w, const struct unit *u, struct error *e)
{
	struct fs_stat st;
	int rc = 0;

	for (size_t i = 0; i < u->links.count && !rc; i++)
		/* Whatever is there has been put there by somebody. */
		if (tree_stat(w->g->tree, u->links.item[i], TREE_NOFOLLOW, &st, NULL))
			rc = edit_put_link(w, u->links.item[i], u->path, e);
	return rc;
}

static int unit_enable(
	const struct edit_work *w, const struct unit *u, const char *name, struct error *e)
{
	if (u->state == UNIT_MISSING)
		return missing(name, e);
	if (u->state == UNIT_MASKED)
		return error_set(e, ERR_NOTREADY,
			"%s is masked in the guest: a link to /dev/null, or an empty file, keeps "
			"it from being started",
			name);
	if (u->unclear)
		return error_set(e, ERR_UNSUPPORTED,
			"[Install] of %s (%s) has something that only systemd can expand", name,
			u->path);
	return links_put(w, u, e);
}

/* One unit; those that go with it are added to the list. */
static int walk_one(const struct edit_work *w, struct strings *names, size_t i,
	int (*each)(
		const struct edit_work *w, const struct unit *u, const char *name, struct error *e),
	struct error *e)
{
	struct unit u = { 0 };
	int rc = unit_load(w->g->tree, names->item[i], &u, e);

	/* Only what was asked for must be there. */
	if (!rc && !(i && (u.state == UNIT_MISSING || u.state == UNIT_MASKED)))
		rc = each(w, &u, names->item[i], e);
	for (size_t k = 0; k < u.also.count && !rc; k++)
		rc = strings_add_new(names, u.also.item[k], e);
	unit_free(&u);
	return rc;
}

static int walk(const struct edit_work *w, const char *name,
	int (*each)(
		const struct edit_work *w, const struct unit *u, const char *name, struct error *e),
	struct error *e)
{
	struct strings names = { 0 };
	struct buffer full = { 0 };
	int rc = name_make(w, name, &full, e);

	if (!rc)
		rc = strings_add(&names, buffer_text(&full), e);
	for (size_t i = 0; i < names.count && i < ALSO_LIMIT && !rc; i++)
		rc = walk_one(w, &names, i, each, e);
	strings_free(&names);
	buffer_free(&full);
	return rc;
}

int linux_unit_enable(const struct edit_work *w, const char *name, struct error *e)
{
	return walk(w, name, unit_enable, e);
}

/* Whether it is a link that leads to a file of that name. */
static int leads_to(
	struct tree *t, const char *link, const char *name, bool *answer, struct error *e)
{
	struct buffer target = { 0 };
	struct fs_stat st;
	const char *last;
	int rc = 0;

	*answer = false;
	if (tree_stat(t, link, TREE_NOFOLLOW, &st, NULL) || !S_ISLNK(st.mode))
		return 0;
	rc = tree_readlink(t, link, &target, e);
	if (!rc) {
		last = strrchr(buffer_text(&target), '/');
		*answer = !strcmp(last ? last + 1 : buffer_text(&target), name);
	}
	buffer_free(&target);
	return rc;
}

/* A link of the unit's name, or one of another name that leads to it. */
static int link_remove(
	const struct edit_work *w, const char *link, const struct unit *u, struct error *e)
{
	const char *file = strrchr(u->path, '/') + 1;
	const char *name = strrchr(link, '/') + 1;
	struct fs_stat st;
	bool its;
	int rc = leads_to(w->g->tree, link, file, &its, e);

	/* The unit's own file may be a link to where it is kept. */
	if (rc || tree_stat(w->g->tree, link, TREE_NOFOLLOW, &st, NULL) || !S_ISLNK(st.mode) ||
		!strcmp(link, u->path))
		return rc;
	/* Of a template, other instances stay. */
	if (strchr(file, '@') ? strcmp(name, u->name) != 0 : !its && strcmp(name, u->name) != 0)
		return 0;
	return tree_remove(w->g->tree, link, w->why, e);
}

static int links_remove_in(
	const struct edit_work *w, const char *folder, const struct unit *u, struct error *e)
{
	struct strings names = { 0 };
	int rc = tree_list(w->g->tree, folder, &names, e);

	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		rc = buffer_format(&path, e, "%s/%s", folder, names.item[i]);
		if (!rc)
			rc = link_remove(w, buffer_text(&path), u, e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

static int links_remove(const struct edit_work *w, const struct unit *u, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (!tree_is(w->g->tree, ADMIN, S_IFDIR))
		return 0;
	rc = tree_list(w->g->tree, ADMIN, &names, e);
	if (!rc)
		rc = links_remove_in(w, ADMIN, u, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		if (!unit_pulls(names.item[i]))
			continue;
		rc = buffer_format(&path, e, ADMIN "/%s", names.item[i]);
		if (!rc && tree_is(w->g->tree, buffer_text(&path), S_IFDIR))
			rc = links_remove_in(w, buffer_text(&path), u, e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

static int unit_disable(
	const struct edit_work *w, const struct unit *u, const char *name, struct error *e)
{
	struct unit after;
	int rc;

	if (u->state == UNIT_MISSING)
		return missing(name, e);
	if (u->state == UNIT_MASKED)
		return 0;
	rc = links_remove(w, u, e);
	if (!rc)
		rc = unit_load(w->g->tree, name, &after, e);
	if (rc)
		return rc;
	if (after.state == UNIT_STARTED)
		rc = error_set(e, ERR_NOTREADY,
			"%s (%s) is started without being enabled; a link " ADMIN
			"/%s to /dev/null (mask) keeps it from that",
			name, u->path, u->name);
	unit_free(&after);
	return rc;
}

int linux_unit_disable(const struct edit_work *w, const char *name, struct error *e)
{
	return walk(w, name, unit_disable, e);
}
