/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/ranges.h"
#include "disk/slots.h"

/*
 * Changed blocks lie in slots in the order of their first change.  An open-addressing table finds
 * the slot of a block.  Long runs of zeros are kept as ranges: what the table says of a block
 * counts before them.
 */
enum {
	BLOCK = SLOT_SIZE,
	TABLE_FIRST = 1024,
	/* While the overlay is being edited, extent looks through a table of up to SCAN places for
	 * the next change, and LOOK bytes far with a larger one. */
	SCAN = 16384,
	LOOK = 1 << 20,
	RANGE_LEAST = 64 * BLOCK, /* zeros that are worth a range; fewer go into the table */
};

/* In place of a slot number: the block is zero, whatever its slot holds. */
#define SLOT_ZERO SLOTS_MAX
/* The block is zero and has no slot. */
#define SLOT_NONE UINT32_MAX

struct overlay {
	struct disk disk;
	struct disk *below;
	bool frozen;
	uint64_t *sorted; /* changed block numbers, rising; made by freezing */
	uint64_t *key; /* block number + 1; 0 is an empty place */
	uint32_t *slot;
	size_t places; /* power of two */
	size_t entries; /* places that are taken */
	struct ranges zeros; /* bytes, whole blocks */
	struct slots slots;
};

static size_t place_find(const struct overlay *o, uint64_t block)
{
	size_t place = (size_t)(block * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (o->places - 1);

	while (o->key[place] && o->key[place] != block + 1)
		place = (place + 1) & (o->places - 1);
	return place;
}

static int table_grow(struct overlay *o, struct error *e)
{
	struct overlay old = *o;

	o->places = old.places ? old.places * 2 : TABLE_FIRST;
	o->key = calloc(o->places, sizeof(*o->key));
	o->slot = calloc(o->places, sizeof(*o->slot));
	if (!o->key || !o->slot) {
		free(o->key);
		free(o->slot);
		*o = old;
		return error_nomem(e, "the overlay's index");
	}
	for (size_t i = 0; i < old.places; i++) {
		size_t place;

		if (!old.key[i])
			continue;
		place = place_find(o, old.key[i] - 1);
		o->key[place] = old.key[i];
		o->slot[place] = old.slot[i];
	}
	free(old.key);
	free(old.slot);
	return 0;
}

/* Puts a block into the table that is not there yet. */
static int entry_add(struct overlay *o, uint64_t block, uint32_t slot, struct error *e)
{
	size_t place;

	if (o->entries * 4 >= o->places * 3) {
		int rc = table_grow(o, e);

		if (rc)
			return rc;
	}
	place = place_find(o, block);
	o->key[place] = block + 1;
	o->slot[place] = slot;
	o->entries++;
	return 0;
}

static size_t part_of_block(uint64_t off, size_t len)
{
	size_t rest = BLOCK - (size_t)(off % BLOCK);

	return len < rest ? len : rest;
}

/* How much of `length` bytes from `off` is in no block of the table. */
static uint64_t absent_run(const struct overlay *o, uint64_t off, uint64_t length)
{
	uint64_t run = 0;

	while (run < length && !o->key[place_find(o, (off + run) / BLOCK)])
		run += part_of_block(off + run, (size_t)(length - run));
	return run;
}

/* The stretch from `off` that is unchanged. */
static size_t unchanged_run(const struct overlay *o, uint64_t off, size_t len)
{
	uint64_t until;

	if (ranges_hold(&o->zeros, off, &until))
		return 0;
	return (size_t)absent_run(o, off, min_u64(len, until - off));
}

/* Whether the block, which is changed, is zero. */
static bool is_zero_block(const struct overlay *o, size_t place)
{
	return !o->key[place] || (o->slot[place] & SLOT_ZERO);
}

static int changed_read(struct overlay *o, uint64_t off, void *buf, size_t len, struct error *e)
{
	size_t place = place_find(o, off / BLOCK);

	if (!is_zero_block(o, place))
		return slots_read(&o->slots, o->slot[place], off % BLOCK, buf, len, e);
	memset(buf, 0, len);
	return 0;
}

static int overlay_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct overlay *o = (struct overlay *)d;
	uint8_t *p = buf;

	while (len) {
		size_t part = unchanged_run(o, off, len);
		int rc;

		if (part) {
			rc = disk_read(o->below, off, p, part, e);
		} else {
			part = part_of_block(off, len);
			rc = changed_read(o, off, p, part, e);
		}
		if (rc)
			return rc;
		p += part;
		off += part;
		len -= part;
	}
	return 0;
}

/* Gives the block a slot, and its content into it. */
static int block_store(struct overlay *o, uint64_t block, const uint8_t *whole, struct error *e)
{
	size_t place = place_find(o, block);
	bool known = o->key[place];
	uint32_t slot = known ? o->slot[place] : SLOT_NONE;
	int rc = 0;

	if (slot == SLOT_NONE)
		rc = slots_take(&o->slots, &slot, e);
	slot &= ~SLOT_ZERO;
	if (!rc)
		rc = slots_write(&o->slots, slot, whole, e);
	if (rc)
		return rc;
	if (!known)
		return entry_add(o, block, slot, e);
	o->slot[place] = slot;
	return 0;
}

static int block_write(
	struct overlay *o, uint64_t off, const uint8_t *p, size_t len, struct error *e)
{
	uint64_t block = off / BLOCK, start = block * BLOCK;
	uint8_t whole[BLOCK] = { 0 };
	int rc = 0;

	if (len < BLOCK)
		rc = overlay_read(&o->disk, start, whole, min_u64(BLOCK, o->disk.size - start), e);
	if (rc)
		return rc;
	memcpy(whole + off % BLOCK, p, len);
	return block_store(o, block, whole, e);
}

static int overlay_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct overlay *o = (struct overlay *)d;
	const uint8_t *p = buf;

	if (o->frozen)
		return error_set(e, ERR_REFUSED, "the overlay is frozen");
	while (len) {
		size_t part = part_of_block(off, len);
		int rc = block_write(o, off, p, part, e);

		if (rc)
			return rc;
		p += part;
		off += part;
		len -= part;
	}
	return 0;
}

/* Blocks of the table that lie in a run become zero. */
static void entries_clear(struct overlay *o, uint64_t first, uint64_t end)
{
	if (end - first < o->places) {
		for (; first < end; first++) {
			size_t place = place_find(o, first);

			if (o->key[place])
				o->slot[place] |= SLOT_ZERO;
		}
		return;
	}
	for (size_t i = 0; i < o->places; i++)
		if (o->key[i] > first && o->key[i] <= end)
			o->slot[i] |= SLOT_ZERO;
}

static int blocks_zero(struct overlay *o, uint64_t first, uint64_t end, struct error *e)
{
	int rc = 0;

	if ((end - first) * BLOCK >= RANGE_LEAST)
		rc = ranges_add(&o->zeros, first * BLOCK, end * BLOCK, e);
	else
		for (uint64_t block = first; block < end && !rc; block++)
			if (unchanged_run(o, block * BLOCK, 1))
				rc = entry_add(o, block, SLOT_NONE, e);
	if (!rc)
		entries_clear(o, first, end);
	return rc;
}

static int overlay_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	static const uint8_t zeros[BLOCK];
	struct overlay *o = (struct overlay *)d;
	uint64_t end = off + len;
	int rc = 0;

	if (o->frozen)
		return error_set(e, ERR_REFUSED, "the overlay is frozen");
	while (!rc && off < end) {
		size_t part = part_of_block(off, (size_t)min_u64(end - off, BLOCK));
		uint64_t last = end == d->size ? div_up(end, BLOCK) : end / BLOCK;

		if (off % BLOCK == 0 && last > off / BLOCK) {
			rc = blocks_zero(o, off / BLOCK, last, e);
			off = last * BLOCK;
		} else {
			rc = block_write(o, off, zeros, part, e);
			off += part;
		}
	}
	return rc;
}

/* Offset of the first changed block at or after `off`, in the table of a frozen overlay. */
static uint64_t next_change(const struct overlay *o, uint64_t off)
{
	size_t low = 0, high = o->entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->sorted[middle] < off / BLOCK)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->entries ? o->sorted[low] * BLOCK : UINT64_MAX;
}

/* As next_change, in a small table that is not sorted. */
static uint64_t next_change_scan(const struct overlay *o, uint64_t off)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < o->places; i++)
		if (o->key[i] > off / BLOCK)
			next = min_u64(next, (o->key[i] - 1) * BLOCK);
	return next;
}

static int overlay_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct overlay *o = (struct overlay *)d;
	size_t place = place_find(o, off / BLOCK);
	uint64_t until;
	bool zero = ranges_hold(&o->zeros, off, &until);
	int rc;

	if (o->key[place]) {
		*out = (struct extent){ .length = BLOCK - off % BLOCK };
		out->zero = is_zero_block(o, place);
		out->stored = !out->zero;
		return 0;
	}
	if (zero) {
		*out = (struct extent){ .length = out->length, .zero = true };
	} else {
		rc = disk_extent(o->below, off, out, e);
		if (rc)
			return rc;
	}
	out->length = min_u64(out->length, until - off);
	if (o->sorted)
		out->length = min_u64(out->length, next_change(o, off) - off);
	else if (o->places <= SCAN)
		out->length = min_u64(out->length, next_change_scan(o, off) - off);
	else
		out->length = absent_run(o, off, min_u64(out->length, LOOK));
	return 0;
}

static void overlay_close(struct disk *d)
{
	struct overlay *o = (struct overlay *)d;

	slots_close(&o->slots);
	free(o->key);
	free(o->slot);
	free(o->sorted);
	ranges_free(&o->zeros);
	free(o);
}

static const struct disk_ops overlay_ops = {
	.read = overlay_read,
	.write = overlay_write,
	.zero = overlay_zero,
	.extent = overlay_extent,
	.close = overlay_close,
};

int overlay_open(struct disk *below, const char *tmpdir, uint64_t memory_limit, struct disk **out,
	struct error *e)
{
	struct overlay *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return error_nomem(e, "an overlay");
	o->disk = *below;
	o->disk.ops = &overlay_ops;
	o->below = below;
	rc = slots_open(&o->slots, tmpdir, memory_limit, e);
	if (!rc)
		rc = table_grow(o, e);
	if (rc) {
		overlay_close(&o->disk);
		return rc;
	}
	*out = &o->disk;
	return 0;
}

static int block_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int overlay_freeze(struct disk *overlay, struct error *e)
{
	struct overlay *o = (struct overlay *)overlay;
	size_t count = 0;

	o->frozen = true;
	if (o->sorted)
		return 0;
	o->sorted = calloc(o->entries ? o->entries : 1, sizeof(*o->sorted));
	if (!o->sorted)
		return error_nomem(e, "the overlay's list of changes");
	for (size_t i = 0; i < o->places; i++)
		if (o->key[i])
			o->sorted[count++] = o->key[i] - 1;
	qsort(o->sorted, count, sizeof(*o->sorted), block_compare);
	return 0;
}

uint64_t overlay_used(const struct disk *overlay)
{
	return (uint64_t)((const struct overlay *)overlay)->slots.used * BLOCK;
}
