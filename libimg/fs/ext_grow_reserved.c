/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blocks that are kept behind the group descriptors for more of them belong to inode 7: its
 * doubly indirect block points to those of the first copy, each of which lists those at the same
 * place of the other copies.
 */
#include <stdlib.h>

#include "fs/ext_grow_private.h"

int growth_reserved(struct growth *g, struct error *e)
{
	ext2_filsys fs = g->e2;
	struct ext2_inode inode;
	uint8_t *zeros;
	blk64_t list;
	errcode_t code;

	if (!ext2fs_has_feature_resize_inode(fs->super))
		return 0;
	code = ext2fs_read_inode(fs, EXT2_RESIZE_INO, &inode);
	if (code)
		return ext_error(g->x, code, e, "the inode of reserved blocks");
	list = inode.i_block[EXT2_DIND_BLOCK];
	if (!list && !fs->super->s_reserved_gdt_blocks)
		return 0;
	if (list <= fs->super->s_first_data_block || list >= g->old_blocks ||
		!ext2fs_test_block_bitmap2(fs->block_map, list))
		return error_set(e, ERR_CORRUPT,
			"the inode of reserved blocks points to block %llu: run e2fsck on it",
			(unsigned long long)list);
	zeros = calloc(1, fs->blocksize);
	if (!zeros)
		return error_nomem(e, "a block");
	ext2fs_iblk_set(fs, &inode, 1);
	code = ext2fs_write_inode(fs, EXT2_RESIZE_INO, &inode);
	if (!code)
		code = io_channel_write_blk64(fs->io, list, 1, zeros);
	if (!code)
		code = ext2fs_create_resize_inode(fs);
	free(zeros);
	return code ? ext_error(g->x, code, e, "the inode of reserved blocks") : 0;
}
