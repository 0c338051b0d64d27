/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_BTRFS_FREE_H
#define LIBIMG_FS_BTRFS_FREE_H

#include "base/bytes.h"
#include "disk/disk.h"

/* btrfs on one device, as far as it tells what is free: chunks map logical addresses to the device,
 * the extent tree names what is in use of them.  btrfs's "On-disk Format". */

enum {
	BTRFS_LEVELS_MAX = 8,
	BTRFS_COPIES_MAX = 2, /* of a chunk: single or dup */
	BTRFS_CHUNKS_MAX = 1 << 16,
};

struct btrfs_key {
	uint64_t object;
	uint8_t type;
	uint64_t offset;
};

struct btrfs_chunk {
	uint64_t start, len; /* logical */
	uint64_t at[BTRFS_COPIES_MAX]; /* on the device */
	unsigned copies;
	uint64_t used; /* bytes, as its block group says */
	bool grouped; /* that was said */
};

struct btrfs {
	struct disk *disk;
	uint32_t node, sector; /* bytes */
	uint64_t size, used; /* of the device; bytes of it in chunks */
	uint64_t generation;
	uint64_t device;
	uint8_t uuid[16]; /* of nodes */
	uint64_t chunk_root, root;
	uint8_t chunk_level, level;
	struct btrfs_chunk *chunk; /* rising */
	size_t chunks, capacity;
};

/* btrfs_free_tree.c */
struct btrfs_tree {
	uint64_t root, generation;
	uint8_t level;
};
struct btrfs_visit {
	int (*item)(void *arg, const struct btrfs_key *key, const uint8_t *data, uint32_t size,
		struct error *e);
	void *arg;
};
/* Calls back for each item of a tree, keys rising. */
int btrfs_walk(const struct btrfs *b, const struct btrfs_tree *t, const struct btrfs_visit *v,
	struct error *e);
/* The chunk that has an address, or NULL. */
struct btrfs_chunk *btrfs_chunk_of(const struct btrfs *b, uint64_t logical);
static inline uint64_t btrfs_u64(const uint8_t *at)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | at[i];
	return n;
}
static inline uint32_t btrfs_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
/* Whether the CRC-32C in the first bytes of a structure is right. */
bool btrfs_sum_is_right(const uint8_t *bytes, size_t len);

/* btrfs_free_super.c: superblock and chunks; close also after a failure. */
int btrfs_open(struct btrfs *b, struct error *e);
void btrfs_close(struct btrfs *b);

#endif
