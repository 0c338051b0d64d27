/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a differencing VHDX has beside what a dynamic one has: the parent locator, blocks of which
 * only some sectors are there, and the sector bitmaps that tell which (2.4, 2.5.1).
 *
 * A block gets its place with its first byte that is not zero, and its state when it is left; the
 * sector bitmap of a chunk follows the chunk's blocks.  What is written are whole bytes of a
 * bitmap, eight sectors: so readers that take the rest of such a byte along (libvhdi does) get what
 * is right.
 */
#include "formats/vhdx_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"

enum {
	BITMAP_SIZE = VHDX_CHUNK_SECTORS / 8, /* a MiB */
	BITMAP_PART = 64 << 10, /* of a bitmap that is left as a hole when it is zero */
};

struct vhdx_child {
	struct buffer locator;
	/* The block that is being filled; UINT64_MAX: none. */
	uint64_t block;
	uint64_t place; /* 0: none yet */
	uint64_t sectors; /* of it that are the child's own */
	uint64_t zeros; /* bytes of it that are known to be zero for the guest */
	/* The chunk of that block. */
	bool partial; /* it needs its bitmap */
	uint8_t bitmap[BITMAP_SIZE];
};

static int locator_plan(const struct image_spec *spec, const struct vhdx_image *image,
	struct buffer *out, struct error *e)
{
	const struct buffer *kept = spec->like ? vhdx_locator(spec->like) : NULL;

	if (kept)
		return buffer_append(out, kept->data, kept->len, e);
	return vhdx_locator_make(image->parent_id, spec->parent->relative, out, e);
}

int vhdx_child_open(const struct image_spec *spec, const struct vhdx_image *image,
	struct vhdx_child **out, struct error *e)
{
	struct vhdx_child *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return error_nomem(e, "a child");
	c->block = UINT64_MAX;
	rc = locator_plan(spec, image, &c->locator, e);
	if (rc)
		vhdx_child_free(c);
	else
		*out = c;
	return rc;
}

void vhdx_child_free(struct vhdx_child *c)
{
	if (c)
		buffer_free(&c->locator);
	free(c);
}

const struct buffer *vhdx_child_locator(const struct vhdx_child *c)
{
	return c ? &c->locator : NULL;
}

/* Whether any of `len` bytes at `at` differs from the parent. */
static bool is_changed(const struct block *b, size_t at, size_t len)
{
	size_t end = div_up(at + len, CHANGE_SIZE);

	for (size_t bit = at / CHANGE_SIZE; bit < end; bit++)
		if (b->changed[bit / 8] >> bit % 8 & 1)
			return true;
	return false;
}

/* Pages of eight sectors that hold a change.  Zeros need not be written: what is not written reads
 * as zeros. */
static int child_encode(const struct writer *w, struct block *b, struct error *e)
{
	size_t page = 8 * (size_t)((const struct vhdx_writer *)w)->image.logical_sector;
	struct piece *last = NULL;

	(void)e;
	b->pieces = 0;
	for (size_t at = 0; at < b->len; at += page) {
		size_t len = (size_t)min_u64(page, b->len - at);

		if (!is_changed(b, at, len) || bytes_are_zero(b->data + at, len)) {
			last = NULL;
			continue;
		}
		if (!last) {
			last = &b->piece[b->pieces++];
			*last = (struct piece){ .bytes = b->data + at };
		}
		last->len += len;
	}
	return 0;
}

static void block_allocate(struct vhdx_writer *v)
{
	v->child->place = v->next;
	v->next += v->image.block_size;
}

/* Of the block in the chunk's bitmap. */
static uint64_t first_bit(const struct vhdx_writer *v)
{
	return v->child->block % v->image.chunk_ratio *
		(v->image.block_size / v->image.logical_sector);
}

/* The state of the block that is done.  ZERO is zeros over whatever the parent has. */
static int block_leave(struct vhdx_writer *v, struct error *e)
{
	const struct vhdx_image *m = &v->image;
	struct vhdx_child *c = v->child;
	enum vhdx_state state;
	uint64_t length, entry;

	if (c->block == UINT64_MAX)
		return 0;
	length = min_u64(m->block_size, m->size - c->block * m->block_size);
	if (c->zeros == length) {
		state = VHDX_ZERO;
		memset(c->bitmap + first_bit(v) / 8, 0, m->block_size / m->logical_sector / 8);
	} else {
		state = c->sectors == length / m->logical_sector ? VHDX_FULLY_PRESENT
								 : VHDX_PARTIALLY_PRESENT;
		if (!c->place)
			block_allocate(v);
	}
	c->partial = c->partial || state == VHDX_PARTIALLY_PRESENT;
	entry = c->place | state;
	c->place = c->sectors = c->zeros = 0;
	return vhdx_bat_set(v, vhdx_bat_index(c->block, m->chunk_ratio), entry, e);
}

static int bitmap_write(struct vhdx_writer *v, uint64_t off, struct error *e)
{
	const uint8_t *bitmap = v->child->bitmap;
	int rc = vhdx_payload_clear(v, off, e);

	for (size_t at = 0; at < BITMAP_SIZE && !rc; at += BITMAP_PART)
		if (!v->fresh || !bytes_are_zero(bitmap + at, BITMAP_PART))
			rc = output_write(v->file, off + at, bitmap + at, BITMAP_PART, e);
	v->filled = off + BITMAP_SIZE;
	return rc;
}

/* Only after block_leave. */
static int chunk_leave(struct vhdx_writer *v, struct error *e)
{
	uint64_t ratio = v->image.chunk_ratio, chunk = v->child->block / ratio, off = v->next;
	int rc = 0;

	if (v->child->partial) {
		v->next += BITMAP_SIZE;
		rc = bitmap_write(v, off, e);
		if (!rc)
			rc = vhdx_bat_set(
				v, chunk * (ratio + 1) + ratio, off | VHDX_FULLY_PRESENT, e);
	}
	v->child->partial = false;
	memset(v->child->bitmap, 0, BITMAP_SIZE);
	return rc;
}

static int block_enter(struct vhdx_writer *v, uint64_t block, struct error *e)
{
	uint64_t ratio = v->image.chunk_ratio;
	struct vhdx_child *c = v->child;
	int rc = 0;

	if (block == c->block)
		return 0;
	rc = block_leave(v, e);
	if (!rc && c->block != UINT64_MAX && c->block / ratio != block / ratio)
		rc = chunk_leave(v, e);
	c->block = block;
	return rc;
}

static void sectors_note(struct vhdx_writer *v, const struct block *b)
{
	uint32_t sector = v->image.logical_sector;
	uint64_t bit = first_bit(v) + b->off % v->image.block_size / sector;
	struct vhdx_child *c = v->child;

	for (size_t at = 0; at < b->len; at += sector, bit++) {
		if (!is_changed(b, at, sector))
			continue;
		c->bitmap[bit / 8] |= (uint8_t)(1 << bit % 8);
		c->sectors++;
	}
	/* Pieces are changed and not zero, which is not to say that the rest is zero. */
	if (!b->pieces && bytes_are_zero(b->data, b->len))
		c->zeros += b->len;
}

static int child_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhdx_writer *v = vhdx_writer_of(w);
	int rc = vhdx_range_check(v, b, e);

	if (!rc)
		rc = block_enter(v, b->off / v->image.block_size, e);
	if (rc)
		return rc;
	sectors_note(v, b);
	if (b->pieces && !v->child->place)
		block_allocate(v);
	for (size_t i = 0; i < b->pieces && !rc; i++) {
		struct piece *p = &b->piece[i];
		uint64_t off = b->off + (uint64_t)(p->bytes - b->data);

		p->file_off = v->child->place + off % v->image.block_size;
		rc = vhdx_payload_clear(v, p->file_off, e);
		v->filled = p->file_off + p->len;
	}
	return rc;
}

static int child_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhdx_writer *v = vhdx_writer_of(w);
	int rc = block_leave(v, e);

	if (!rc)
		rc = chunk_leave(v, e);
	return rc ? rc : vhdx_tables_finish(w, c, e);
}

const struct writer_ops vhdx_child_ops = {
	.encode = child_encode,
	.place = child_place,
	.finish = child_finish,
	.close = vhdx_writer_close,
};
