/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_TREE_PRIVATE_H
#define LIBIMG_FS_TREE_PRIVATE_H

#include "fs/tree.h"

enum {
	TREE_LINKS_MAX = 40, /* as Linux's MAXSYMLINKS */
	TREE_PATH_MAX = 4096, /* bytes that are still to be walked, link targets included */
	TREE_DEPTH_MAX = 1024, /* directories above a file */
};

struct mount {
	struct fs *fs;
	char *volume;
	char *path; /* resolved, "/boot/efi"; "" for the root */
};

struct tree {
	struct mount *mount; /* [0] is the root */
	size_t mount_count;
	struct journal *journal;
	struct error failure; /* the first that was the host's */
};

/* Where a path ended. */
struct spot {
	struct mount *mount;
	bool found;
	bool top; /* a mounted file system's root: it has no name that could be changed */
	uint64_t dir; /* the directory that has `name`, unless top */
	char name[FS_NAME_MAX + 1];
	struct fs_stat stat; /* when found */
	struct buffer path; /* resolved */
};

enum walk_flags {
	WALK_FOLLOW = 0,
	WALK_NOFOLLOW = 1, /* of a link at the end */
	WALK_MISSING = 2, /* the last name need not exist: then !found */
};

struct walk_options {
	enum walk_flags flags;
	/* Makes a missing directory on the way and tells its node; NULL: ERR_NOTFOUND. */
	int (*make)(void *arg, const struct spot *at, uint64_t *node, struct error *e);
	void *make_arg;
};

/* Resolves a path; free the spot with spot_free, also after a failure. */
int tree_walk(struct tree *t, const char *path, const struct walk_options *o, struct spot *out,
	struct error *e);
void spot_free(struct spot *s);
/* The file system mounted at a resolved path, or NULL. */
struct mount *tree_mount_at(struct tree *t, const char *path);

/* What the journal says about the node at a spot, its content digested. */
int spot_state(const struct spot *s, struct edit_state *out, struct error *e);
/* tree_edit.c.  ERR_REFUSED when the file system is not open for editing. */
int spot_check_writable(const struct spot *s, struct error *e);
/* An entry in the journal. */
int spot_record(struct tree *t, const struct spot *s, const char *why,
	const struct edit_state *before, const struct edit_state *after, struct error *e);
/* Puts the node, looks at it again, and records it. */
int spot_put(struct tree *t, struct spot *s, struct fs_put *put, const char *why,
	const struct edit_state *before, struct error *e);
/* Finds what `path` names, or the place for it, making directories on the way; ERR_EXISTS for a
 * directory. */
int tree_find_place(struct tree *t, const char *path, enum walk_flags flags,
	const struct tree_put *p, struct spot *out, struct error *e);

/* Appends the target of the link at the spot. */
int spot_target(const struct spot *s, struct buffer *out, struct error *e);

#endif
