/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_FILL_PRIVATE_H
#define LIBIMG_FS_EXT_FILL_PRIVATE_H

#include "fs/ext.h"

/* What the parts of ext_fill share. */

int ext_fill_inode_write(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e);
/* An empty map of extents. */
int ext_fill_extents_begin(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e);

/* The blocks of one file, given out in rising order. */
struct ext_blocks {
	struct ext *x;
	ext2_ino_t ino;
	struct ext2_inode_large inode;
	ext2_extent_handle_t extents;
	struct ext2fs_extent last; /* e_len 0: none yet */
};

/* The file has no blocks yet. */
int ext_blocks_open(struct ext_blocks *b, struct ext *x, ext2_ino_t ino, struct error *e);
/* Up to `want` neighbouring blocks for the file's block `logical` and what follows; ERR_RANGE when
 * there is none. */
int ext_blocks_take(struct ext_blocks *b, uint64_t logical, uint64_t want, uint64_t *first,
	uint64_t *got, struct error *e);
/* Writes the inode. */
int ext_blocks_finish(struct ext_blocks *b, uint64_t size, struct error *e);
void ext_blocks_close(struct ext_blocks *b);

#endif
