/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What btrfs holds free: what no chunk takes of the device, and what no extent takes of a chunk.
 * The tree of free space is not asked, as it is made from the extent tree. */
#include "fs/btrfs_free.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "fs/free.h"

enum {
	RESERVED = 1 << 20, /* bytes at the start: superblock, and room for a boot loader */
	MIRROR_SIZE = 64 << 10, /* kept around a copy of the superblock */
	EXTENT_ITEM = 168,
	METADATA_ITEM = 169,
	GROUP_ITEM = 192,
	ROOT_ITEM = 132,
	EXTENT_TREE = 2,
	/* Fields of a root item. */
	ROOT_GENERATION = 160,
	ROOT_ADDRESS = 176,
	ROOT_LEVEL = 238,
};

struct scan {
	struct btrfs *b;
	struct btrfs_tree extents; /* root 0: not found */
	size_t chunk; /* in work */
	uint64_t at; /* end of what was seen of it */
	uint64_t used; /* bytes of it */
	free_each each; /* NULL: only checked */
	void *arg;
};

static int root_item(
	void *arg, const struct btrfs_key *key, const uint8_t *data, uint32_t size, struct error *e)
{
	struct scan *s = arg;

	if (key->type != ROOT_ITEM || key->object != EXTENT_TREE)
		return 0;
	if (size <= ROOT_LEVEL)
		return error_set(e, ERR_CORRUPT, "the root of a tree has %u bytes", size);
	s->extents = (struct btrfs_tree){ btrfs_u64(data + ROOT_ADDRESS),
		btrfs_u64(data + ROOT_GENERATION), data[ROOT_LEVEL] };
	return 0;
}

static int group_item(
	void *arg, const struct btrfs_key *key, const uint8_t *data, uint32_t size, struct error *e)
{
	struct scan *s = arg;
	struct btrfs_chunk *c;

	c = btrfs_chunk_of(s->b, key->object);
	if (size < 8 || !c || c->start != key->object || c->len != key->offset)
		return error_set(
			e, ERR_CORRUPT, "a block group at %" PRIu64 " is no chunk", key->object);
	c->used = btrfs_u64(data);
	c->grouped = true;
	return 0;
}

/* A run of the device, without what is kept for superblocks. */
static int run_free(const struct scan *s, uint64_t from, uint64_t to, struct error *e)
{
	static const uint64_t mirrors[] = { UINT64_C(64) << 20, UINT64_C(256) << 30 };
	int rc = 0;

	from = max_u64(from, RESERVED);
	for (size_t i = 0; !rc && i < sizeof(mirrors) / sizeof(*mirrors); i++) {
		uint64_t stop = min_u64(to, mirrors[i]);

		if (from < stop)
			rc = s->each(s->arg, from, stop - from, e);
		if (from < mirrors[i] + MIRROR_SIZE)
			from = to <= mirrors[i] ? to : mirrors[i] + MIRROR_SIZE;
	}
	return rc || from >= to ? rc : s->each(s->arg, from, to - from, e);
}

/* What lies between the last extent and `to`, of the chunk in work. */
static int gap_seen(struct scan *s, uint64_t to, struct error *e)
{
	const struct btrfs_chunk *c = &s->b->chunk[s->chunk];
	int rc = 0;

	for (unsigned i = 0; !rc && s->each && to > s->at && i < c->copies; i++)
		rc = run_free(s, c->at[i] + (s->at - c->start), c->at[i] + (to - c->start), e);
	return rc;
}

static int chunk_end(struct scan *s, struct error *e)
{
	const struct btrfs_chunk *c = &s->b->chunk[s->chunk];
	int rc;

	if (!c->grouped || c->used != s->used)
		return error_set(e, ERR_CORRUPT,
			"the chunk at %" PRIu64 " has %" PRIu64 " bytes in use, it says %" PRIu64,
			c->start, s->used, c->used);
	rc = gap_seen(s, c->start + c->len, e);
	s->chunk++;
	s->used = 0;
	if (s->chunk < s->b->chunks)
		s->at = s->b->chunk[s->chunk].start;
	return rc;
}

static int extent_item(
	void *arg, const struct btrfs_key *key, const uint8_t *data, uint32_t size, struct error *e)
{
	struct scan *s = arg;
	uint64_t len = key->type == METADATA_ITEM ? s->b->node : key->offset;
	const struct btrfs_chunk *c;
	int rc = 0;

	if (key->type == GROUP_ITEM)
		return group_item(s, key, data, size, e);
	if (key->type != EXTENT_ITEM && key->type != METADATA_ITEM)
		return 0;
	c = btrfs_chunk_of(s->b, key->object);
	if (!c || !len || !range_fits(key->object - c->start, len, c->len))
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " bytes in use at %" PRIu64 " are in no chunk", len,
			key->object);
	while (!rc && &s->b->chunk[s->chunk] < c)
		rc = chunk_end(s, e);
	if (rc)
		return rc;
	if (&s->b->chunk[s->chunk] != c || key->object < s->at)
		return error_set(e, ERR_CORRUPT, "extents overlap at %" PRIu64, key->object);
	rc = gap_seen(s, key->object, e);
	s->at = key->object + len;
	s->used += len;
	return rc;
}

static int extents_scan(struct scan *s, struct error *e)
{
	int rc;

	s->chunk = 0;
	s->used = 0;
	s->at = s->b->chunk[0].start;
	rc = btrfs_walk(s->b, &s->extents, &(struct btrfs_visit){ extent_item, s }, e);
	while (!rc && s->chunk < s->b->chunks)
		rc = chunk_end(s, e);
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct btrfs_chunk *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Runs of the device that chunks take, in the order of the device. */
static int device_runs(
	const struct btrfs *b, struct btrfs_chunk **out, size_t *count, struct error *e)
{
	struct btrfs_chunk *run = calloc(b->chunks * BTRFS_COPIES_MAX, sizeof(*run));

	if (!run)
		return error_nomem(e, "chunks");
	*count = 0;
	for (size_t i = 0; i < b->chunks; i++)
		for (unsigned n = 0; n < b->chunk[i].copies; n++)
			run[(*count)++] = (struct btrfs_chunk){ .start = b->chunk[i].at[n],
				.len = b->chunk[i].len };
	qsort(run, *count, sizeof(*run), by_offset);
	for (size_t i = 1; i < *count; i++)
		if (run[i].start < run[i - 1].start + run[i - 1].len) {
			const int rc = error_set(e, ERR_CORRUPT,
				"chunks overlap on the device at %" PRIu64, run[i].start);

			free(run);
			return rc;
		}
	*out = run;
	return 0;
}

static int device_scan(
	const struct scan *s, const struct btrfs_chunk *run, size_t count, struct error *e)
{
	uint64_t at = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		rc = run_free(s, at, run[i].start, e);
		at = run[i].start + run[i].len;
	}
	return rc ? rc : run_free(s, at, s->b->size, e);
}

static int root_find(struct scan *s, struct error *e)
{
	const struct btrfs_tree root = { s->b->root, s->b->generation, s->b->level };
	int rc = btrfs_walk(s->b, &root, &(struct btrfs_visit){ root_item, s }, e);

	if (rc)
		return rc;
	if (!s->b->chunks || !s->extents.root)
		return error_set(e, ERR_CORRUPT, "there is no tree of extents");
	return 0;
}

static int runs_all(struct scan *s, free_each each, struct error *e)
{
	struct btrfs_chunk *run = NULL;
	size_t count = 0;
	int rc = root_find(s, e);

	if (!rc)
		rc = extents_scan(s, e);
	if (!rc)
		rc = device_runs(s->b, &run, &count, e);
	s->each = each;
	if (!rc)
		rc = extents_scan(s, e);
	if (!rc)
		rc = device_scan(s, run, count, e);
	free(run);
	return rc;
}

int btrfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct btrfs b = { .disk = d };
	struct scan s = { .b = &b, .arg = arg };
	int rc = btrfs_open(&b, e);

	if (!rc)
		rc = runs_all(&s, each, e);
	btrfs_close(&b);
	return rc;
}
