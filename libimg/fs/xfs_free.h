/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_XFS_FREE_H
#define LIBIMG_FS_XFS_FREE_H

#include "base/bytes.h"
#include "disk/disk.h"

/* XFS as far as it tells what is free: superblock, log, and in each allocation group (AG) the
 * B-tree of free space by block number.  XFS Algorithms & Data Structures, 3rd edition. */

enum {
	XFS_BASIC = 512, /* bytes of the log's blocks */
	XFS_LEVELS_MAX = 9, /* of a B-tree */
};

struct xfs_super {
	uint8_t magic[4]; /* +0x00 "XFSB" */
	be32 block; /* +0x04 bytes */
	be64 blocks; /* +0x08 */
	be64 rt_blocks; /* +0x10 of a realtime device */
	be64 rt_extents; /* +0x18 */
	uint8_t uuid[16]; /* +0x20 */
	be64 log_start; /* +0x30 AG and block in it; 0: on another device */
	be64 inodes[3]; /* +0x38 */
	be32 rt_extent; /* +0x50 */
	be32 ag_blocks; /* +0x54 */
	be32 ags; /* +0x58 */
	be32 rt_bitmap; /* +0x5c */
	be32 log_blocks; /* +0x60 */
	be16 version; /* +0x64 the low four bits, and features */
	be16 sector; /* +0x66 bytes */
	uint8_t inode[20]; /* +0x68 sizes of inodes, and a label */
	uint8_t ag_log; /* +0x7c of the AG's blocks, rounded up */
	uint8_t rt_log; /* +0x7d */
	uint8_t in_progress; /* +0x7e it is being made */
	uint8_t inode_percent; /* +0x7f */
	uint8_t counts[80]; /* +0x80 */
	be32 compat; /* +0xd0 features, version 5 */
	be32 ro_compat; /* +0xd4 */
	be32 incompat; /* +0xd8 */
	be32 log_incompat; /* +0xdc */
	le32 crc; /* +0xe0 of the sector, itself as zero */
	be32 align; /* +0xe4 */
	be64 quota_inode; /* +0xe8 */
	be64 lsn; /* +0xf0 */
	uint8_t structures_uuid[16]; /* +0xf8 when it is another than uuid */
};
_Static_assert(sizeof(struct xfs_super) == 264, "XFS superblock");

struct xfs {
	struct disk *disk;
	uint32_t block, sector; /* bytes */
	uint64_t blocks;
	uint32_t ag_blocks, ags;
	bool sums; /* version 5: structures have checksums */
	uint8_t uuid[16]; /* of the structures */
	uint32_t log_ag, log_at, log_blocks; /* the log's place */
};

/* xfs_free_log.c: ERR_REFUSED unless the last thing in the log is that the file system was
 * unmounted. */
int xfs_log_check(const struct xfs *x, struct error *e);

/* What one AG says of its free space. */
struct xfs_ag {
	uint32_t number, blocks;
	uint32_t root, levels;
	uint32_t free, longest; /* blocks */
};

/* xfs_free_tree.c: calls back for each record of an AG's free space, rising and inside the AG, and
 * for each block of the tree. */
struct xfs_visit {
	int (*record)(void *arg, uint32_t start, uint32_t count, struct error *e);
	int (*block)(void *arg, uint32_t block, struct error *e); /* may be NULL */
	void *arg;
};
int xfs_tree_walk(
	const struct xfs *x, const struct xfs_ag *ag, const struct xfs_visit *v, struct error *e);

/* Whether the little-endian CRC-32C at `at` of a structure is right; it is left as zero. */
bool xfs_sum_is_right(uint8_t *bytes, size_t len, size_t at);
static inline uint64_t xfs_offset(const struct xfs *x, uint32_t ag, uint32_t block)
{
	return ((uint64_t)ag * x->ag_blocks + block) * x->block;
}

#endif
