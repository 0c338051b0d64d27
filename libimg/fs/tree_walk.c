/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/tree_walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINKS_MAX = 40, PATH_LIMIT = 4096 };

/* A path on its way: names still to go, and the resolved ones. */
struct walk {
	struct tree *tree;
	struct buffer rest; /* names to go, with slashes */
	size_t at; /* of the next name in `rest` */
	unsigned links;
	struct place *place;
};

static const struct mount *mount_at(const struct tree *t, const char *path)
{
	for (size_t i = t->count; i > 0; i--)
		if (strcmp(t->mount[i - 1].path, path) == 0)
			return &t->mount[i - 1];
	return NULL;
}

/* Stands on a directory whose resolved path is known: the root, or a mount. */
static int place_mount(struct place *p, const struct mount *m, struct error *e)
{
	p->mount = m;
	p->node = m->fs->root;
	p->found = true;
	return m->fs->ops->stat(m->fs, p->node, &p->stat, e);
}

/* Takes the next name out of `rest`; false at the end. */
static bool name_next(struct walk *w, char name[FS_NAME_MAX + 1], bool *too_long)
{
	const char *text = buffer_text(&w->rest);
	size_t len;

	w->at += strspn(text + w->at, "/");
	len = strcspn(text + w->at, "/");
	*too_long = len > FS_NAME_MAX;
	if (!len || *too_long)
		return false;
	memcpy(name, text + w->at, len);
	name[len] = 0;
	w->at += len;
	return true;
}

static bool names_left(const struct walk *w)
{
	const char *text = buffer_text(&w->rest);

	return text[w->at + strspn(text + w->at, "/")] != 0;
}

static int path_restart(struct walk *w, const char *path, struct error *e);

/* One up: the parent is found again from the root, since nodes do not know their parents across
 * mounts. */
static int walk_up(struct walk *w, struct error *e)
{
	struct place *p = w->place;
	struct buffer whole = { 0 };
	const char *text = buffer_text(&p->path), *slash = strrchr(text, '/');
	size_t keep = slash ? (size_t)(slash - text) : 0;
	int rc = buffer_append(&whole, text, keep, e);

	if (!rc)
		rc = buffer_format(&whole, e, "/%s", buffer_text(&w->rest) + w->at);
	if (!rc)
		rc = path_restart(w, buffer_text(&whole), e);
	buffer_free(&whole);
	return rc;
}

/* Replaces the link just found by its target. */
static int link_follow(struct walk *w, struct error *e)
{
	struct place *p = w->place;
	struct buffer target = { 0 }, whole = { 0 };
	const char *text = buffer_text(&p->path), *slash = strrchr(text, '/');
	int rc;

	if (++w->links > LINKS_MAX)
		return error_set(
			e, ERR_CORRUPT, "%s: more than %d symbolic links", text, LINKS_MAX);
	rc = p->mount->fs->ops->readlink(p->mount->fs, p->node, &target, e);
	if (!rc && buffer_text(&target)[0] != '/')
		rc = buffer_append(&whole, text, slash ? (size_t)(slash - text) : 0, e);
	if (!rc)
		rc = buffer_format(
			&whole, e, "/%s/%s", buffer_text(&target), buffer_text(&w->rest) + w->at);
	if (!rc)
		rc = path_restart(w, buffer_text(&whole), e);
	buffer_free(&target);
	buffer_free(&whole);
	return rc;
}

static int path_restart(struct walk *w, const char *path, struct error *e)
{
	struct buffer rest = { 0 };
	int rc;

	if (strlen(path) > PATH_LIMIT)
		return error_set(e, ERR_RANGE, "path of %zu bytes is too long", strlen(path));
	rc = buffer_string(&rest, path, e);
	if (rc)
		return rc;
	buffer_free(&w->rest);
	w->rest = rest;
	w->at = 0;
	w->place->path.len = 0;
	rc = buffer_reserve(&w->place->path, 1, e);
	if (rc)
		return rc;
	w->place->path.data[0] = 0;
	return place_mount(w->place, &w->tree->mount[0], e);
}

/* Goes into the directory `p->node` by one name. */
static int name_enter(struct walk *w, const char *name, struct error *e)
{
	struct place *p = w->place;
	const struct mount *m;
	int rc;

	if (!S_ISDIR(p->stat.mode))
		return error_set(e, ERR_NOTFOUND, "%s is not a directory", buffer_text(&p->path));
	p->dir = p->node;
	rc = buffer_format(&p->path, e, "/%s", name);
	if (rc)
		return rc;
	m = mount_at(w->tree, buffer_text(&p->path));
	if (m)
		return place_mount(p, m, e);
	rc = p->mount->fs->ops->lookup(p->mount->fs, p->dir, name, &p->node, e);
	p->found = rc == 0;
	if (rc == -ERR_NOTFOUND && !names_left(w))
		return 0;
	if (rc == -ERR_NOTFOUND)
		return error_set(e, ERR_NOTFOUND, "%s is not there", buffer_text(&p->path));
	return rc ? rc : p->mount->fs->ops->stat(p->mount->fs, p->node, &p->stat, e);
}

static int walk_steps(struct walk *w, enum tree_flags flags, struct error *e)
{
	char name[FS_NAME_MAX + 1];
	bool too_long;
	int rc = 0;

	while (!rc && name_next(w, name, &too_long)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			rc = walk_up(w, e);
			continue;
		}
		rc = name_enter(w, name, e);
		if (!rc && w->place->found && S_ISLNK(w->place->stat.mode) &&
			(names_left(w) || flags == TREE_FOLLOW))
			rc = link_follow(w, e);
	}
	if (!rc && too_long)
		rc = error_set(
			e, ERR_RANGE, "a name in the path is longer than %d bytes", FS_NAME_MAX);
	return rc;
}

int tree_walk(
	struct tree *t, const char *path, enum tree_flags flags, struct place *out, struct error *e)
{
	struct walk w = { .tree = t, .place = out };
	const char *slash;
	int rc;

	*out = (struct place){ 0 };
	rc = path_restart(&w, path, e);
	if (!rc)
		rc = walk_steps(&w, flags, e);
	buffer_free(&w.rest);
	if (rc) {
		place_free(out);
		return rc;
	}
	slash = strrchr(buffer_text(&out->path), '/');
	out->name = slash ? slash + 1 : "";
	return 0;
}

int tree_find(
	struct tree *t, const char *path, enum tree_flags flags, struct place *out, struct error *e)
{
	int rc = tree_walk(t, path, flags, out, e);

	if (rc || out->found)
		return rc;
	place_free(out);
	return error_set(e, ERR_NOTFOUND, "%s is not there", path);
}

void place_free(struct place *p)
{
	buffer_free(&p->path);
}
