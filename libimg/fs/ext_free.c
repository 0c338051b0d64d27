/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ext2, ext3 and ext4 hold free, from the block bitmaps of all groups.  One bitmap is in
 * memory at a time: a file system of 64 TiB has 2 GiB of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ext.h"

#define NO_GROUP UINT64_MAX

struct scan {
	struct ext *x;
	ext2_filsys e2;
	uint64_t loaded; /* group whose bitmap is in `bits`, or NO_GROUP */
	uint8_t *bits; /* one block; a bit for each cluster of the group, set: in use */
};

/* A bit stands for a cluster; without bigalloc that is a block. */
static uint32_t group_clusters(const struct scan *s, uint64_t group)
{
	uint64_t blocks = (uint32_t)ext2fs_group_blocks_count(s->e2, (dgrp_t)group);

	return (uint32_t)div_up(blocks, (uint64_t)EXT2FS_CLUSTER_RATIO(s->e2));
}

static uint64_t group_of(const struct scan *s, uint64_t block)
{
	return (block - s->e2->super->s_first_data_block) / s->e2->super->s_blocks_per_group;
}

static uint64_t group_start(const struct scan *s, uint64_t group)
{
	return s->e2->super->s_first_data_block + group * s->e2->super->s_blocks_per_group;
}

static bool bit_is_set(const uint8_t *bits, uint64_t bit)
{
	return bits[bit / 8] >> bit % 8 & 1;
}

/* The first bit from `bit` on that is `set`, `end` when there is none. */
static uint32_t bit_find(const uint8_t *bits, uint32_t bit, uint32_t end, bool set)
{
	const uint8_t same = set ? 0 : 0xff;

	while (bit < end) {
		if (bit % 8 == 0 && bits[bit / 8] == same)
			bit += 8;
		else if (bit_is_set(bits, bit) == set)
			return bit;
		else
			bit++;
	}
	return end;
}

static uint32_t bits_clear(const uint8_t *bits, uint32_t end)
{
	uint32_t clear = 0;

	for (uint32_t at = bit_find(bits, 0, end, false), stop; at < end;
		at = bit_find(bits, stop, end, false)) {
		stop = bit_find(bits, at, end, true);
		clear += stop - at;
	}
	return clear;
}

/* The runs of blocks that the structures of one group take; some may lie in other groups. */
struct structures {
	struct {
		uint64_t block, count;
	} run[6];
};

static void structures_of(const struct scan *s, uint64_t group, struct structures *out)
{
	struct ext2_super_block *sb = s->e2->super;
	blk64_t super = 0, descriptors = 0, descriptor = 0;
	dgrp_t g = (dgrp_t)group;

	(void)ext2fs_super_and_bgd_loc2(s->e2, g, &super, &descriptors, &descriptor, NULL);
	*out = (struct structures){ {
		{ super, super || !group },
		{ descriptors,
			!descriptors ? 0
				: ext2fs_has_feature_meta_bg(sb)
				? sb->s_first_meta_bg
				: s->e2->desc_blocks + sb->s_reserved_gdt_blocks },
		{ descriptor, descriptor != 0 },
		{ ext2fs_block_bitmap_loc(s->e2, g), 1 },
		{ ext2fs_inode_bitmap_loc(s->e2, g), 1 },
		{ ext2fs_inode_table_loc(s->e2, g), s->e2->inode_blocks_per_group },
	} };
}

/* A group that was never written to has no bitmap: its own structures are what it has in use. */
static void bits_make(struct scan *s, uint64_t group)
{
	uint64_t start = group_start(s, group);
	uint64_t end = start + (uint32_t)ext2fs_group_blocks_count(s->e2, (dgrp_t)group);
	struct structures all;

	memset(s->bits, 0, s->e2->blocksize);
	structures_of(s, group, &all);
	for (size_t i = 0; i < sizeof(all.run) / sizeof(*all.run); i++) {
		uint64_t block = max_u64(all.run[i].block, start);
		uint64_t stop = min_u64(all.run[i].block + all.run[i].count, end);

		for (; block < stop; block++) {
			uint64_t bit = EXT2FS_B2C(s->e2, block - start);

			s->bits[bit / 8] |= (uint8_t)(1 << bit % 8);
		}
	}
}

static int bits_read(struct scan *s, uint64_t group, struct error *e)
{
	blk64_t at = ext2fs_block_bitmap_loc(s->e2, (dgrp_t)group);
	int bytes = (int)(s->e2->super->s_clusters_per_group / 8);
	errcode_t code;

	if (!at || at >= ext2fs_blocks_count(s->e2->super))
		return error_set(e, ERR_CORRUPT,
			"the block bitmap of group %" PRIu64 " is said to be in block %llu", group,
			(unsigned long long)at);
	code = io_channel_read_blk64(s->e2->io, at, -bytes, s->bits);
	if (code)
		return ext_error(s->x, code, e, "a block bitmap");
	if (!ext2fs_block_bitmap_csum_verify(s->e2, (dgrp_t)group, (char *)s->bits, bytes))
		return error_set(e, ERR_CORRUPT,
			"the checksum of the block bitmap of group %" PRIu64 " is wrong", group);
	return 0;
}

/* Has the group's bitmap in memory, after comparing it with all that the descriptor says of it. */
static int group_load(struct scan *s, uint64_t group, struct error *e)
{
	dgrp_t g = (dgrp_t)group;
	uint32_t clear, said = ext2fs_bg_free_blocks_count(s->e2, g);
	bool sums = ext2fs_has_group_desc_csum(s->e2);
	int rc = 0;

	if (s->loaded == group)
		return 0;
	s->loaded = NO_GROUP;
	if (!ext2fs_group_desc_csum_verify(s->e2, g))
		return error_set(e, ERR_CORRUPT,
			"the checksum of the descriptor of group %" PRIu64 " is wrong", group);
	if (sums && ext2fs_bg_flags_test(s->e2, g, EXT2_BG_BLOCK_UNINIT))
		bits_make(s, group);
	else
		rc = bits_read(s, group, e);
	if (rc)
		return rc;
	clear = bits_clear(s->bits, group_clusters(s, group));
	if (clear != said)
		return error_set(e, ERR_CORRUPT,
			"the bitmap of group %" PRIu64
			" has %u clusters free, its descriptor says %u",
			group, clear, said);
	s->loaded = group;
	return 0;
}

static int run_is_used(struct scan *s, uint64_t block, uint64_t count, struct error *e)
{
	uint64_t first = s->e2->super->s_first_data_block;
	uint64_t blocks = ext2fs_blocks_count(s->e2->super), end;

	if (!range_fits(block, count, blocks))
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " blocks of structures at block %" PRIu64 " of %" PRIu64, count,
			block, blocks);
	end = block + count;
	/* With blocks of 1 KiB the first one belongs to no group. */
	for (block = max_u64(block, first); block < end;) {
		uint64_t group = group_of(s, block), start = group_start(s, group);
		uint64_t stop = min_u64(end, start + s->e2->super->s_blocks_per_group);
		uint32_t last = (uint32_t)EXT2FS_B2C(s->e2, stop - 1 - start) + 1;
		int rc = group_load(s, group, e);

		if (rc)
			return rc;
		if (bit_find(s->bits, (uint32_t)EXT2FS_B2C(s->e2, block - start), last, false) !=
			last)
			return error_set(e, ERR_CORRUPT,
				"a block from %" PRIu64 " to %" PRIu64
				" is held free, but structures lie in it",
				block, stop - 1);
		block = stop;
	}
	return 0;
}

static int scan_check(struct scan *s, struct error *e)
{
	uint64_t groups = s->e2->group_desc_count;
	int rc = 0;

	for (uint64_t group = 0; !rc && group < groups; group++)
		rc = group_load(s, group, e);
	for (uint64_t group = 0; !rc && group < groups; group++) {
		struct structures all;

		structures_of(s, group, &all);
		for (size_t i = 0; !rc && i < sizeof(all.run) / sizeof(*all.run); i++)
			rc = run_is_used(s, all.run[i].block, all.run[i].count, e);
	}
	return rc;
}

struct run {
	uint64_t block, end;
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e);
	void *arg;
};

static int run_end(struct scan *s, const struct run *r, struct error *e)
{
	uint64_t size = s->e2->blocksize;
	uint64_t end = min_u64(r->end, ext2fs_blocks_count(s->e2->super));

	return end > r->block ? r->each(r->arg, r->block * size, (end - r->block) * size, e) : 0;
}

static int group_runs(struct scan *s, uint64_t group, struct run *r, struct error *e)
{
	uint32_t clusters = group_clusters(s, group);
	uint64_t start = group_start(s, group);
	uint32_t stop = 0;
	int rc = group_load(s, group, e);

	while (!rc) {
		uint32_t at = bit_find(s->bits, stop, clusters, false);
		uint64_t block = start + EXT2FS_C2B(s->e2, (uint64_t)at);

		if (at == clusters)
			break;
		stop = bit_find(s->bits, at, clusters, true);
		if (block != r->end) {
			rc = run_end(s, r, e);
			r->block = block;
		}
		r->end = start + EXT2FS_C2B(s->e2, (uint64_t)stop);
	}
	return rc;
}

/* Where a bitmap may be older than the files, or does not mean what it used to. */
static int check_certain(const struct scan *s, struct error *e)
{
	struct ext2_super_block *sb = s->e2->super;
	uint32_t unknown = sb->s_feature_ro_compat & ~(uint32_t)EXT2_LIB_FEATURE_RO_COMPAT_SUPP;

	if (s->x->replayed || ext2fs_has_feature_journal_needs_recovery(sb))
		return error_set(e, ERR_REFUSED,
			"its journal has changes that are not written back yet: boot the guest and "
			"shut it down, or run e2fsck on it");
	if (!(sb->s_state & EXT2_VALID_FS) || sb->s_state & EXT2_ERROR_FS)
		return error_set(e, ERR_REFUSED, "it is not clean (state %u): run e2fsck on it",
			sb->s_state);
	if (unknown || ext2fs_has_feature_has_snapshot(sb) ||
		ext2fs_has_feature_exclude_bitmap(sb) || ext2fs_has_feature_shared_blocks(sb))
		return error_set(e, ERR_REFUSED,
			"it has features whose free blocks hvimg does not know (0x%x, 0x%x)",
			sb->s_feature_compat, sb->s_feature_ro_compat);
	if (s->e2->cluster_ratio_bits && sb->s_first_data_block)
		return error_set(e, ERR_CORRUPT, "clusters from block %u", sb->s_first_data_block);
	return 0;
}

int ext_free_runs(struct fs *fs,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	struct ext *x = ext_of(fs);
	struct scan s = { .x = x, .e2 = x->e2, .loaded = NO_GROUP };
	struct run run = { .each = each, .arg = arg };
	int rc = check_certain(&s, e);

	if (rc)
		return rc;
	s.bits = malloc(x->e2->blocksize);
	if (!s.bits)
		return error_nomem(e, "a block bitmap");
	rc = scan_check(&s, e);
	for (uint64_t group = 0; !rc && group < x->e2->group_desc_count; group++)
		rc = group_runs(&s, group, &run, e);
	if (!rc)
		rc = run_end(&s, &run, e);
	free(s.bits);
	return rc;
}
