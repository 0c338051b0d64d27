/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New groups of blocks behind the last one, in libext2fs's memory. */
#include <stdlib.h>
#include <string.h>

#include "fs/ext_grow_private.h"

/* The share of blocks kept for root stays as it was, rounded as resize2fs does. */
static void reserve_keep(struct growth *g)
{
	struct ext2_super_block *sb = g->e2->super;
	double percent = (double)ext2fs_r_blocks_count(sb) * 100.0 / (double)g->old_blocks;

	ext2fs_r_blocks_count_set(sb, (blk64_t)(percent * (double)g->blocks / 100.0));
}

/* The copies in what was the last group: with sparse_super2 they go to the new one. */
static int backup_leave(struct growth *g, struct error *e)
{
	ext2_filsys fs = g->e2;
	struct ext2_super_block *sb = fs->super;
	uint64_t count = 1 + fs->desc_blocks + sb->s_reserved_gdt_blocks;
	dgrp_t old = sb->s_backup_bgs[1];
	blk64_t first;
	uint8_t *zeros;
	errcode_t code;

	if (!ext2fs_has_feature_sparse_super2(sb) || !old || old == g->backup[1] ||
		old == g->backup[0] || old >= g->old_groups)
		return 0;
	if (ext2fs_has_feature_meta_bg(sb))
		count = 1 + sb->s_first_meta_bg;
	first = ext2fs_group_first_block2(fs, old);
	for (uint64_t i = 0; i < count && first + i < g->old_blocks; i++)
		ext2fs_unmark_block_bitmap2(fs->block_map, first + i);
	ext2fs_bg_flags_clear(fs, old, EXT2_BG_BLOCK_UNINIT);
	/* So that nobody finds the old size there. */
	zeros = calloc(1, fs->blocksize);
	if (!zeros)
		return error_nomem(e, "a superblock");
	code = io_channel_write_blk64(fs->io, first, 1, zeros);
	free(zeros);
	return code ? ext_error(g->x, code, e, "an old backup") : 0;
}

static errcode_t bitmaps_resize(struct growth *g)
{
	ext2_filsys fs = g->e2;
	uint64_t end = EXT2_GROUPS_TO_BLOCKS(fs->super, g->groups) - 1 +
		fs->super->s_first_data_block;
	uint32_t inodes = fs->super->s_inodes_count;
	errcode_t code = ext2fs_resize_inode_bitmap2(inodes, inodes, fs->inode_map);

	return code ? code : ext2fs_resize_block_bitmap2(g->blocks - 1, end, fs->block_map);
}

static errcode_t descriptors_resize(struct growth *g)
{
	ext2_filsys fs = g->e2;
	struct ext2_super_block *sb = fs->super;
	unsigned long old = fs->desc_blocks, per = (unsigned long)EXT2_DESC_PER_BLOCK(sb);
	unsigned long blocks = (g->groups + per - 1) / per;
	errcode_t code = 0;

	if (blocks > old) {
		code = ext2fs_resize_mem(
			old * fs->blocksize, blocks * fs->blocksize, &fs->group_desc);
		if (code)
			return code;
		memset((char *)fs->group_desc + old * fs->blocksize, 0,
			(blocks - old) * fs->blocksize);
		if (ext2fs_has_feature_resize_inode(sb))
			sb->s_reserved_gdt_blocks -= (uint16_t)(blocks - old);
	}
	fs->desc_blocks = blocks;
	fs->group_desc_count = g->groups;
	return 0;
}

static void super_grow(struct growth *g)
{
	struct ext2_super_block *sb = g->e2->super;

	reserve_keep(g);
	ext2fs_blocks_count_set(sb, g->blocks);
	sb->s_inodes_count = g->groups * sb->s_inodes_per_group;
	sb->s_free_inodes_count += (g->groups - g->old_groups) * sb->s_inodes_per_group;
	/* Kernels count it themselves where it is 0. */
	sb->s_overhead_clusters = 0;
	if (ext2fs_has_feature_sparse_super2(sb))
		for (size_t i = 0; i < 2; i++)
			sb->s_backup_bgs[i] = g->backup[i];
}

/* With checksums of groups, a bitmap that says nothing need not be there.  The tables will be
 * zeros. */
static void group_begin(struct growth *g, dgrp_t group)
{
	ext2_filsys fs = g->e2;
	uint32_t inodes = fs->super->s_inodes_per_group;

	ext2fs_bg_flags_zap(fs, group);
	if (ext2fs_has_group_desc_csum(fs)) {
		ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_UNINIT | EXT2_BG_INODE_ZEROED);
		ext2fs_bg_itable_unused_set(fs, group, inodes);
		if (group + 1 < g->groups)
			ext2fs_bg_flags_set(fs, group, EXT2_BG_BLOCK_UNINIT);
	}
	ext2fs_bg_free_inodes_count_set(fs, group, inodes);
	ext2fs_bg_used_dirs_count_set(fs, group, 0);
}

/* All copies have their places before the first table of a group gets one, which may be in another
 * group. */
static int tables_place(struct growth *g, struct error *e)
{
	errcode_t code = 0;

	for (dgrp_t i = 0; i < g->groups; i++) {
		if (i >= g->old_groups)
			group_begin(g, i);
		ext2fs_reserve_super_and_bgd(g->e2, i, g->e2->block_map);
	}
	for (dgrp_t i = g->old_groups; !code && i < g->groups; i++) {
		code = ext2fs_allocate_group_table(g->e2, i, NULL);
		g->table[i - g->old_groups] = ext2fs_inode_table_loc(g->e2, i);
	}
	return code ? ext_error(g->x, code, e, "the tables of a new group") : 0;
}

/* Free blocks from `at` to `end`, both inside. */
static uint32_t blocks_free(ext2fs_block_bitmap map, blk64_t at, blk64_t end)
{
	uint32_t count = 0;
	blk64_t first, used;

	for (; at <= end && !ext2fs_find_first_zero_block_bitmap2(map, at, end, &first);
		at = used) {
		if (ext2fs_find_first_set_block_bitmap2(map, first, end, &used))
			used = end + 1;
		count += (uint32_t)(used - first);
	}
	return count;
}

static void groups_count(struct growth *g)
{
	ext2_filsys fs = g->e2;
	uint64_t total = 0;

	for (dgrp_t i = 0; i < g->groups; i++) {
		uint32_t count = blocks_free(fs->block_map, ext2fs_group_first_block2(fs, i),
			ext2fs_group_last_block2(fs, i));

		total += count;
		ext2fs_bg_free_blocks_count_set(fs, i, count);
		ext2fs_group_desc_csum_set(fs, i);
	}
	ext2fs_free_blocks_count_set(fs->super, total);
}

int growth_groups(struct growth *g, struct error *e)
{
	ext2_filsys fs = g->e2;
	errcode_t code;
	int rc = backup_leave(g, e);

	if (rc)
		return rc;
	super_grow(g);
	code = bitmaps_resize(g);
	if (!code)
		code = descriptors_resize(g);
	if (code)
		return ext_error(g->x, code, e, "new groups");
	if (g->groups > g->old_groups) {
		g->table = calloc(g->groups - g->old_groups, sizeof(*g->table));
		if (!g->table)
			return error_nomem(e, "new groups");
	}
	ext2fs_bg_flags_clear(fs, g->old_groups - 1, EXT2_BG_BLOCK_UNINIT);
	rc = tables_place(g, e);
	if (rc)
		return rc;
	groups_count(g);
	ext2fs_mark_super_dirty(fs);
	ext2fs_mark_bb_dirty(fs);
	ext2fs_mark_ib_dirty(fs);
	return 0;
}
