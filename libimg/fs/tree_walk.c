/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of a guest: names, links, ".." and mounts, resolved as the guest's kernel does
 * (path_resolution(7)). */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree_private.h"

/* A directory on the way. */
struct step {
	struct mount *mount;
	uint64_t node;
	size_t path_len; /* of the resolved path up to here */
};

struct walk {
	struct tree *tree;
	const struct walk_options *options;
	struct step step[TREE_DEPTH_MAX];
	size_t depth; /* at least 1: the root */
	char rest[TREE_PATH_MAX + 1];
	unsigned links;
	struct spot *spot;
};

struct mount *tree_mount_at(struct tree *t, const char *path)
{
	/* A later one covers an earlier one. */
	for (size_t i = t->mount_count; i--;)
		if (!strcmp(t->mount[i].path, path))
			return &t->mount[i];
	return NULL;
}

void spot_free(struct spot *s)
{
	buffer_free(&s->path);
}

static struct step *top(struct walk *w)
{
	return &w->step[w->depth - 1];
}

static void cut_path(struct walk *w, size_t len)
{
	struct buffer *path = &w->spot->path;

	path->len = len;
	if (path->data)
		path->data[len] = '\0';
}

/* Takes the first name off the rest; false at its end.  Names too long are left for the caller to
 * see. */
static bool next_name(struct walk *w, char *name, size_t size, size_t *len)
{
	size_t start = strspn(w->rest, "/");
	size_t end;

	*len = strcspn(w->rest + start, "/");
	if (!*len)
		return false;
	if (*len < size) {
		memcpy(name, w->rest + start, *len);
		name[*len] = '\0';
	}
	end = start + *len;
	memmove(w->rest, w->rest + end, strlen(w->rest + end) + 1);
	return true;
}

static bool at_end(const struct walk *w)
{
	return !w->rest[strspn(w->rest, "/")];
}

static int enter(struct walk *w, struct mount *mount, uint64_t node, struct error *e)
{
	if (w->depth == TREE_DEPTH_MAX)
		return error_set(e, ERR_RANGE, "more than %d directories deep", TREE_DEPTH_MAX);
	w->step[w->depth++] = (struct step){
		.mount = mount,
		.node = node,
		.path_len = w->spot->path.len,
	};
	return 0;
}

static void leave(struct walk *w)
{
	if (w->depth > 1)
		w->depth--;
	cut_path(w, top(w)->path_len);
}

/* A link's target goes in front of the rest; an absolute one starts at the guest's root again. */
static int follow(struct walk *w, struct error *e)
{
	struct buffer target = { 0 };
	int rc;

	if (++w->links > TREE_LINKS_MAX)
		return error_set(e, ERR_CORRUPT, "more than %d symbolic links", TREE_LINKS_MAX);
	rc = spot_target(w->spot, &target, e);
	if (!rc && target.len + 1 + strlen(w->rest) > TREE_PATH_MAX)
		rc = error_set(e, ERR_RANGE, "symbolic links make a path of more than %d bytes",
			TREE_PATH_MAX);
	if (!rc) {
		memmove(w->rest + target.len + 1, w->rest, strlen(w->rest) + 1);
		memcpy(w->rest, target.data, target.len);
		w->rest[target.len] = '/';
		if (target.data[0] == '/')
			w->depth = 1;
		cut_path(w, top(w)->path_len);
	}
	buffer_free(&target);
	return rc;
}

/* Fills the spot with what the current directory has under spot->name. */
static int look(struct walk *w, struct error *e)
{
	struct spot *s = w->spot;
	struct mount *mounted = tree_mount_at(w->tree, buffer_text(&s->path));
	uint64_t node = 0;
	int rc = 0;

	s->mount = top(w)->mount;
	s->dir = top(w)->node;
	s->top = mounted != NULL;
	s->found = true;
	if (mounted) {
		s->mount = mounted;
		node = mounted->fs->root;
	} else {
		rc = s->mount->fs->ops->lookup(s->mount->fs, s->dir, s->name, &node, e);
	}
	if (!rc)
		return s->mount->fs->ops->stat(s->mount->fs, node, &s->stat, e);
	s->found = false;
	return rc;
}

/* Nothing has that name: fine at the end of some walks, to be made on the way of others. */
static int missing(struct walk *w, bool last, struct error *e)
{
	struct spot *s = w->spot;
	uint64_t node = 0;
	int rc;

	if (last && w->options->flags & WALK_MISSING)
		return 0;
	if (last || !w->options->make)
		return error_set(e, ERR_NOTFOUND, "no such file");
	rc = w->options->make(w->options->make_arg, s, &node, e);
	return rc ? rc : enter(w, s->mount, node, e);
}

/* After ".", ".." and links, the spot is the directory that the walk stands in. */
static int stand(struct walk *w, struct error *e)
{
	const struct step *at = top(w);
	struct spot *s = w->spot;

	s->mount = at->mount;
	s->found = true;
	s->top = at->node == at->mount->fs->root;
	s->name[0] = '\0';
	if (w->depth > 1) {
		const char *slash = strrchr(buffer_text(&s->path), '/');

		s->dir = w->step[w->depth - 2].node;
		memcpy(s->name, slash + 1, strlen(slash + 1) + 1);
	}
	return s->mount->fs->ops->stat(s->mount->fs, at->node, &s->stat, e);
}

/* Where names differ by more than their bytes, a path has them as the directories do. */
static int spell(struct walk *w, const char *name, struct error *e)
{
	struct fs *fs = top(w)->mount->fs;
	struct error why = { 0 };
	int rc;

	memcpy(w->spot->name, name, strlen(name) + 1);
	if (!fs->ops->spelling)
		return 0;
	rc = fs->ops->spelling(fs, top(w)->node, name, w->spot->name, &why);
	if (!rc || rc == -ERR_NOTFOUND)
		return 0;
	if (e)
		*e = why;
	return rc;
}

static int take(struct walk *w, const char *name, struct error *e)
{
	struct spot *s = w->spot;
	bool last = at_end(w);
	int rc = spell(w, name, e);

	if (!rc)
		rc = buffer_format(&s->path, e, "/%s", s->name);
	if (!rc)
		rc = look(w, e);
	if (rc == -ERR_NOTFOUND)
		return missing(w, last, e);
	if (rc)
		return rc;
	if (S_ISLNK(s->stat.mode) && !(last && w->options->flags & WALK_NOFOLLOW)) {
		rc = follow(w, e);
		return rc ? rc : stand(w, e);
	}
	if (S_ISDIR(s->stat.mode))
		return enter(w, s->mount, s->stat.node, e);
	return last ? 0
		    : error_set(e, ERR_NOTFOUND, "%s is not a directory", buffer_text(&s->path));
}

static int steps(struct walk *w, struct error *e)
{
	char name[FS_NAME_MAX + 1];
	size_t len;
	int rc = stand(w, e);

	while (!rc && next_name(w, name, sizeof(name), &len)) {
		if (len > FS_NAME_MAX)
			return error_set(e, ERR_RANGE, "a name of %zu bytes", len);
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			rc = take(w, name, e);
			continue;
		}
		if (name[1])
			leave(w);
		rc = stand(w, e);
	}
	return rc;
}

int tree_walk(struct tree *t, const char *path, const struct walk_options *o, struct spot *out,
	struct error *e)
{
	struct walk *w;
	int rc;

	*out = (struct spot){ 0 };
	if (strlen(path) > TREE_PATH_MAX)
		return error_set(e, ERR_RANGE, "a path of %zu bytes", strlen(path));
	w = malloc(sizeof(*w));
	if (!w)
		return error_nomem(e, "a path");
	w->tree = t;
	w->options = o;
	w->depth = 1;
	w->links = 0;
	w->spot = out;
	memcpy(w->rest, path, strlen(path) + 1);
	w->step[0] = (struct step){ .mount = &t->mount[0], .node = t->mount[0].fs->root };
	rc = steps(w, e);
	free(w);
	return rc ? error_prefix(e, "%.200s", path) : 0;
}
