/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libext2fs takes on trust: it sizes memory and bitmaps by these numbers, and writes past
 * their ends. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "fs/ext.h"

enum {
	BLOCK_MIN = 1024,
	BLOCK_SHIFT_MAX = 6,
};

struct geometry {
	uint64_t blocks, groups;
	uint32_t block; /* bytes */
	uint32_t shift, cluster_shift; /* above 1 KiB */
	uint32_t first;
	uint32_t blocks_per_group, clusters_per_group, inodes_per_group;
	uint32_t inodes;
	uint32_t inode_size; /* bytes */
	bool clusters;
};

static uint32_t field(const uint8_t *sb, size_t at)
{
	le32 value;

	memcpy(&value, sb + at, sizeof(value));
	return get_le32(value);
}

static int load(const uint8_t *sb, struct geometry *g, struct error *e)
{
	bool wide = field(sb, 0x60) & EXT4_FEATURE_INCOMPAT_64BIT;

	g->inodes = field(sb, 0x00);
	g->blocks = field(sb, 0x04) | (wide ? (uint64_t)field(sb, 0x150) << 32 : 0);
	g->first = field(sb, 0x14);
	g->shift = field(sb, 0x18);
	g->cluster_shift = field(sb, 0x1c);
	g->blocks_per_group = field(sb, 0x20);
	g->clusters_per_group = field(sb, 0x24);
	g->inodes_per_group = field(sb, 0x28);
	g->inode_size = field(sb, 0x4c) ? field(sb, 0x58) & 0xffff : EXT2_GOOD_OLD_INODE_SIZE;
	g->clusters = field(sb, 0x64) & EXT4_FEATURE_RO_COMPAT_BIGALLOC;
	if (g->shift > BLOCK_SHIFT_MAX)
		return error_set(e, ERR_CORRUPT, "blocks of 2^%u KiB", g->shift);
	g->block = (uint32_t)BLOCK_MIN << g->shift;
	return 0;
}

static int check_groups(struct geometry *g, struct error *e)
{
	uint32_t bits = g->block * 8;

	if (g->first > 1 || g->first >= g->blocks || (g->first && g->shift))
		return error_set(e, ERR_CORRUPT, "%" PRIu64 " blocks of %u bytes from block %u",
			g->blocks, g->block, g->first);
	if (!g->clusters_per_group || g->clusters_per_group > bits || g->clusters_per_group % 8)
		return error_set(e, ERR_CORRUPT, "%u allocation units in a group of blocks",
			g->clusters_per_group);
	if (g->clusters && (g->cluster_shift < g->shift || g->cluster_shift - g->shift > 16))
		return error_set(e, ERR_CORRUPT, "clusters of 2^%u KiB", g->cluster_shift);
	if (g->blocks_per_group !=
		(uint64_t)g->clusters_per_group << (g->clusters ? g->cluster_shift - g->shift : 0))
		return error_set(e, ERR_CORRUPT, "%u blocks, but %u allocation units in a group",
			g->blocks_per_group, g->clusters_per_group);
	g->groups = div_up(g->blocks - g->first, g->blocks_per_group);
	if (g->groups > EXT_GROUPS_MAX)
		return error_set(e, ERR_CORRUPT, "%" PRIu64 " groups of %u blocks", g->groups,
			g->blocks_per_group);
	return 0;
}

static int check_inodes(const struct geometry *g, struct error *e)
{
	if (!is_power_of_two(g->inode_size) || g->inode_size < EXT2_GOOD_OLD_INODE_SIZE ||
		g->inode_size > g->block)
		return error_set(e, ERR_CORRUPT, "inodes of %u bytes", g->inode_size);
	if (!g->inodes_per_group || g->inodes_per_group > g->block * 8 || g->inodes_per_group % 8)
		return error_set(e, ERR_CORRUPT, "%u inodes in a group", g->inodes_per_group);
	if (g->inodes != g->groups * g->inodes_per_group)
		return error_set(e, ERR_CORRUPT, "%u inodes in %" PRIu64 " groups of %u", g->inodes,
			g->groups, g->inodes_per_group);
	return 0;
}

int ext_check(struct disk *d, struct error *e)
{
	struct geometry g = { 0 };
	uint8_t sb[1024];
	uint64_t bytes;
	int rc = disk_read(d, 1024, sb, sizeof(sb), e);

	if (rc)
		return error_prefix(e, "superblock");
	rc = load(sb, &g, e);
	if (!rc)
		rc = check_groups(&g, e);
	if (!rc)
		rc = check_inodes(&g, e);
	if (!rc && (!mul_fits(g.blocks, g.block, &bytes) || bytes > d->size))
		rc = error_set(e, ERR_CORRUPT,
			"the file system has %" PRIu64
			" blocks of %u bytes, its volume only %" PRIu64 " bytes",
			g.blocks, g.block, d->size);
	return rc ? error_prefix(e, "superblock") : 0;
}
