/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_TREE_WALK_H
#define LIBIMG_FS_TREE_WALK_H

#include "fs/tree.h"

/* What the tree's reading and writing halves share. */

struct mount {
	struct fs *fs;
	char *volume;
	char *path; /* resolved, "" for the root, else "/boot" */
};

struct tree {
	struct mount *mount; /* the root first */
	size_t count;
	struct journal *journal;
};

/* Where a path leads: `path` is free of links, "." and ".."; "" is the root. */
struct place {
	const struct mount *mount;
	uint64_t node; /* when found */
	uint64_t dir; /* node of the directory that holds the last name */
	bool found;
	struct fs_stat stat; /* of node */
	struct buffer path;
	const char *name; /* last name, inside `path` */
};

/*
 * Resolves as far as the path goes.  Everything but the last name must exist (ERR_NOTFOUND); the
 * last may be missing, then `found` is false and `dir` is where it belongs.  The caller frees with
 * place_free.
 */
int tree_walk(struct tree *t, const char *path, enum tree_flags flags, struct place *out,
	struct error *e);
/* As tree_walk, and the last name must be there. */
int tree_find(struct tree *t, const char *path, enum tree_flags flags, struct place *out,
	struct error *e);
void place_free(struct place *p);

#endif
