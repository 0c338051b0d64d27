/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_FILL_H
#define LIBIMG_FS_EXT_FILL_H

#include "fs/fs.h"

/*
 * A whole tree into a fresh ext4: nodes are made without names, one after the other in the order of
 * the disk; in the end each directory is written once, by the names that it has then.  Between the
 * first node and the last directory the file system is not sound.  ERR_RANGE: no room.
 */

enum {
	EXT_FILL_LINKS_MAX = 65000,
	EXT_FILL_LOST_FOUND = 11, /* the node that ext_make gives to that directory */
	EXT_FILL_LOST_FOUND_SIZE = 16 << 10, /* bytes: e2fsck has none to give when it needs it */
};

struct ext_fill_device {
	uint32_t major, minor;
};

/* A node of any type but a socket; of a link `target` is used, of a file neither size nor content.
 * `xattr` are as a kernel gives them, ACLs too. */
int ext_fill_node(struct fs *fs, const struct fs_put *p, struct ext_fill_device device,
	uint64_t *node, struct error *e);
/* Mode, owner, time and attributes of a node that is there. */
int ext_fill_looks(struct fs *fs, uint64_t node, const struct fs_put *p, struct error *e);
/* One more name, or one less, of something that is no directory; one without names is gone.  A
 * directory is gone at once. */
int ext_fill_link(struct fs *fs, uint64_t node, struct error *e);
int ext_fill_unlink(struct fs *fs, uint64_t node, struct error *e);

/* The content of a new file, written from its beginning to its end; what is left out are holes. */
struct ext_fill_file;
int ext_fill_open(struct fs *fs, uint64_t node, struct ext_fill_file **out, struct error *e);
int ext_fill_write(
	struct ext_fill_file *f, uint64_t off, const void *bytes, size_t len, struct error *e);
/* What ends it, with the file's size. */
int ext_fill_finish(struct ext_fill_file *f, uint64_t size, struct error *e);
/* NULL is fine. */
void ext_fill_close(struct ext_fill_file *f);

struct ext_fill_name {
	const char *name;
	size_t len;
	uint64_t node;
	uint32_t mode; /* only the type counts */
};

struct ext_fill_directory {
	uint64_t node, parent;
	uint64_t size_min; /* bytes */
	/* The next name; *more false at the end. */
	void (*next)(void *arg, struct ext_fill_name *out, bool *more);
	void *arg;
};

/* Takes the place of all that the directory has. */
int ext_fill_directory(struct fs *fs, const struct ext_fill_directory *d, struct error *e);
/* After the last: all is written back, the copies of the superblock and the groups too. */
int ext_fill_end(struct fs *fs, struct error *e);

#endif
