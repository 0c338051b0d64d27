/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How large an ext file system can become. */
#include <inttypes.h>

#include "base/checked.h"
#include "fs/ext_grow_private.h"

enum { GROUP_LEAST = 50 }; /* blocks for files that a last group must have, as resize2fs wants */

static int refuse(const struct growth *g, const char *why, struct error *e)
{
	return error_set(
		e, ERR_REFUSED, "the %s file system can't be grown: %s", g->x->fs.type, why);
}

/* What is not as mke2fs makes it, or what nobody has tried. */
static int check_features(const struct growth *g, struct error *e)
{
	struct ext2_super_block *sb = g->e2->super;
	bool sparse = ext2fs_has_feature_sparse_super(sb) || ext2fs_has_feature_sparse_super2(sb);
	errcode_t code;

	if (ext2fs_has_feature_bigalloc(sb))
		return refuse(g, "it allocates in clusters (bigalloc)", e);
	if (ext2fs_has_feature_resize_inode(sb) && (!sparse || ext2fs_has_feature_meta_bg(sb)))
		return refuse(
			g, "resize_inode needs sparse_super and no meta_bg: run e2fsck on it", e);
	if (ext2fs_has_feature_meta_bg(sb) && sb->s_first_meta_bg > g->e2->desc_blocks)
		return refuse(g, "s_first_meta_bg is past its groups: run e2fsck on it", e);
	code = ext2fs_check_desc(g->e2);
	return code ? ext_error(g->x, code, e, "group descriptors") : 0;
}

static dgrp_t groups_of(const struct growth *g, uint64_t blocks)
{
	struct ext2_super_block *sb = g->e2->super;

	return (dgrp_t)div_up(blocks - sb->s_first_data_block, EXT2_BLOCKS_PER_GROUP(sb));
}

/* Descriptors in a block. */
static uint64_t descriptors(const struct growth *g)
{
	return (uint64_t)EXT2_DESC_PER_BLOCK(g->e2->super);
}

static uint64_t descriptor_blocks(const struct growth *g, dgrp_t groups)
{
	return div_up(groups, descriptors(g));
}

/* With sparse_super2 the second backup is in the last group, unless there was none. */
static void backups_plan(struct growth *g)
{
	struct ext2_super_block *sb = g->e2->super;

	for (size_t i = 0; i < 2; i++)
		g->backup[i] = sb->s_backup_bgs[i];
	if (g->groups <= g->old_groups)
		return;
	if (g->old_groups == 1)
		g->backup[0] = 1;
	if (g->groups > 2 && (g->old_groups < 3 || g->backup[1]))
		g->backup[1] = g->groups - 1;
}

static bool group_has_backup(const struct growth *g, dgrp_t group)
{
	if (ext2fs_has_feature_sparse_super2(g->e2->super))
		return group == g->backup[0] || group == g->backup[1];
	return ext2fs_bg_has_super(g->e2, group);
}

/* A last group that would hold little but its own tables is not made. */
static void blocks_trim(struct growth *g)
{
	struct ext2_super_block *sb = g->e2->super;
	uint64_t last = (g->blocks - sb->s_first_data_block) % EXT2_BLOCKS_PER_GROUP(sb);
	uint64_t overhead = 2 + g->e2->inode_blocks_per_group;

	if (group_has_backup(g, g->groups - 1))
		overhead += 1 + max_u64(descriptor_blocks(g, g->groups), g->e2->desc_blocks) +
			sb->s_reserved_gdt_blocks;
	if (last && last < overhead + GROUP_LEAST && g->groups > g->old_groups) {
		g->blocks -= last;
		g->groups--;
		backups_plan(g);
	}
}

/* New descriptors go where resize_inode keeps blocks for them, or with meta_bg into the new groups.
 */
static int check_descriptors(const struct growth *g, struct error *e)
{
	struct ext2_super_block *sb = g->e2->super;
	uint64_t reserved = ext2fs_has_feature_resize_inode(sb) ? sb->s_reserved_gdt_blocks : 0;
	uint64_t room = g->e2->desc_blocks + reserved;
	uint64_t most;

	if (ext2fs_has_feature_meta_bg(sb) || descriptor_blocks(g, g->groups) <= room)
		return 0;
	most = room * descriptors(g) * EXT2_BLOCKS_PER_GROUP(sb) + sb->s_first_data_block;
	return error_set(e, ERR_REFUSED,
		"the %s file system can't be grown to %" PRIu64 " bytes: the blocks that it keeps "
		"for group descriptors (resize_inode) suffice up to %" PRIu64 " bytes",
		g->x->fs.type, g->blocks * g->e2->blocksize, most * g->e2->blocksize);
}

static int check_numbers(const struct growth *g, struct error *e)
{
	struct ext2_super_block *sb = g->e2->super;

	if (g->blocks > UINT32_MAX && !ext2fs_has_feature_64bit(sb))
		return error_set(e, ERR_REFUSED,
			"the %s file system can't be grown to %" PRIu64 " bytes: without the "
			"feature 64bit it ends at %" PRIu64,
			g->x->fs.type, g->blocks * g->e2->blocksize,
			(uint64_t)UINT32_MAX * g->e2->blocksize);
	if ((uint64_t)g->groups * sb->s_inodes_per_group > UINT32_MAX)
		return error_set(e, ERR_REFUSED,
			"the %s file system can't be grown to %" PRIu64 " bytes: with %u inodes in "
			"each of %u groups they would be more than 2^32",
			g->x->fs.type, g->blocks * g->e2->blocksize, sb->s_inodes_per_group,
			g->groups);
	return 0;
}

int growth_plan(struct growth *g, uint64_t bytes, struct error *e)
{
	struct ext2_super_block *sb = g->e2->super;
	uint64_t groups;
	int rc;

	g->old_blocks = ext2fs_blocks_count(sb);
	g->old_groups = g->e2->group_desc_count;
	g->blocks = bytes / g->e2->blocksize;
	if (g->blocks <= g->old_blocks) {
		g->blocks = g->old_blocks;
		g->groups = g->old_groups;
		return 0;
	}
	rc = check_features(g, e);
	if (rc)
		return rc;
	groups = div_up(g->blocks - sb->s_first_data_block, EXT2_BLOCKS_PER_GROUP(sb));
	if (groups > EXT_GROUPS_MAX)
		return error_set(e, ERR_REFUSED,
			"the %s file system can't be grown to %" PRIu64 " groups of blocks",
			g->x->fs.type, groups);
	g->groups = groups_of(g, g->blocks);
	backups_plan(g);
	blocks_trim(g);
	if (g->blocks <= g->old_blocks)
		return 0;
	rc = check_numbers(g, e);
	return rc ? rc : check_descriptors(g, e);
}
