/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a differencing VHD has beside what a dynamic one has: a reference to its parent between
 * header and BAT, and bitmaps that tell which sectors are its own.
 *
 * Bits are set for the sectors that differ.  What is written are whole pages of eight of them: the
 * guest's own blocks, and readers that take the rest of a bitmap's byte along (libvhdi does) still
 * get what is right.
 */
#include "formats/vhd_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"

enum { PAGE_SECTORS = VHD_CHILD_PAGE / VHD_SECTOR };

static_assert((int)VHD_SECTOR == (int)CHANGE_SIZE, "a bit for a bit");

struct vhd_child {
	struct vhd_reference reference;
	uint8_t bitmap[VHD_SECTOR]; /* of the block that is being filled */
};

int vhd_child_open(const struct image_spec *spec, struct vhd_child **out, struct error *e)
{
	struct vhd_child *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return error_nomem(e, "a child");
	rc = spec->like ? vhd_reference_keep(spec->like, &c->reference, e)
			: vhd_reference_make(spec->parent, &c->reference, e);
	if (rc)
		vhd_child_free(c);
	else
		*out = c;
	return rc;
}

void vhd_child_free(struct vhd_child *c)
{
	if (c)
		vhd_reference_free(&c->reference);
	free(c);
}

uint64_t vhd_child_place_reference(struct vhd_child *c, uint64_t off)
{
	return vhd_reference_place(&c->reference, off);
}

/* Between the header and the first locator, or the table. */
static int gap_clear(struct vhd_writer *v, struct error *e)
{
	static const uint8_t zeros[VHD_ALIGNMENT];
	uint64_t from = v->image.header_offset + sizeof(struct vhd_header);

	if (v->fresh)
		return 0;
	return output_write(
		v->file, from, zeros, (size_t)(round_up(from, sizeof(zeros)) - from), e);
}

int vhd_child_header(struct vhd_writer *v, struct vhd_header *h, struct error *e)
{
	int rc = gap_clear(v, e);

	vhd_id_put(h->parent_id, v->image.parent_id);
	if (!rc)
		rc = vhd_reference_write(&v->child->reference, v->file, h, e);
	h->checksum = put_be32(vhd_header_checksum(h));
	return rc;
}

static bool is_changed(const struct block *b, size_t sector)
{
	return b->changed[sector / 8] >> sector % 8 & 1;
}

/* A page of eight sectors has a byte of its own. */
static bool page_goes(const struct block *b, size_t at)
{
	static_assert(PAGE_SECTORS == 8, "a byte a page");

	return b->changed[at / VHD_CHILD_PAGE] &&
		!bytes_are_zero(b->data + at, (size_t)min_u64(VHD_CHILD_PAGE, b->len - at));
}

/* Pages that hold a change.  Zeros need not be written: what is not written reads as zeros. */
static int child_encode(const struct writer *w, struct block *b, struct error *e)
{
	size_t block_size = ((const struct vhd_writer *)w)->image.block_size;
	struct piece *last = NULL;

	(void)e;
	b->pieces = 0;
	for (size_t at = 0; at < b->len; at += VHD_CHILD_PAGE) {
		size_t len = (size_t)min_u64(VHD_CHILD_PAGE, b->len - at);

		if (!page_goes(b, at)) {
			last = NULL;
			continue;
		}
		if (!last || at % block_size == 0) {
			last = &b->piece[b->pieces++];
			*last = (struct piece){ .bytes = b->data + at };
		}
		last->len += len;
	}
	return 0;
}

/* Writes the bitmap of the block that is done. */
static int block_leave(struct vhd_writer *v, struct error *e)
{
	int rc = 0;

	if (v->block != UINT64_MAX)
		rc = output_write(v->file, v->block_data - v->image.bitmap_size, v->child->bitmap,
			v->image.bitmap_size, e);
	memset(v->child->bitmap, 0, sizeof(v->child->bitmap));
	return rc;
}

/* Notes a changed sector, whose block gets a place with its first one. */
static int sector_note(struct vhd_writer *v, uint64_t off, struct error *e)
{
	uint64_t block = off / v->image.block_size;
	uint64_t bit = off % v->image.block_size / VHD_SECTOR;
	int rc = 0;

	if (block != v->block) {
		rc = block_leave(v, e);
		if (!rc)
			rc = vhd_block_allocate(v, block, e);
	}
	v->child->bitmap[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return rc;
}

/* A piece is placed while its block is the current one, which it is from the first changed sector
 * of its first page on. */
static int child_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhd_writer *v = vhd_writer_of(w);
	int rc = vhd_range_check(v, b, e);
	size_t next = 0;

	for (size_t s = 0; s * VHD_SECTOR < b->len && !rc; s++) {
		struct piece *p = b->piece + next;

		if (!is_changed(b, s))
			continue;
		rc = sector_note(v, b->off + s * VHD_SECTOR, e);
		if (rc || next == b->pieces ||
			(size_t)(p->bytes - b->data) / VHD_CHILD_PAGE != s / PAGE_SECTORS)
			continue;
		next++;
		rc = vhd_piece_place(v, b->off + (uint64_t)(p->bytes - b->data), p, e);
	}
	return rc;
}

static int child_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	int rc = block_leave(vhd_writer_of(w), e);

	return rc ? rc : vhd_tables_finish(w, c, e);
}

const struct writer_ops vhd_child_ops = {
	.encode = child_encode,
	.place = child_place,
	.finish = child_finish,
	.close = vhd_writer_close,
};
