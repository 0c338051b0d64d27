/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a differencing VHD has beside what a dynamic one has: the parent's identity, the ways to it
 * between header and BAT, and bitmaps that tell which sectors are its own.
 *
 * Bits are set for the sectors that differ.  What is written are whole pages of eight of them: the
 * guest's own blocks, and readers that take the rest of a bitmap's byte along (libvhdi does) still
 * get what is right.
 *
 * The parent's timestamp stays 0, as Windows leaves it: the time of a file is lost in copies, and
 * is nothing that the bytes may depend on.
 */
#include "formats/vhd_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"
#include "formats/parent_path.h"

enum {
	LOCATORS = 3,
	LOCATOR_ROOM = 4096, /* at least, as Windows: what is moved finds room for its new path */
	PAGE_SECTORS = VHD_CHILD_PAGE / VHD_SECTOR,
};

static_assert((int)VHD_SECTOR == (int)CHANGE_SIZE, "a bit for a bit");

struct locator_text {
	const char *platform;
	struct buffer text;
	uint64_t offset, room;
};

struct vhd_child {
	struct buffer name; /* of the parent's file, UTF-16, little endian */
	struct locator_text locator[LOCATORS];
	uint8_t bitmap[VHD_SECTOR]; /* of the block that is being filled */
};

/*
 * The absolute path on the Windows host to be is not known, and that on this one is nobody's
 * business: W2ku has the relative one too, as blktap and Xen Orchestra write it, for readers that
 * look only there.
 */
static int child_fill(struct vhd_child *c, const struct parent_spec *p, struct error *e)
{
	int rc = windows_name_make(p->relative, &c->name, e);

	c->locator[0].platform = "W2ku";
	c->locator[1].platform = "W2ru";
	c->locator[2].platform = "MacX";
	for (size_t i = 0; i < 2 && !rc; i++)
		rc = windows_path_make(p->relative, &c->locator[i].text, e);
	if (!rc)
		rc = file_url_make(p->relative, &c->locator[2].text, e);
	if (!rc && c->name.len > VHD_PARENT_NAME_UNITS * sizeof(be16))
		rc = error_set(e, ERR_USAGE, "the parent's name has %zu characters, at most %u",
			c->name.len / sizeof(be16), (unsigned)VHD_PARENT_NAME_UNITS);
	return rc;
}

int vhd_child_open(const struct parent_spec *parent, struct vhd_child **out, struct error *e)
{
	struct vhd_child *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return error_nomem(e, "a child");
	rc = child_fill(c, parent, e);
	if (rc)
		vhd_child_free(c);
	else
		*out = c;
	return rc;
}

void vhd_child_free(struct vhd_child *c)
{
	if (!c)
		return;
	buffer_free(&c->name);
	for (size_t i = 0; i < LOCATORS; i++)
		buffer_free(&c->locator[i].text);
	free(c);
}

uint64_t vhd_child_place_locators(struct vhd_child *c, uint64_t off)
{
	for (size_t i = 0; i < LOCATORS; i++) {
		struct locator_text *l = &c->locator[i];

		l->offset = round_up(off, LOCATOR_ROOM);
		l->room = round_up(l->text.len, LOCATOR_ROOM);
		off = l->offset + l->room;
	}
	return off;
}

/* The room is counted in bytes, as Windows and blktap do, and not in sectors. */
static int locator_write(struct vhd_writer *v, const struct locator_text *l,
	struct vhd_locator *out, struct error *e)
{
	uint8_t *room = calloc(1, l->room);
	int rc;

	if (!room)
		return error_nomem(e, "the parent's path");
	memcpy(room, l->text.data, l->text.len);
	rc = output_write(v->file, l->offset, room, l->room, e);
	free(room);
	memcpy(out->platform, l->platform, sizeof(out->platform));
	out->space = put_be32((uint32_t)l->room);
	out->length = put_be32((uint32_t)l->text.len);
	out->offset = put_be64(l->offset);
	return rc;
}

/* Between the header and the first locator. */
static int gap_clear(struct vhd_writer *v, struct error *e)
{
	static const uint8_t zeros[LOCATOR_ROOM];
	uint64_t from = v->image.header_offset + sizeof(struct vhd_header);

	if (v->fresh)
		return 0;
	return output_write(v->file, from, zeros, (size_t)(v->child->locator[0].offset - from), e);
}

int vhd_child_header(struct vhd_writer *v, struct vhd_header *h, struct error *e)
{
	struct vhd_child *c = v->child;
	int rc = gap_clear(v, e);

	vhd_id_put(h->parent_id, v->image.parent_id);
	for (size_t i = 0; i < c->name.len / 2; i++)
		h->parent_name[i] = (be16){ { c->name.data[2 * i + 1], c->name.data[2 * i] } };
	for (size_t i = 0; i < LOCATORS && !rc; i++)
		rc = locator_write(v, &c->locator[i], &h->locator[i], e);
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
