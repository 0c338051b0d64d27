/* SPDX-License-Identifier: GPL-3.0-or-later */
/* btrfs's superblock, and where its chunks are on the device. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/btrfs_free.h"

enum {
	SUPER_AT = 64 << 10,
	SUPER_SIZE = 4096,
	NODE_MAX = 64 << 10,
	WRITTEN = 1, /* flag of the superblock */
	COMPAT_RO_KNOWN = 0x7, /* free space tree, valid, verity */
	/* All up to metadata_uuid but raid56, and simple quotas. */
	INCOMPAT_KNOWN = 0x1077f,
	INCOMPAT_METADATA_UUID = 0x400,
	ARRAY_AT = 0x32b,
	ARRAY_MAX = 2048,
	KEY_SIZE = 17,
	CHUNK_ITEM = 228,
	DEVICE_ITEM = 216,
	CHUNK_SIZE = 48, /* of a chunk item, without its copies */
	COPY_SIZE = 32,
	TYPE_KINDS = 0x7, /* data, system, metadata */
	TYPE_DUP = 0x20,
};

static int features_check(const uint8_t *s, struct error *e)
{
	uint64_t ro = btrfs_u64(s + 0xb4), incompat = btrfs_u64(s + 0xbc);

	if (s[0xc4] || s[0xc5])
		return error_set(e, ERR_UNSUPPORTED, "checksums of kind %u, not CRC-32C",
			s[0xc4] | s[0xc5] << 8);
	if (!btrfs_sum_is_right(s, SUPER_SIZE))
		return error_set(e, ERR_CORRUPT, "the checksum of the superblock is wrong");
	if (ro & ~(uint64_t)COMPAT_RO_KNOWN || incompat & ~(uint64_t)INCOMPAT_KNOWN ||
		btrfs_u64(s + 0x38) & ~(uint64_t)WRITTEN)
		return error_set(e, ERR_REFUSED,
			"it has features or flags whose free space hvimg does not know (0x%" PRIx64
			", 0x%" PRIx64 ", 0x%" PRIx64 ")",
			ro, incompat, btrfs_u64(s + 0x38));
	if (btrfs_u64(s + 0x88) != 1)
		return error_set(
			e, ERR_REFUSED, "it lies on %" PRIu64 " devices", btrfs_u64(s + 0x88));
	if (btrfs_u64(s + 0x60))
		return error_set(e, ERR_REFUSED,
			"its log tree has changes that are not written back yet: boot the guest "
			"and "
			"shut it down");
	return 0;
}

static int geometry_read(struct btrfs *b, const uint8_t *s, struct error *e)
{
	bool other = btrfs_u64(s + 0xbc) & INCOMPAT_METADATA_UUID;

	b->generation = btrfs_u64(s + 0x48);
	b->root = btrfs_u64(s + 0x50);
	b->chunk_root = btrfs_u64(s + 0x58);
	b->sector = btrfs_u32(s + 0x90);
	b->node = btrfs_u32(s + 0x94);
	b->level = s[0xc6];
	b->chunk_level = s[0xc7];
	b->device = btrfs_u64(s + 0xc9);
	b->size = btrfs_u64(s + 0xd1);
	b->used = btrfs_u64(s + 0xd9);
	memcpy(b->uuid, s + (other ? 0x23b : 0x20), sizeof(b->uuid));
	if (btrfs_u64(s + 0x30) != SUPER_AT || b->size > b->disk->size || b->used > b->size ||
		!is_power_of_two(b->sector) || !is_power_of_two(b->node) || b->sector < 512 ||
		b->node < b->sector || b->node > NODE_MAX)
		return error_set(e, ERR_CORRUPT,
			"nodes of %u bytes, sectors of %u and a device of %" PRIu64
			" on a disk of %" PRIu64,
			b->node, b->sector, b->size, b->disk->size);
	return 0;
}

static int chunk_parse(const struct btrfs *b, uint64_t start, const uint8_t *data, size_t size,
	struct btrfs_chunk *out, struct error *e)
{
	uint64_t type, end;
	unsigned copies;

	if (size < CHUNK_SIZE + COPY_SIZE)
		return error_set(e, ERR_CORRUPT, "a chunk of %zu bytes", size);
	type = btrfs_u64(data + 24);
	copies = data[44] | (unsigned)data[45] << 8;
	*out = (struct btrfs_chunk){ .start = start, .len = btrfs_u64(data), .copies = copies };
	if (type & ~(uint64_t)(TYPE_KINDS | TYPE_DUP))
		return error_set(e, ERR_REFUSED, "it has chunks of the type 0x%" PRIx64, type);
	if (copies != (type & TYPE_DUP ? 2 : 1) || size < CHUNK_SIZE + copies * COPY_SIZE ||
		!out->len || !add_fits(start, out->len, &end) || out->len % b->sector ||
		start % b->sector)
		return error_set(e, ERR_CORRUPT, "a chunk of %" PRIu64 " bytes in %u copies",
			out->len, copies);
	for (unsigned i = 0; i < copies; i++) {
		const uint8_t *copy = data + CHUNK_SIZE + (size_t)i * COPY_SIZE;

		out->at[i] = btrfs_u64(copy + 8);
		if (btrfs_u64(copy) != b->device || !range_fits(out->at[i], out->len, b->size))
			return error_set(e, ERR_CORRUPT,
				"a chunk of %" PRIu64 " bytes at %" PRIu64 " of device %" PRIu64,
				out->len, out->at[i], btrfs_u64(copy));
	}
	return 0;
}

/* Chunks come in rising order. */
static int chunk_add(struct btrfs *b, const struct btrfs_chunk *c, struct error *e)
{
	const struct btrfs_chunk *last = b->chunks ? &b->chunk[b->chunks - 1] : NULL;

	if (last && last->start + last->len > c->start)
		return error_set(e, ERR_CORRUPT, "chunks overlap at %" PRIu64, c->start);
	if (b->chunks == BTRFS_CHUNKS_MAX)
		return error_set(e, ERR_RANGE, "more than %d chunks", BTRFS_CHUNKS_MAX);
	if (b->chunks == b->capacity) {
		size_t capacity = b->capacity ? b->capacity * 2 : 64;
		struct btrfs_chunk *chunk = reallocarray(b->chunk, capacity, sizeof(*chunk));

		if (!chunk)
			return error_nomem(e, "chunks");
		b->chunk = chunk;
		b->capacity = capacity;
	}
	b->chunk[b->chunks++] = *c;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct btrfs_chunk *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The superblock has a copy of the chunks that the tree of chunks itself lies in. */
static int array_read(struct btrfs *b, const uint8_t *s, struct error *e)
{
	struct btrfs_chunk all[ARRAY_MAX / (KEY_SIZE + CHUNK_SIZE)];
	size_t size = btrfs_u32(s + 0xa0), count = 0;
	int rc = 0;

	if (size > ARRAY_MAX)
		return error_set(e, ERR_CORRUPT, "%zu bytes of system chunks", size);
	for (size_t at = 0; at + KEY_SIZE + CHUNK_SIZE + COPY_SIZE <= size; count++) {
		const uint8_t *key = s + ARRAY_AT + at;

		at += KEY_SIZE;
		if (key[8] != CHUNK_ITEM)
			return error_set(e, ERR_CORRUPT, "an item of type %u among chunks", key[8]);
		rc = chunk_parse(b, btrfs_u64(key + 9), key + KEY_SIZE, size - at, &all[count], e);
		if (rc)
			return rc;
		at += CHUNK_SIZE + (size_t)all[count].copies * COPY_SIZE;
	}
	if (count)
		qsort(all, count, sizeof(*all), by_start);
	for (size_t i = 0; !rc && i < count; i++)
		rc = chunk_add(b, &all[i], e);
	return rc;
}

struct loading {
	const struct btrfs *from;
	struct btrfs *to;
};

static int chunk_item(
	void *arg, const struct btrfs_key *key, const uint8_t *data, uint32_t size, struct error *e)
{
	struct loading *l = arg;
	struct btrfs_chunk c;
	int rc;

	if (key->type == DEVICE_ITEM && key->offset != l->from->device)
		return error_set(e, ERR_REFUSED, "it has a second device");
	if (key->type != CHUNK_ITEM)
		return 0;
	rc = chunk_parse(l->from, key->offset, data, size, &c, e);
	return rc ? rc : chunk_add(l->to, &c, e);
}

static int chunks_read(struct btrfs *b, uint64_t generation, struct error *e)
{
	struct btrfs all = { 0 };
	struct loading l = { .from = b, .to = &all };
	const struct btrfs_tree t = { b->chunk_root, generation, b->chunk_level };
	uint64_t used = 0;
	int rc = btrfs_walk(b, &t, &(struct btrfs_visit){ chunk_item, &l }, e);

	free(b->chunk);
	b->chunk = all.chunk;
	b->chunks = all.chunks;
	b->capacity = all.capacity;
	for (size_t i = 0; i < b->chunks; i++)
		used += b->chunk[i].len * b->chunk[i].copies;
	if (!rc && used != b->used)
		rc = error_set(e, ERR_CORRUPT,
			"chunks take %" PRIu64 " bytes of the device, it says %" PRIu64, used,
			b->used);
	return rc;
}

int btrfs_open(struct btrfs *b, struct error *e)
{
	uint8_t s[SUPER_SIZE];
	int rc = disk_read(b->disk, SUPER_AT, s, sizeof(s), e);

	if (!rc)
		rc = features_check(s, e);
	if (!rc)
		rc = geometry_read(b, s, e);
	if (!rc)
		rc = array_read(b, s, e);
	return rc ? rc : chunks_read(b, btrfs_u64(s + 0xa4), e);
}

void btrfs_close(struct btrfs *b)
{
	free(b->chunk);
}
