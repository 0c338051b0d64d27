/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes dynamic VHD: the footer's copy, header, BAT, blocks in the order of the guest's offsets,
 * footer.  And fixed VHD: the guest's bytes, footer.
 *
 * Each block is its sector bitmap and its data.  Blocks are placed so that the data starts on a
 * multiple of 4 KiB, where the guest's own blocks do; the bitmap is the sector before it.
 */
#include "formats/vhd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum {
	ALIGNMENT = 4096,
	WINDOW_ENTRIES = 16384, /* 64 KiB of the BAT */
};

struct vhd_writer {
	struct writer writer;
	struct output *file; /* not owned */
	struct vhd_image image;
	bool has_identifier; /* image.id was given */
	bool fresh; /* unwritten bytes of the file read as zeros */
	uint64_t stride; /* bytes from one block to the next */
	uint64_t next; /* file offset of the next block's data */
	uint64_t filled; /* up to here everything is placed or cleared */
	uint64_t block; /* the last one that got a place; UINT64_MAX: none yet */
	uint64_t block_data; /* the place of its data */
	/* The part of the BAT being filled: entries come in rising order. */
	uint64_t window; /* index of its first entry */
	be32 entry[WINDOW_ENTRIES];
};

static struct vhd_writer *writer_of(struct writer *w)
{
	return (struct vhd_writer *)w;
}

/* Makes what lies between what is filled and `off` read as zeros. */
static int clear_to(struct vhd_writer *v, uint64_t off, struct error *e)
{
	static const uint8_t zeros[65536];
	int rc = 0;

	while (!v->fresh && v->filled < off && !rc) {
		size_t len = (size_t)min_u64(sizeof(zeros), off - v->filled);

		rc = output_write(v->file, v->filled, zeros, len, e);
		v->filled += len;
	}
	v->filled = max_u64(v->filled, off);
	return rc;
}

/* Bytes of the BAT in the file, which has whole sectors. */
static uint64_t table_length(const struct vhd_image *m)
{
	return round_up((uint64_t)m->entries * sizeof(be32), VHD_SECTOR);
}

/* An entry that is not set must be written too: zero would be a place. */
static int window_write(struct vhd_writer *v, struct error *e)
{
	uint64_t at = v->window * sizeof(be32);
	size_t len = (size_t)min_u64(sizeof(v->entry), table_length(&v->image) - at);
	int rc = output_write(v->file, v->image.table_offset + at, v->entry, len, e);

	memset(v->entry, 0xff, sizeof(v->entry));
	v->window += WINDOW_ENTRIES;
	return rc;
}

static int table_set(struct vhd_writer *v, uint64_t block, uint64_t off, struct error *e)
{
	uint64_t sector = off / VHD_SECTOR;
	int rc = 0;

	/* Entries are 32 bits wide; the gaps between small blocks can take the last of them. */
	if (sector >= VHD_ABSENT)
		return error_set(e, ERR_RANGE,
			"the VHD would grow past 2 TiB: use block_size=2M, or VHDX (-O vhdx)");
	while (block >= v->window + WINDOW_ENTRIES && !rc)
		rc = window_write(v, e);
	v->entry[block - v->window] = put_be32((uint32_t)sector);
	return rc;
}

/*
 * Gives `block` the next place, and a bitmap that says that all of its sectors are there, as
 * Hyper-V and qemu do: what is not written reads as zeros all the same.
 */
static int block_allocate(struct vhd_writer *v, uint64_t block, struct error *e)
{
	uint64_t bitmap_off = v->next - v->image.bitmap_size;
	uint8_t bitmap[VHD_SECTOR];
	int rc = table_set(v, block, bitmap_off, e);

	memset(bitmap, 0xff, sizeof(bitmap));
	if (!rc)
		rc = clear_to(v, bitmap_off, e);
	if (!rc)
		rc = output_write(v->file, bitmap_off, bitmap, sizeof(bitmap), e);
	v->block = block;
	v->block_data = v->next;
	v->filled = v->next;
	v->next += v->stride;
	return rc;
}

static int piece_place(struct vhd_writer *v, uint64_t off, struct piece *p, struct error *e)
{
	uint64_t block = off / v->image.block_size;
	int rc = block == v->block ? 0 : block_allocate(v, block, e);

	if (rc)
		return rc;
	p->file_off = v->block_data + off % v->image.block_size;
	rc = clear_to(v, p->file_off, e);
	v->filled = p->file_off + p->len;
	return rc;
}

static int range_check(const struct vhd_writer *v, const struct block *b, struct error *e)
{
	if (range_fits(b->off, b->len, v->image.size))
		return 0;
	return error_set(e, ERR_RANGE,
		"%zu bytes at %" PRIu64 " reach past the end of the disk at %" PRIu64, b->len,
		b->off, v->image.size);
}

static int dynamic_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhd_writer *v = writer_of(w);
	int rc = range_check(v, b, e);

	for (size_t i = 0; i < b->pieces && !rc; i++) {
		struct piece *p = &b->piece[i];

		rc = piece_place(v, b->off + (uint64_t)(p->bytes - b->data), p, e);
	}
	return rc;
}

/* Blocks that are smaller than the unit lie apart, and those that are all zero get no place. */
static int dynamic_encode(const struct writer *w, struct block *b, struct error *e)
{
	const struct vhd_writer *v = (const struct vhd_writer *)w;
	size_t size = v->image.block_size;

	(void)e;
	if (size >= UNIT_SIZE)
		return 0;
	b->pieces = 0;
	for (size_t at = 0; at < b->len; at += size) {
		size_t len = (size_t)min_u64(size, b->len - at);

		if (block_has_data(w, b, at, len))
			b->piece[b->pieces++] = (struct piece){ .bytes = b->data + at, .len = len };
	}
	return 0;
}

/* The identifier follows from the content and from what was asked for. */
static void identifier_derive(struct vhd_writer *v, const struct content_summary *c)
{
	struct {
		uint8_t content[FAST_DIGEST_SIZE];
		be64 size;
		be32 type, block_size;
	} seed = {
		.size = put_be64(v->image.size),
		.type = put_be32(v->image.type),
		.block_size = put_be32(v->image.block_size),
	};
	uint8_t digest[FAST_DIGEST_SIZE];

	if (v->has_identifier)
		return;
	memcpy(seed.content, c->digest, sizeof(seed.content));
	fast_digest(&seed, sizeof(seed), digest);
	v->image.id = guid_derive(digest, "vhd");
}

static int footer_write(struct vhd_writer *v, uint64_t off, struct error *e)
{
	struct vhd_footer f;

	vhd_footer_make(&v->image, &f);
	return output_write(v->file, off, &f, sizeof(f), e);
}

static int fixed_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhd_writer *v = writer_of(w);
	int rc = range_check(v, b, e);

	if (!rc)
		rc = clear_to(v, b->off, e);
	v->filled = b->off + b->len;
	b->piece->file_off = b->off;
	return rc;
}

static int fixed_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhd_writer *v = writer_of(w);
	int rc = clear_to(v, v->image.size, e);

	identifier_derive(v, c);
	w->file_size = v->image.size + sizeof(struct vhd_footer);
	return rc ? rc : footer_write(v, v->image.size, e);
}

static int dynamic_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhd_writer *v = writer_of(w);
	const struct vhd_image *m = &v->image;
	struct vhd_header h;
	/* Of the last block's data, and where there is no block of the table. */
	uint64_t end = v->block == UINT64_MAX ? m->table_offset + table_length(m)
					      : v->block_data + m->block_size;
	int rc = clear_to(v, end, e);

	while (v->window < m->entries && !rc)
		rc = window_write(v, e);
	vhd_header_make(m, &h);
	if (!rc)
		rc = output_write(v->file, m->header_offset, &h, sizeof(h), e);
	identifier_derive(v, c);
	if (!rc)
		rc = footer_write(v, 0, e);
	w->file_size = end + sizeof(struct vhd_footer);
	return rc ? rc : footer_write(v, end, e);
}

static void vhd_writer_close(struct writer *w)
{
	free(w);
}

static const struct writer_ops fixed_ops = {
	.place = fixed_place,
	.finish = fixed_finish,
	.close = vhd_writer_close,
};

static const struct writer_ops dynamic_ops = {
	.encode = dynamic_encode,
	.place = dynamic_place,
	.finish = dynamic_finish,
	.close = vhd_writer_close,
};

static void dynamic_plan(struct vhd_writer *v)
{
	struct vhd_image *m = &v->image;

	m->header_offset = sizeof(struct vhd_footer);
	m->table_offset = m->header_offset + sizeof(struct vhd_header);
	v->filled = m->table_offset + table_length(m);
	v->next = round_up(v->filled + m->bitmap_size, ALIGNMENT);
	v->stride = round_up(m->bitmap_size + m->block_size, ALIGNMENT);
	memset(v->entry, 0xff, sizeof(v->entry));
	v->writer.ops = &dynamic_ops;
	v->writer.blind = true;
	v->writer.pieces_max = div_up(UNIT_SIZE, m->block_size);
}

int vhd_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct vhd_writer *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VHD");
	rc = vhd_plan(spec, &v->image, e);
	if (rc) {
		free(v);
		return rc;
	}
	v->file = file;
	v->fresh = output_is_fresh(file);
	v->has_identifier = spec->has_identifier;
	v->block = UINT64_MAX;
	v->writer.ops = &fixed_ops;
	v->writer.unit = UNIT_SIZE;
	if (v->image.type == VHD_DYNAMIC)
		dynamic_plan(v);
	*out = &v->writer;
	return 0;
}
