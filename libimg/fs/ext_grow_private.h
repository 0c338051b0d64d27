/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_GROW_PRIVATE_H
#define LIBIMG_FS_EXT_GROW_PRIVATE_H

#include "fs/ext.h"
#include "fs/ext_grow.h"

struct growth {
	struct ext *x;
	ext2_filsys e2;
	uint64_t old_blocks, blocks;
	dgrp_t old_groups, groups;
	dgrp_t backup[2]; /* sparse_super2: the groups with backups afterwards; 0: none */
	uint64_t *table; /* first block of the inode table of each new group */
};

/* How many blocks and groups there will be; ERR_REFUSED when that can't be done. */
int growth_plan(struct growth *g, uint64_t bytes, struct error *e);
/* Superblock, bitmaps and descriptors, in memory, with the tables of the new groups placed. */
int growth_groups(struct growth *g, struct error *e);
/* The reserved blocks that became descriptors leave the inode that held them, and those of new
 * backups get into it. */
int growth_reserved(struct growth *g, struct error *e);

#endif
