/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TREE_FILE_H
#define LIBIMG_GUEST_TREE_FILE_H

#include "fs/tree.h"
#include "guest/initramfs.h"

/* A file of the guest as a source of bytes, for the readers that also take parts of an initramfs.
 */
struct tree_file {
	struct tree *tree;
	const char *path;
};

/* `out` reads from `f`, which has to live as long; links are followed.  ERR_CORRUPT for what is no
 * plain file. */
int tree_file_source(struct tree_file *f, struct initramfs_source *out, struct error *e);
int tree_file_read(struct tree_file *f, uint64_t off, void *buf, size_t len, struct error *e);

#endif
