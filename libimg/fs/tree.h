/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_TREE_H
#define LIBIMG_FS_TREE_H

#include "base/journal.h"
#include "fs/fs.h"

/*
 * A guest's file systems put together as its own kernel would see them.  Every path starts at the
 * guest's root; symbolic links, absolute ones and ".." included, are resolved inside it, at most 40
 * of them a path, and never reach the host.  One thread.
 */
struct tree;

enum tree_flags {
	TREE_FOLLOW = 0,
	TREE_NOFOLLOW = 1, /* the last name itself, even when it is a symbolic link */
};

/* `root` and `volume` (its id, for the journal) stay the caller's.  `journal` NULL: edits are not
 * recorded. */
int tree_open(struct fs *root, const char *volume, struct journal *journal, struct tree **out,
	struct error *e);
/* Puts `fs` over the directory `path`, which need not exist. */
int tree_mount(
	struct tree *t, const char *path, struct fs *fs, const char *volume, struct error *e);
void tree_close(struct tree *t);

/* ERR_NOTFOUND when there is no such path. */
int tree_stat(struct tree *t, const char *path, enum tree_flags flags, struct fs_stat *out,
	struct error *e);
/* Whether the path is there and of the type S_IFREG, S_IFDIR or S_IFLNK (0: any), links followed.
 */
bool tree_is(struct tree *t, const char *path, uint32_t type);
/* 0, or the first failure of the host (ERR_IO, ERR_NOMEM) that a look at a path met: tree_is cannot
 * tell it, and what was concluded from "not there" is then worth nothing. */
int tree_failure(const struct tree *t, struct error *e);
/* The path with all links resolved ("/usr/lib/modules" for "/lib/modules"), for a file that exists.
 */
int tree_resolve(struct tree *t, const char *path, struct buffer *out, struct error *e);
/* The names in a directory, sorted. */
int tree_list(struct tree *t, const char *path, struct strings *out, struct error *e);
/* A whole regular file of at most `limit` bytes (ERR_RANGE when larger); appended to `out`. */
int tree_read(
	struct tree *t, const char *path, uint64_t limit, struct buffer *out, struct error *e);
/* A part of a regular file, for what is too large to hold. */
int tree_read_at(
	struct tree *t, const char *path, uint64_t off, void *buf, size_t len, struct error *e);
/* What the file system that has the path has room for; *volume, its id, is the tree's. */
int tree_free_bytes(
	struct tree *t, const char *path, const char **volume, uint64_t *out, struct error *e);
int tree_readlink(struct tree *t, const char *path, struct buffer *out, struct error *e);
int tree_xattrs(
	struct tree *t, const char *path, struct xattr **out, size_t *count, struct error *e);

/* How an edited file shall look; missing parts are taken from the file that is replaced, else
 * root:root 0644. */
struct tree_put {
	bool has_mode; /* permissions below; otherwise as before */
	uint32_t mode;
	int64_t mtime;
	const char *why; /* for the journal */
};

/*
 * Writes a regular file.  Owner, mode and xattrs of a replaced file are kept; a file that has the
 * wanted bytes and mode already is left alone, unrecorded.  Missing parent directories are made,
 * root:root 0755.
 */
int tree_put_bytes(struct tree *t, const char *path, const void *bytes, size_t len,
	const struct tree_put *p, struct error *e);
/* As tree_put_bytes, the content read in pieces from `read`, which may be called twice for the same
 * range and may read the file that is being replaced. */
int tree_put_reader(struct tree *t, const char *path, uint64_t size,
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e), void *arg,
	const struct tree_put *p, struct error *e);
int tree_put_link(struct tree *t, const char *path, const char *target, const struct tree_put *p,
	struct error *e);
/* Makes a directory, and those above it, root:root 0755 or with `p`'s mode; one that is there is
 * left alone. */
int tree_make_directory(
	struct tree *t, const char *path, const struct tree_put *p, struct error *e);
int tree_remove(struct tree *t, const char *path, const char *why, struct error *e);
/* A directory with all that is below; links in it are removed, not followed. */
int tree_remove_all(struct tree *t, const char *path, const char *why, struct error *e);
/* Adds all that is in the directory, a directory before what is in it, names sorted in each; links
 * are not followed.  ERR_RANGE when there are more than `limit`. */
int tree_list_all(
	struct tree *t, const char *directory, size_t limit, struct strings *out, struct error *e);

/* Parts that are not given stay. */
struct tree_looks {
	bool has_mode, has_uid, has_gid;
	uint32_t mode; /* permissions */
	uint32_t uid, gid;
};
/* Permissions and owner of what is at the path, links followed; content and times stay.
 * ERR_UNSUPPORTED on a file system that stores none. */
int tree_set_looks(struct tree *t, const char *path, const struct tree_looks *l, const char *why,
	struct error *e);

#endif
