/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file allocation table and what is derived from it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/fat.h"

enum {
	STEP = 8192, /* entries in memory; even */
	PIECE = 64 << 10, /* bytes of a table in memory */
};

uint64_t fat_cluster_at(const struct fat *f, uint32_t cluster)
{
	return f->data + (uint64_t)(cluster - 2) * f->cluster;
}

static uint64_t copy_at(const struct fat *f, uint32_t copy)
{
	return f->table + copy * f->table_len;
}

/* The marks of the narrower tables become those of FAT32. */
static uint32_t widen(const struct fat *f, uint32_t entry)
{
	const uint32_t bad = f->bits == 12 ? 0xff7 : 0xfff7;

	if (f->bits == 32)
		return entry & 0x0fffffff;
	return entry >= bad ? entry - bad + FAT_BAD : entry;
}

static uint32_t decode(const struct fat *f, const uint8_t *bytes, uint32_t i)
{
	uint32_t entry;

	switch (f->bits) {
	case 12:
		bytes += i / 2 * 3;
		entry = i % 2 ? (uint32_t)(bytes[1] >> 4 | bytes[2] << 4)
			      : (uint32_t)(bytes[0] | (bytes[1] & 15) << 8);
		break;
	case 16:
		entry = (uint32_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
		break;
	default:
		bytes += 4 * (size_t)i;
		entry = get_le32((le32){ { bytes[0], bytes[1], bytes[2], bytes[3] } });
		break;
	}
	return widen(f, entry);
}

int fat_entries(struct fat *f, uint32_t copy, uint32_t first, uint32_t count, uint32_t *out,
	struct error *e)
{
	uint64_t from = (uint64_t)first * f->bits / 8;
	size_t len = (size_t)div_up((uint64_t)count * f->bits, 8);
	uint8_t *bytes = calloc(1, len + 1);
	int rc;

	if (!bytes)
		return error_nomem(e, "a file allocation table");
	rc = cache_read(f->cache, copy_at(f, copy) + from, bytes, len, e);
	for (uint32_t i = 0; !rc && i < count; i++)
		out[i] = decode(f, bytes, i);
	free(bytes);
	return rc;
}

static int entry_get(struct fat *f, uint32_t cluster, uint32_t *out, struct error *e)
{
	uint32_t first = cluster & ~1u;
	uint64_t from = (uint64_t)first * f->bits / 8;
	size_t len = (size_t)div_up((cluster - first + 1) * f->bits, 8);
	uint8_t bytes[8];
	int rc = cache_read(f->cache, copy_at(f, f->active) + from, bytes, len, e);

	if (!rc)
		*out = decode(f, bytes, cluster - first);
	return rc;
}

int fat_next(struct fat *f, uint32_t cluster, uint32_t *out, struct error *e)
{
	uint32_t entry = 0;
	int rc;

	if (!fat_is_cluster(f, cluster))
		return error_set(e, ERR_CORRUPT, "cluster %u of %u", cluster, f->end);
	rc = entry_get(f, cluster, &entry, e);
	if (rc)
		return rc;
	if (!fat_is_cluster(f, entry) && !fat_is_end(entry))
		return error_set(e, ERR_CORRUPT,
			"cluster %u is followed by %u, which is no cluster of %u", cluster, entry,
			f->end);
	*out = entry;
	return 0;
}

/* Puts an entry's bits among its neighbours'. */
static int entry_put(
	struct fat *f, uint32_t copy, uint32_t cluster, uint32_t value, struct error *e)
{
	uint64_t off = copy_at(f, copy) + (uint64_t)cluster * f->bits / 8;
	size_t len = f->bits == 32 ? 4 : 2;
	uint8_t b[4];
	int rc = cache_read(f->cache, off, b, len, e);

	if (rc)
		return rc;
	if (f->bits == 12 && cluster % 2) {
		b[0] = (uint8_t)((b[0] & 15) | value << 4);
		b[1] = (uint8_t)(value >> 4);
	} else {
		b[0] = (uint8_t)value;
		b[1] = f->bits == 12 ? (uint8_t)((b[1] & 0xf0) | (value >> 8 & 15))
				     : (uint8_t)(value >> 8);
		b[2] = (uint8_t)(value >> 16);
		b[3] = (uint8_t)((b[3] & 0xf0) | (value >> 24 & 15)); /* the rest is reserved */
	}
	return cache_write(f->cache, off, b, len, e);
}

int fat_set(struct fat *f, uint32_t cluster, uint32_t value, struct error *e)
{
	uint32_t old = 0;
	int rc = entry_get(f, cluster, &old, e);

	for (uint32_t i = 0; !rc && i < f->tables; i++)
		if (f->mirrored || i == f->active)
			rc = entry_put(f, i, cluster, value, e);
	if (rc)
		return rc;
	if (f->counted)
		f->free = f->free + (value == FAT_FREE) - (old == FAT_FREE);
	if (value == FAT_FREE && cluster < f->search)
		f->search = cluster;
	f->changed = true;
	f->spot.first = 0;
	return 0;
}

int fat_count_free(struct fat *f, struct error *e)
{
	uint32_t *entry;
	int rc = 0;

	if (f->counted)
		return 0;
	entry = malloc(STEP * sizeof(*entry));
	if (!entry)
		return error_nomem(e, "a file allocation table");
	f->free = 0;
	for (uint32_t at = 0; !rc && at < f->end; at += STEP) {
		uint32_t count = (uint32_t)min_u64(STEP, f->end - at);

		rc = fat_entries(f, f->active, at, count, entry, e);
		for (uint32_t i = at ? 0 : 2; !rc && i < count; i++)
			f->free += entry[i] == FAT_FREE;
	}
	free(entry);
	f->counted = !rc;
	return rc;
}

static int take_lowest(struct fat *f, uint32_t *out, struct error *e)
{
	for (uint32_t at = f->search; at < f->end; at++) {
		uint32_t entry = 0;
		int rc = entry_get(f, at, &entry, e);

		if (rc)
			return rc;
		if (entry != FAT_FREE)
			continue;
		f->search = at + 1;
		f->last = at;
		*out = at;
		return fat_set(f, at, FAT_END, e);
	}
	f->search = f->end;
	return error_set(e, ERR_RANGE, "the vfat file system has no free cluster");
}

int fat_take(struct fat *f, uint32_t before, uint32_t *out, struct error *e)
{
	int rc = take_lowest(f, out, e);

	return !rc && before ? fat_set(f, before, *out, e) : rc;
}

int fat_release(struct fat *f, uint32_t first, struct error *e)
{
	int rc = 0;

	/* Each turn frees one, and a free one is followed by none: a cycle ends with an error. */
	while (!rc && !fat_is_end(first)) {
		uint32_t next = FAT_END;

		rc = fat_next(f, first, &next, e);
		if (!rc)
			rc = fat_set(f, first, FAT_FREE, e);
		first = next;
	}
	return rc;
}

static int copy_mirror(struct fat *f, uint32_t copy, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	int rc = 0;

	if (!piece)
		return error_nomem(e, "a file allocation table");
	for (uint64_t at = 0; !rc && at < f->table_len; at += PIECE) {
		size_t len = (size_t)min_u64(PIECE, f->table_len - at);

		rc = cache_read(f->cache, copy_at(f, f->active) + at, piece, len, e);
		if (!rc)
			rc = cache_write(f->cache, copy_at(f, copy) + at, piece, len, e);
	}
	free(piece);
	return rc;
}

/* Section 5: how many are free, and the last one given away. */
static int info_sync(struct fat *f, struct error *e)
{
	le32 value[2] = { put_le32(f->free), put_le32(f->last) };

	return cache_write(f->cache, f->info + 488, value, f->last ? 8 : 4, e);
}

int fat_table_sync(struct fat *f, struct error *e)
{
	int rc = 0;

	if (!f->changed)
		return 0;
	for (uint32_t i = 0; !rc && i < f->tables && f->differ && f->mirrored; i++)
		if (i != f->active)
			rc = copy_mirror(f, i, e);
	if (!rc && f->info)
		rc = fat_count_free(f, e);
	if (!rc && f->info)
		rc = info_sync(f, e);
	f->changed = rc != 0;
	f->differ = f->differ && rc;
	return rc;
}
