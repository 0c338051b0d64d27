/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/overlay_private.h"

/*
 * Changed blocks lie in slots in the order of their first change.  A table finds the slot of a
 * block.  Long runs of zeros are kept as ranges: what the table says of a block counts before them.
 */
enum {
	BLOCK = SLOT_SIZE,
	LOOK = 1 << 20, /* bytes that extent looks far where the table is large and still edited */
	RANGE_LEAST = 64 * BLOCK, /* zeros that are worth a range; fewer go into the table */
};

/* In place of a slot number: the block is zero, whatever its slot holds. */
#define SLOT_ZERO SLOTS_MAX
/* The block is zero and has no slot. */
#define SLOT_NONE UINT32_MAX

static size_t part_of_block(uint64_t off, size_t len)
{
	size_t rest = BLOCK - (size_t)(off % BLOCK);

	return len < rest ? len : rest;
}

/* How much of `length` bytes from `off` is in no block of the table. */
static uint64_t absent_run(const struct overlay *o, uint64_t off, uint64_t length)
{
	uint64_t run = 0;

	while (run < length && !block_table_slot(&o->table, (off + run) / BLOCK))
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

/* Whether the block, which is changed, is zero; `slot` is its, NULL when it has none. */
static bool is_zero_block(const uint32_t *slot)
{
	return !slot || (*slot & SLOT_ZERO);
}

int overlay_changed_read(struct overlay *o, uint64_t off, void *buf, size_t len, struct error *e)
{
	const uint32_t *slot = block_table_slot(&o->table, off / BLOCK);

	if (!is_zero_block(slot))
		return slots_read(&o->slots, *slot, off % BLOCK, buf, len, e);
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
			rc = overlay_changed_read(o, off, p, part, e);
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
	uint32_t *known = block_table_slot(&o->table, block);
	uint32_t slot = known ? *known : SLOT_NONE;
	int rc = 0;

	if (slot == SLOT_NONE)
		rc = slots_take(&o->slots, &slot, e);
	slot &= ~SLOT_ZERO;
	if (!rc)
		rc = slots_write(&o->slots, slot, whole, e);
	if (rc)
		return rc;
	if (!known)
		return block_table_add(&o->table, block, slot, e);
	*known = slot;
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

static int blocks_zero(struct overlay *o, uint64_t first, uint64_t end, struct error *e)
{
	int rc = 0;

	if ((end - first) * BLOCK >= RANGE_LEAST)
		rc = ranges_add(&o->zeros, first * BLOCK, end * BLOCK, e);
	else
		for (uint64_t block = first; block < end && !rc; block++)
			if (unchanged_run(o, block * BLOCK, 1))
				rc = block_table_add(&o->table, block, SLOT_NONE, e);
	if (!rc)
		block_table_mark(&o->table, first, end, SLOT_ZERO);
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

/* How far it is from `off`, itself in no block of the table, to the next one that is; at most
 * `length`. */
static uint64_t change_distance(const struct overlay *o, uint64_t off, uint64_t length)
{
	uint64_t next;

	if (!block_table_is_quick(&o->table))
		return absent_run(o, off, min_u64(length, LOOK));
	next = block_table_next(&o->table, off / BLOCK);
	return next == BLOCK_TABLE_END ? length : min_u64(length, next * BLOCK - off);
}

static int overlay_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct overlay *o = (struct overlay *)d;
	const uint32_t *slot = block_table_slot(&o->table, off / BLOCK);
	uint64_t until;
	bool zero = ranges_hold(&o->zeros, off, &until);
	int rc;

	if (slot) {
		*out = (struct extent){ .length = BLOCK - off % BLOCK };
		out->zero = is_zero_block(slot);
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
	out->length = change_distance(o, off, min_u64(out->length, until - off));
	return 0;
}

static void overlay_close(struct disk *d)
{
	struct overlay *o = (struct overlay *)d;

	slots_close(&o->slots);
	block_table_close(&o->table);
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
		rc = block_table_open(&o->table, e);
	if (rc) {
		overlay_close(&o->disk);
		return rc;
	}
	*out = &o->disk;
	return 0;
}

int overlay_freeze(struct disk *overlay, struct error *e)
{
	struct overlay *o = (struct overlay *)overlay;

	o->frozen = true;
	return block_table_sort(&o->table, e);
}

uint64_t overlay_used(const struct disk *overlay)
{
	return (uint64_t)((const struct overlay *)overlay)->slots.used * BLOCK;
}
