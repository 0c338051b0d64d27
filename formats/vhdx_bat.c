/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the payload blocks are.  The BAT of a 60 TiB disk has 492 MiB, so it is read in pages, of
 * which a fixed number is kept. */
#include "formats/vhdx.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum {
	PAGE_ENTRIES = 4096,
	PAGE_COUNT = 32, /* 1 MiB of entries in all */
};

struct bat_page {
	uint64_t number; /* which part of the BAT; UINT64_MAX: none yet */
	le64 entry[PAGE_ENTRIES];
};

struct vhdx_bat {
	struct disk *file;
	const struct vhdx_image *image;
	pthread_mutex_t lock; /* for `page` */
	struct bat_page page[PAGE_COUNT]; /* part N of the BAT goes to N % PAGE_COUNT */
};

static int page_read(struct vhdx_bat *t, struct bat_page *p, uint64_t number, struct error *e)
{
	uint64_t off = number * sizeof(p->entry);
	size_t len = (size_t)min_u64(sizeof(p->entry), t->image->bat.length - off);
	int rc;

	p->number = UINT64_MAX;
	rc = disk_read(t->file, t->image->bat.offset + off, p->entry, len, e);
	if (rc)
		return error_prefix(
			e, "BAT at %llu", (unsigned long long)(t->image->bat.offset + off));
	p->number = number;
	return 0;
}

static int entry_read(struct vhdx_bat *t, uint64_t index, uint64_t *out, struct error *e)
{
	struct bat_page *p = &t->page[index / PAGE_ENTRIES % PAGE_COUNT];
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	if (p->number != index / PAGE_ENTRIES)
		rc = page_read(t, p, index / PAGE_ENTRIES, e);
	*out = rc ? 0 : get_le64(p->entry[index % PAGE_ENTRIES]);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

static bool block_overlaps(struct vhdx_range block, struct vhdx_range other)
{
	return other.length && block.offset < other.offset + other.length &&
		other.offset < block.offset + block.length;
}

/* Whether a block lies over what is no block. */
static bool in_structures(const struct vhdx_bat *t, struct vhdx_range block)
{
	const struct vhdx_image *m = t->image;

	return block_overlaps(block, m->log) || block_overlaps(block, m->bat) ||
		block_overlaps(block, m->metadata);
}

/* Whether a block's bytes can be where its entry says: on a MiB (the reserved bits below are zero),
 * behind the header section, inside the file, and over nothing else. */
static int block_check(const struct vhdx_bat *t, uint64_t block, uint64_t off, struct error *e)
{
	const struct vhdx_image *m = t->image;
	uint64_t start = block * m->block_size;
	/* The last block may be cut off behind the disk's end: nobody reads there. */
	struct vhdx_range r = { off, min_u64(m->block_size, m->size - start) };

	if (off % VHDX_MIB)
		return error_set(e, ERR_CORRUPT,
			"BAT entry of block %llu has reserved bits set: %#llx",
			(unsigned long long)block, (unsigned long long)(off % VHDX_MIB));
	if (off < VHDX_MIB)
		return error_set(e, ERR_CORRUPT, "block %llu lies in the header section",
			(unsigned long long)block);
	if (!range_fits(r.offset, r.length, t->file->size))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu reaches past the end of the file at %llu",
			(unsigned long long)block, (unsigned long long)off,
			(unsigned long long)t->file->size);
	if (in_structures(t, r))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu overlaps the log, the BAT or the metadata",
			(unsigned long long)block, (unsigned long long)off);
	return 0;
}

int vhdx_bat_find(struct vhdx_bat *t, uint64_t block, struct vhdx_place *out, struct error *e)
{
	uint64_t entry = 0;
	int rc = entry_read(t, vhdx_bat_index(block, t->image->chunk_ratio), &entry, e);

	if (rc)
		return rc;
	*out = (struct vhdx_place){ .zero = true };
	switch ((enum vhdx_state)(entry & 7)) {
	case VHDX_NOT_PRESENT:
		out->parent = t->image->has_parent;
		out->zero = !out->parent;
		return 0;
	case VHDX_UNDEFINED:
	case VHDX_ZERO:
	case VHDX_UNMAPPED:
		return 0;
	case VHDX_FULLY_PRESENT:
		*out = (struct vhdx_place){ .offset = entry & ~UINT64_C(7) };
		return block_check(t, block, out->offset, e);
	case VHDX_PARTIALLY_PRESENT:
		if (!t->image->has_parent)
			return error_set(e, ERR_CORRUPT,
				"block %llu is partially present in a file without a parent",
				(unsigned long long)block);
		*out = (struct vhdx_place){ .partial = true, .offset = entry & ~UINT64_C(7) };
		return block_check(t, block, out->offset, e);
	case VHDX_RESERVED_4:
	case VHDX_RESERVED_5:
		break;
	}
	return error_set(e, ERR_CORRUPT, "BAT entry of block %llu has the reserved state %u",
		(unsigned long long)block, (unsigned)(entry & 7));
}

/* What a block without bytes in the file reads as; false for any other. */
static bool state_absent(const struct vhdx_bat *t, uint64_t entry, bool *parent)
{
	unsigned state = entry & 7;

	*parent = state == VHDX_NOT_PRESENT && t->image->has_parent;
	return state <= VHDX_UNMAPPED;
}

/* Payload blocks whose entries are in front of entry `index`, which is none of theirs or the next.
 */
static uint64_t blocks_before(const struct vhdx_bat *t, uint64_t index)
{
	return index - index / (t->image->chunk_ratio + UINT64_C(1));
}

/* Entries from `index` on that are in a hole of the file, and so zero. */
static uint64_t hole_entries(struct vhdx_bat *t, uint64_t index)
{
	uint64_t off = index * sizeof(le64);
	struct extent x;

	if (disk_extent(t->file, t->image->bat.offset + off, &x, NULL) || !x.zero)
		return 0;
	return min_u64(x.length, t->image->bat.length - off) / sizeof(le64);
}

/* How many of `count` entries are absent like `parent` says, up to the first that is not. */
static uint64_t absent_count(
	const struct vhdx_bat *t, const le64 *entry, uint64_t count, bool parent)
{
	bool its = false;
	uint64_t n = 0;

	if (!state_absent(t, get_le64(entry[0]), &its) || its != parent)
		return 0;
	/* Usually all are the same, and half a gigabyte of them is to be looked at. */
	if (!memcmp(entry, entry + 1, (size_t)(count - 1) * sizeof(*entry)))
		return count;
	while (n < count && state_absent(t, get_le64(entry[n]), &its) && its == parent)
		n++;
	return n;
}

/* The same for the entries from `index` on, on its page and of its chunk; 0 also when they cannot
 * be read. */
static uint64_t page_absent(struct vhdx_bat *t, uint64_t index, bool parent)
{
	uint64_t first = index % PAGE_ENTRIES, chunk = t->image->chunk_ratio + UINT64_C(1);
	uint64_t count = min_u64(PAGE_ENTRIES - first, chunk - 1 - index % chunk), n = 0;
	struct bat_page *p = &t->page[index / PAGE_ENTRIES % PAGE_COUNT];

	pthread_mutex_lock(&t->lock);
	if (p->number == index / PAGE_ENTRIES || !page_read(t, p, index / PAGE_ENTRIES, NULL))
		n = absent_count(t, p->entry + first, count, parent);
	pthread_mutex_unlock(&t->lock);
	return n;
}

uint64_t vhdx_bat_absent(struct vhdx_bat *t, uint64_t block, uint64_t max, bool parent)
{
	uint64_t done = 0;

	while (done < max) {
		uint64_t index = vhdx_bat_index(block + done, t->image->chunk_ratio), now = 0;

		/* Tables of large disks are mostly holes. */
		if (index % PAGE_ENTRIES == 0 && parent == t->image->has_parent)
			now = blocks_before(t, index + hole_entries(t, index)) - block - done;
		if (!now)
			now = page_absent(t, index, parent);
		if (!now)
			break;
		done += now;
	}
	return min_u64(done, max);
}

/* Where the sector bitmap (2.4) of the chunk is that `block` belongs to. */
static int bitmap_find(struct vhdx_bat *t, uint64_t block, uint64_t *off, struct error *e)
{
	uint64_t ratio = t->image->chunk_ratio, entry = 0;
	int rc = entry_read(t, (block / ratio + 1) * (ratio + 1) - 1, &entry, e);

	if (rc)
		return rc;
	*off = entry & ~UINT64_C(7);
	if ((entry & 7) == VHDX_FULLY_PRESENT && *off >= VHDX_MIB && *off % VHDX_MIB == 0 &&
		range_fits(*off, VHDX_MIB, t->file->size) &&
		!in_structures(t, (struct vhdx_range){ *off, VHDX_MIB }))
		return 0;
	return error_set(e, ERR_CORRUPT,
		"block %llu is partially present, and the entry of its sector bitmap is %#llx",
		(unsigned long long)block, (unsigned long long)entry);
}

int vhdx_bat_run(struct vhdx_bat *t, uint64_t block, uint64_t within, uint64_t len, bool *present,
	uint64_t *run, struct error *e)
{
	uint32_t sector = t->image->logical_sector;
	uint64_t bit = block % t->image->chunk_ratio * (t->image->block_size / sector) +
		within / sector;
	uint64_t sectors = div_up(within % sector + len, sector), count = 1;
	uint64_t skip = bit % 8, off = 0;
	uint8_t bits[512];
	int rc = bitmap_find(t, block, &off, e);

	if (rc)
		return rc;
	sectors = min_u64(sectors, sizeof(bits) * 8 - skip);
	rc = disk_read(t->file, off + bit / 8, bits, (size_t)div_up(skip + sectors, 8), e);
	if (rc)
		return error_prefix(e, "sector bitmap at %llu", (unsigned long long)off);
	/* The first sector has the lowest bit. */
	*present = bits[0] >> skip & 1;
	while (count < sectors && (bits[(skip + count) / 8] >> (skip + count) % 8 & 1) == *present)
		count++;
	*run = min_u64(len, count * sector - within % sector);
	return 0;
}

int vhdx_bat_open(
	struct disk *file, const struct vhdx_image *image, struct vhdx_bat **out, struct error *e)
{
	struct vhdx_bat *t = calloc(1, sizeof(*t));

	if (!t)
		return error_nomem(e, "a BAT");
	t->file = file;
	t->image = image;
	for (unsigned i = 0; i < PAGE_COUNT; i++)
		t->page[i].number = UINT64_MAX;
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

void vhdx_bat_close(struct vhdx_bat *t)
{
	if (t)
		pthread_mutex_destroy(&t->lock);
	free(t);
}
