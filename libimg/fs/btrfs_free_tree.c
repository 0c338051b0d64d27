/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "fs/btrfs_free.h"

/* Where the fields of a node are. */
enum {
	SUM_SIZE = 32,
	UUID_AT = 32,
	ADDRESS_AT = 48,
	GENERATION_AT = 80,
	COUNT_AT = 96,
	LEVEL_AT = 100,
	HEADER_SIZE = 101,
	KEY_SIZE = 17,
	ITEM_SIZE = 25, /* key, offset, size */
	POINTER_SIZE = 33, /* key, address, generation */
};

struct step {
	uint8_t *bytes;
	uint32_t count, next;
};

struct walk {
	const struct btrfs *b;
	const struct btrfs_visit *visit;
	struct step step[BTRFS_LEVELS_MAX]; /* by level */
	struct btrfs_key last;
	bool any;
};

bool btrfs_sum_is_right(const uint8_t *bytes, size_t len)
{
	return crc32c(bytes + SUM_SIZE, len - SUM_SIZE) == btrfs_u32(bytes);
}

struct btrfs_chunk *btrfs_chunk_of(const struct btrfs *b, uint64_t logical)
{
	size_t low = 0, high = b->chunks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->chunk[mid].start + b->chunk[mid].len <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->chunks && b->chunk[low].start <= logical ? &b->chunk[low] : NULL;
}

static int damaged(uint64_t address, const char *what, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "tree block at %" PRIu64 ": %s", address, what);
}

static int node_check(const struct btrfs *b, uint64_t address, uint64_t generation, uint32_t level,
	const uint8_t *bytes, struct error *e)
{
	uint32_t room = (b->node - HEADER_SIZE) / (uint32_t)(level ? POINTER_SIZE : ITEM_SIZE);

	if (!btrfs_sum_is_right(bytes, b->node))
		return damaged(address, "its checksum is wrong", e);
	if (btrfs_u64(bytes + ADDRESS_AT) != address ||
		memcmp(bytes + UUID_AT, b->uuid, sizeof(b->uuid)) != 0 || bytes[LEVEL_AT] != level)
		return damaged(address, "it belongs elsewhere", e);
	if (btrfs_u64(bytes + GENERATION_AT) != generation || generation > b->generation)
		return damaged(address, "it is of another generation", e);
	if (btrfs_u32(bytes + COUNT_AT) > room || (level && !btrfs_u32(bytes + COUNT_AT)))
		return damaged(address, "its count is wrong", e);
	return 0;
}

static int node_enter(
	struct walk *w, uint64_t address, uint64_t generation, uint32_t level, struct error *e)
{
	const struct btrfs *b = w->b;
	const struct btrfs_chunk *c = btrfs_chunk_of(b, address);
	struct step *s = &w->step[level];
	int rc;

	if (!c || !range_fits(address - c->start, b->node, c->len))
		return damaged(address, "it is in no chunk", e);
	if (!s->bytes)
		s->bytes = malloc(b->node);
	if (!s->bytes)
		return error_nomem(e, "a tree");
	rc = disk_read(b->disk, c->at[0] + (address - c->start), s->bytes, b->node, e);
	if (!rc)
		rc = node_check(b, address, generation, level, s->bytes, e);
	if (rc)
		return rc;
	s->count = btrfs_u32(s->bytes + COUNT_AT);
	s->next = 0;
	return 0;
}

static struct btrfs_key key_at(const uint8_t *at)
{
	return (struct btrfs_key){ btrfs_u64(at), at[8], btrfs_u64(at + 9) };
}

static bool is_less(const struct btrfs_key *a, const struct btrfs_key *b)
{
	if (a->object != b->object)
		return a->object < b->object;
	return a->type != b->type ? a->type < b->type : a->offset < b->offset;
}

/* As keys rise from leaf to leaf, none is visited twice. */
static int leaf_visit(struct walk *w, struct error *e)
{
	const struct step *s = &w->step[0];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->count; i++) {
		const uint8_t *at = s->bytes + HEADER_SIZE + (size_t)i * ITEM_SIZE;
		struct btrfs_key key = key_at(at);
		uint32_t off = btrfs_u32(at + KEY_SIZE), size = btrfs_u32(at + KEY_SIZE + 4);

		if ((w->any && !is_less(&w->last, &key)) ||
			!range_fits(off, size, w->b->node - HEADER_SIZE))
			return damaged(btrfs_u64(s->bytes + ADDRESS_AT),
				"its items are out of order or bounds", e);
		w->last = key;
		w->any = true;
		rc = w->visit->item(w->visit->arg, &key, s->bytes + HEADER_SIZE + off, size, e);
	}
	return rc;
}

static int walk_all(struct walk *w, const struct btrfs_tree *t, struct error *e)
{
	uint32_t level = t->level;
	int rc = node_enter(w, t->root, t->generation, level, e);

	while (!rc) {
		struct step *s = &w->step[level];

		if (!level)
			rc = leaf_visit(w, e);
		if (level && s->next < s->count) {
			const uint8_t *at = s->bytes + HEADER_SIZE +
				(size_t)s->next++ * POINTER_SIZE;

			rc = node_enter(w, btrfs_u64(at + KEY_SIZE), btrfs_u64(at + KEY_SIZE + 8),
				--level, e);
			/* Only a tree of one leaf may have nothing in it. */
			if (!rc && !w->step[level].count)
				rc = damaged(btrfs_u64(at + KEY_SIZE), "it is empty", e);
		} else if (level++ == t->level) {
			break;
		}
	}
	return rc;
}

int btrfs_walk(const struct btrfs *b, const struct btrfs_tree *t, const struct btrfs_visit *v,
	struct error *e)
{
	struct walk w = { .b = b, .visit = v };
	int rc;

	if (t->level >= BTRFS_LEVELS_MAX)
		return error_set(e, ERR_CORRUPT, "a tree of level %u", t->level);
	rc = walk_all(&w, t, e);
	for (size_t i = 0; i < BTRFS_LEVELS_MAX; i++)
		free(w.step[i].bytes);
	return rc;
}
