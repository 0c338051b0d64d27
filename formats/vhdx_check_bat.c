/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHDX's BAT (2.5): state of each entry, and the place that it names. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

enum { BATCH = 32768 }; /* entries read as one */

static const struct fault bad_state = { "vhdx-bat-state", SEVERITY_ERROR, NULL };
static const struct fault bad_bits = { "vhdx-bat-reserved", SEVERITY_ERROR, NULL };
static const struct fault unused_offset = { "vhdx-bat-offset", SEVERITY_WARNING,
	"Hyper-V may refuse the image; hvimg check --repair writes a copy without it" };
static const struct fault block_range = { "vhdx-block-range", SEVERITY_ERROR, NULL };
static const struct fault block_overlap = { "vhdx-block-overlap", SEVERITY_ERROR, NULL };
static const struct fault bitmap_state = { "vhdx-bitmap-state", SEVERITY_ERROR, NULL };
static const struct fault bitmap_missing = { "vhdx-bitmap-missing", SEVERITY_ERROR, NULL };

/* Where in the BAT the check is. */
struct position {
	uint64_t index;
	uint64_t at; /* file offset of the entry */
	bool partial; /* a block of this chunk is there in part */
};

/* A block of `used` bytes that somebody reads, of `size` in all, at the place that `entry` names.
 */
static int place_check(struct vhdx_check *v, const struct position *p, uint64_t entry,
	uint64_t used, uint64_t size, struct error *e)
{
	struct vhdx_range r = { entry & ~UINT64_C(7), used };

	if (r.offset % VHDX_MIB)
		return check_lost(v->c, &bad_bits, p->at, e,
			"BAT entry %" PRIu64 " has reserved bits set: %#" PRIx64, p->index,
			r.offset % VHDX_MIB);
	if (r.offset < VHDX_MIB || !range_fits(r.offset, r.length, v->view->size))
		return check_lost(v->c, &block_range, p->at, e,
			"BAT entry %" PRIu64 ": %" PRIu64 " bytes at %" PRIu64
			" are not behind the header section inside the file of %" PRIu64,
			p->index, used, r.offset, v->view->size);
	r.length = min_u64(size, v->view->size - r.offset);
	if (!vhdx_units_take(v, r))
		return 0;
	return check_lost(v->c, &block_overlap, p->at, e,
		"BAT entry %" PRIu64 ": the block at %" PRIu64
		" overlaps another one, the log or a region",
		p->index, r.offset);
}

/* A block without content in the file.  Some states may keep its old place. */
static int absent_check(
	struct vhdx_check *v, const struct position *p, uint64_t entry, struct error *e)
{
	uint64_t off = entry & ~(VHDX_MIB - 1);
	unsigned state = entry & 7;

	if (!(entry & ~UINT64_C(7)))
		return 0;
	if (state != VHDX_UNDEFINED && state != VHDX_UNMAPPED)
		return check_find(v->c, &unused_offset, p->at, e,
			"BAT entry %" PRIu64 " of state %u names a place, %#" PRIx64
			", in a reserved field",
			p->index, state, entry);
	if (off < v->view->size)
		vhdx_units_keep(v, (struct vhdx_range){ off, v->image.block_size });
	return 0;
}

static int payload_check(struct vhdx_check *v, struct position *p, uint64_t entry, struct error *e)
{
	const struct vhdx_image *m = &v->image;
	uint64_t start = (p->index - p->index / (m->chunk_ratio + UINT64_C(1))) * m->block_size;
	/* The last block may be cut off behind the disk's end: nobody reads there. */
	uint64_t used = start < m->size ? min_u64(m->block_size, m->size - start) : 0;
	unsigned state = entry & 7;

	if (!used || state <= VHDX_UNMAPPED)
		return absent_check(v, p, entry, e);
	if (state != VHDX_FULLY_PRESENT && !(state == VHDX_PARTIALLY_PRESENT && m->has_parent))
		return check_lost(v->c, &bad_state, p->at, e,
			"BAT entry %" PRIu64 " has state %u, which is %s", p->index, state,
			state == VHDX_PARTIALLY_PRESENT ? "for disks with a parent" : "reserved");
	p->partial = p->partial || state == VHDX_PARTIALLY_PRESENT;
	return place_check(v, p, entry, used, m->block_size, e);
}

/* The entry of a chunk's sector bitmap (2.5.1.2), behind those of its blocks. */
static int bitmap_check(struct vhdx_check *v, struct position *p, uint64_t entry, struct error *e)
{
	unsigned state = entry & 7;
	bool needed = p->partial;

	p->partial = false;
	if (state == VHDX_FULLY_PRESENT && v->image.has_parent)
		return place_check(v, p, entry, VHDX_MIB, VHDX_MIB, e);
	if (state != VHDX_NOT_PRESENT)
		return (v->image.has_parent ? check_lost : check_find)(v->c, &bitmap_state, p->at,
			e, "BAT entry %" PRIu64 " of a sector bitmap has state %u", p->index,
			state);
	if (needed)
		return check_lost(v->c, &bitmap_missing, p->at, e,
			"BAT entry %" PRIu64
			": blocks are there in part, but their sector bitmap is not",
			p->index);
	return absent_check(v, p, entry, e);
}

static int batch_check(
	struct vhdx_check *v, struct position *p, const le64 *entry, size_t count, struct error *e)
{
	uint64_t chunk = v->image.chunk_ratio + UINT64_C(1);
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		uint64_t n = get_le64(entry[i]);

		if ((p->index + 1) % chunk == 0)
			rc = bitmap_check(v, p, n, e);
		else if (n)
			rc = payload_check(v, p, n, e);
		p->index++;
		p->at += sizeof(*entry);
	}
	return rc;
}

/* As many as count: the rest of the region is reserved. */
static uint64_t entry_count(const struct vhdx_image *m)
{
	uint64_t blocks = vhdx_block_count(m->size, m->block_size);

	if (m->has_parent)
		return div_up(blocks, m->chunk_ratio) * (m->chunk_ratio + UINT64_C(1));
	return blocks ? vhdx_bat_index(blocks - 1, m->chunk_ratio) + 1 : 0;
}

int vhdx_check_bat(struct vhdx_check *v, struct error *e)
{
	struct position p = { .at = v->image.bat.offset };
	uint64_t count = entry_count(&v->image);
	le64 *entry = malloc(BATCH * sizeof(*entry));
	int rc = entry ? 0 : error_nomem(e, "a part of the BAT");

	while (p.index < count && !rc) {
		size_t n = (size_t)min_u64(BATCH, count - p.index);

		rc = disk_read(v->view, p.at, entry, n * sizeof(*entry), e);
		if (!rc)
			rc = batch_check(v, &p, entry, n, e);
		if (!rc)
			rc = check_progress(
				v->c, p.index * sizeof(*entry), count * sizeof(*entry), e);
	}
	free(entry);
	return rc;
}
