/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks a VHD's BAT: that each block lies inside the file and over nothing else, and that the file
 * holds nothing that is none of them.
 *
 * The file is divided into slots as long as a block with its bitmap.  Of blocks that do not overlap
 * at most one begins in each slot, so one 32-bit number a slot is all that has to be remembered.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhd_check.h"

enum {
	BATCH = 16384, /* entries read as one */
	/* 64 MiB; enough for 2 TiB, all that entries reach, in blocks of 128 KiB. */
	SLOTS_MAX = 1 << 24,
	ENTRIES_MAX = 1 << 27, /* 64 TiB in the smallest block that any creator makes */
};

static const struct fault block_range = { "vhd-block-range", SEVERITY_ERROR, NULL };
static const struct fault block_place = { "vhd-block-place", SEVERITY_ERROR, NULL };
static const struct fault block_shared = { "vhd-block-overlap", SEVERITY_ERROR, NULL };
static const struct fault leak = { "vhd-leak", SEVERITY_WARNING,
	"hvimg check --repair writes a copy without it" };
static const struct fault not_looked_at = { "vhd-not-looked-at", SEVERITY_INFO, NULL };

struct slots {
	uint64_t width; /* bytes */
	uint64_t count; /* 0: too many to look for overlaps and leaks */
	uint32_t *first; /* sector at which the block in each begins; VHD_ABSENT: none */
};

static int slots_make(struct vhd_check *v, struct slots *s, struct error *e)
{
	*s = (struct slots){ .width = (uint64_t)v->image.bitmap_size + v->image.block_size };
	s->count = min_u64(v->image.data_end, (uint64_t)VHD_ABSENT * VHD_SECTOR) / s->width + 1;
	if (s->count > SLOTS_MAX) {
		s->count = 0;
		return check_find(v->c, &not_looked_at, v->image.table_offset, e,
			"overlaps and leaks: blocks of %u bytes are too small for a file of "
			"%" PRIu64,
			v->image.block_size, v->file->size);
	}
	s->first = malloc(s->count * sizeof(*s->first));
	if (!s->first)
		return error_nomem(e, "the places of blocks");
	memset(s->first, 0xff, s->count * sizeof(*s->first));
	return 0;
}

/* Whether a block that begins in slot `at`, if there is one, reaches into the block at `off`. */
static bool slot_overlaps(const struct slots *s, uint64_t at, uint64_t off)
{
	return at < s->count && s->first[at] != VHD_ABSENT &&
		vhd_overlap(off, s->width, (uint64_t)s->first[at] * VHD_SECTOR, s->width);
}

static int slot_take(struct vhd_check *v, struct slots *s, uint64_t block, uint64_t off,
	uint64_t entry_off, struct error *e)
{
	uint64_t at = off / s->width;

	if (!s->count)
		return 0;
	for (uint64_t near = at ? at - 1 : 0; near <= at + 1; near++)
		if (slot_overlaps(s, near, off))
			return check_lost(v->c, &block_shared, entry_off, e,
				"block %" PRIu64 " at %" PRIu64
				" overlaps another block at %" PRIu64,
				block, off, (uint64_t)s->first[near] * VHD_SECTOR);
	s->first[at] = (uint32_t)(off / VHD_SECTOR);
	return 0;
}

static int block_check(
	struct vhd_check *v, struct slots *s, uint64_t block, uint32_t entry, struct error *e)
{
	const struct vhd_image *m = &v->image;
	uint64_t off = (uint64_t)entry * VHD_SECTOR;
	uint64_t entry_off = m->table_offset + block * sizeof(be32);
	uint64_t start = block * m->block_size;
	/* What lies behind the end of the disk may be missing: nobody reads there. */
	uint64_t used = start < m->size ? min_u64(m->block_size, m->size - start) : 0;

	if (!range_fits(off, m->bitmap_size + used, m->data_end))
		return check_lost(v->c, &block_range, entry_off, e,
			"block %" PRIu64 " at %" PRIu64
			" reaches past the end of the data at %" PRIu64,
			block, off, m->data_end);
	for (size_t i = 0; i < v->parts; i++)
		if (vhd_overlap(off, m->bitmap_size + used, v->part[i].off, v->part[i].len))
			return check_lost(v->c, &block_place, entry_off, e,
				"block %" PRIu64 " at %" PRIu64 " overlaps %s at %" PRIu64, block,
				off, v->part[i].name, v->part[i].off);
	return slot_take(v, s, block, off, entry_off, e);
}

static int entries_check(struct vhd_check *v, struct slots *s, struct error *e)
{
	const struct vhd_image *m = &v->image;
	uint64_t count = min_u64(m->entries, ENTRIES_MAX);
	be32 *entry = malloc(BATCH * sizeof(*entry));
	int rc = entry ? 0 : error_nomem(e, "a part of the table");

	for (uint64_t at = 0; at < count && !rc; at += BATCH) {
		size_t n = (size_t)min_u64(BATCH, count - at);

		rc = disk_read(v->file, m->table_offset + at * sizeof(*entry), entry,
			n * sizeof(*entry), e);
		for (size_t i = 0; i < n && !rc; i++)
			if (get_be32(entry[i]) != VHD_ABSENT)
				rc = block_check(v, s, at + i, get_be32(entry[i]), e);
		if (!rc)
			rc = check_progress(
				v->c, (at + n) * sizeof(*entry), count * sizeof(*entry), e);
	}
	free(entry);
	if (!rc && count < m->entries)
		rc = check_find(v->c, &not_looked_at, m->table_offset + count * sizeof(be32), e,
			"the entries of the table from %" PRIu64 " on", count);
	return rc;
}

/* Room for whole blocks is more than any creator leaves between structures to align them. */
static int gap_check(struct vhd_check *v, uint64_t from, uint64_t to, struct error *e)
{
	uint64_t width = (uint64_t)v->image.bitmap_size + v->image.block_size;
	uint64_t blocks = to > from ? (to - from) / width : 0;

	if (!blocks)
		return 0;
	v->c->leaks += blocks;
	return check_find(v->c, &leak, from, e,
		"%" PRIu64 " bytes are part of nothing: room for %" PRIu64 " blocks", to - from,
		blocks);
}

static int part_compare(const void *a, const void *b)
{
	const struct vhd_part *p = a, *q = b;

	return p->off < q->off ? -1 : p->off > q->off;
}

/* Goes through blocks and other structures in the order of their places. */
static int leaks_check(struct vhd_check *v, const struct slots *s, struct error *e)
{
	uint64_t end = 0;
	size_t part = 0;
	int rc = 0;

	qsort(v->part, v->parts, sizeof(v->part[0]), part_compare);
	for (uint64_t at = 0; at <= s->count && !rc; at++) {
		uint64_t off = v->image.data_end;

		if (at < s->count && s->first[at] == VHD_ABSENT)
			continue;
		if (at < s->count)
			off = (uint64_t)s->first[at] * VHD_SECTOR;
		for (; part < v->parts && v->part[part].off <= off && !rc; part++) {
			rc = gap_check(v, end, v->part[part].off, e);
			end = max_u64(end, v->part[part].off + v->part[part].len);
		}
		if (!rc)
			rc = gap_check(v, end, off, e);
		end = max_u64(end, off + s->width);
	}
	return rc;
}

int vhd_check_table(struct vhd_check *v, struct error *e)
{
	struct slots s;
	int rc = slots_make(v, &s, e);

	if (!rc)
		rc = entries_check(v, &s, e);
	if (!rc && s.count)
		rc = leaks_check(v, &s, e);
	free(s.first);
	return rc;
}
