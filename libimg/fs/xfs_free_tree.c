/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The B-tree of an AG's free space by block number. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "fs/xfs_free.h"

enum { SHORT_SIZE = 16, LONG_SIZE = 56, CRC_AT = 52, RECORD_SIZE = 8, POINTER_SIZE = 4 };

struct tree_header {
	uint8_t magic[4]; /* +0x00 "ABTB", with checksums "AB3B" */
	be16 level; /* +0x04 0: leaf */
	be16 count; /* +0x06 */
	be32 left, right; /* +0x08 */
	be64 self; /* +0x10 in basic blocks of the disk; from here on with checksums */
	be64 lsn; /* +0x18 */
	uint8_t uuid[16]; /* +0x20 */
	be32 owner; /* +0x30 AG */
	le32 crc; /* +0x34 */
};
_Static_assert(sizeof(struct tree_header) == LONG_SIZE, "XFS tree block");

struct record {
	be32 start, count;
};

/* A block on the way down, and which of its entries is next. */
struct step {
	uint8_t *bytes;
	uint32_t count, next;
};

struct walk {
	const struct xfs *x;
	const struct xfs_ag *ag;
	const struct xfs_visit *visit;
	struct step step[XFS_LEVELS_MAX]; /* by level */
	uint64_t end; /* of the last record */
	uint64_t free; /* blocks seen */
	uint32_t longest;
};

bool xfs_sum_is_right(uint8_t *bytes, size_t len, size_t at)
{
	le32 said;

	memcpy(&said, bytes + at, sizeof(said));
	memset(bytes + at, 0, sizeof(said));
	return crc32c(bytes, len) == get_le32(said);
}

static int damaged(const struct walk *w, uint32_t block, const char *what, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "block %u of AG %u, of the free space: %s", block,
		w->ag->number, what);
}

static uint32_t header_size(const struct xfs *x)
{
	return x->sums ? LONG_SIZE : SHORT_SIZE;
}

/* Entries that fit into a block; in one that is no leaf a pointer belongs to each. */
static uint32_t room(const struct xfs *x, uint32_t level)
{
	return (x->block - header_size(x)) /
		(uint32_t)(level ? RECORD_SIZE + POINTER_SIZE : RECORD_SIZE);
}

static int block_check(
	const struct walk *w, uint32_t block, uint32_t level, uint8_t *bytes, struct error *e)
{
	const struct xfs *x = w->x;
	struct tree_header h;

	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, x->sums ? "AB3B" : "ABTB", 4) != 0)
		return damaged(w, block, "it is none of the tree", e);
	if (x->sums &&
		(get_be64(h.self) != xfs_offset(x, w->ag->number, block) / XFS_BASIC ||
			get_be32(h.owner) != w->ag->number ||
			memcmp(h.uuid, x->uuid, sizeof(h.uuid)) != 0))
		return damaged(w, block, "it belongs elsewhere", e);
	if (x->sums && !xfs_sum_is_right(bytes, x->block, CRC_AT))
		return damaged(w, block, "its checksum is wrong", e);
	if (get_be16(h.level) != level || get_be16(h.count) > room(x, level))
		return damaged(w, block, "its level or its count is wrong", e);
	/* Only a leaf that is the whole tree may be empty. */
	if (!get_be16(h.count) && w->ag->levels != 1)
		return damaged(w, block, "it is empty", e);
	return 0;
}

static int block_enter(struct walk *w, uint32_t block, uint32_t level, struct error *e)
{
	const struct xfs *x = w->x;
	struct step *s = &w->step[level];
	be16 count;
	int rc;

	if (block >= w->ag->blocks)
		return damaged(w, block, "it is past the end of the AG", e);
	if (!s->bytes)
		s->bytes = malloc(x->block);
	if (!s->bytes)
		return error_nomem(e, "a tree of free space");
	rc = disk_read(x->disk, xfs_offset(x, w->ag->number, block), s->bytes, x->block, e);
	if (!rc)
		rc = block_check(w, block, level, s->bytes, e);
	if (!rc && w->visit->block)
		rc = w->visit->block(w->visit->arg, block, e);
	if (rc)
		return rc;
	memcpy(&count, s->bytes + offsetof(struct tree_header, count), sizeof(count));
	s->count = get_be16(count);
	s->next = 0;
	return 0;
}

static uint32_t pointer(const struct walk *w, uint32_t level, uint32_t n)
{
	be32 p;

	memcpy(&p,
		w->step[level].bytes + header_size(w->x) + (size_t)room(w->x, level) * RECORD_SIZE +
			(size_t)n * POINTER_SIZE,
		sizeof(p));
	return get_be32(p);
}

/* Rising, and apart: neighbours would have been made one.  So no loop goes on for long. */
static int leaf_visit(struct walk *w, struct error *e)
{
	const struct step *s = &w->step[0];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->count; i++) {
		uint32_t start, count;
		struct record r;

		memcpy(&r, s->bytes + header_size(w->x) + (size_t)i * RECORD_SIZE, sizeof(r));
		start = get_be32(r.start);
		count = get_be32(r.count);
		if (start <= w->end || !count || !range_fits(start, count, w->ag->blocks))
			return error_set(e, ERR_CORRUPT,
				"AG %u says that %u blocks from %u on are free", w->ag->number,
				count, start);
		w->end = (uint64_t)start + count;
		w->free += count;
		w->longest = count > w->longest ? count : w->longest;
		rc = w->visit->record(w->visit->arg, start, count, e);
	}
	return rc;
}

static int walk_all(struct walk *w, struct error *e)
{
	uint32_t level = w->ag->levels - 1;
	int rc = block_enter(w, w->ag->root, level, e);

	while (!rc) {
		struct step *s = &w->step[level];

		if (!level)
			rc = leaf_visit(w, e);
		if (level && s->next < s->count) {
			uint32_t block = pointer(w, level, s->next++);

			rc = block_enter(w, block, --level, e);
		} else if (++level == w->ag->levels) {
			break;
		}
	}
	return rc;
}

int xfs_tree_walk(
	const struct xfs *x, const struct xfs_ag *ag, const struct xfs_visit *v, struct error *e)
{
	struct walk w = { .x = x, .ag = ag, .visit = v };
	int rc;

	if (!ag->levels || ag->levels > XFS_LEVELS_MAX)
		return error_set(
			e, ERR_CORRUPT, "the tree of AG %u has %u levels", ag->number, ag->levels);
	rc = walk_all(&w, e);
	for (size_t i = 0; i < XFS_LEVELS_MAX; i++)
		free(w.step[i].bytes);
	if (!rc && (w.free != ag->free || w.longest != ag->longest))
		rc = error_set(e, ERR_CORRUPT,
			"AG %u has %" PRIu64 " free blocks and a run of %u, it says %u and %u",
			ag->number, w.free, w.longest, ag->free, ag->longest);
	return rc;
}
