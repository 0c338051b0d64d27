/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes dynamic VHD: the footer's copy, header, BAT, blocks in the order of the guest's offsets,
 * footer.  And fixed VHD: the guest's bytes, footer.
 *
 * Each block is its sector bitmap and its data.  Blocks are placed so that the data starts on a
 * multiple of 4 KiB, where the guest's own blocks do; the bitmap is the sector before it.
 */
#include "formats/vhd_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

int vhd_clear_to(struct vhd_writer *v, uint64_t off, struct error *e)
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
	v->window += VHD_WINDOW_ENTRIES;
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
	while (block >= v->window + VHD_WINDOW_ENTRIES && !rc)
		rc = window_write(v, e);
	v->entry[block - v->window] = put_be32((uint32_t)sector);
	return rc;
}

int vhd_block_allocate(struct vhd_writer *v, uint64_t block, struct error *e)
{
	uint64_t bitmap_off = v->next - v->image.bitmap_size;
	int rc = table_set(v, block, bitmap_off, e);

	if (!rc)
		rc = vhd_clear_to(v, bitmap_off, e);
	v->block = block;
	v->block_data = v->next;
	v->filled = v->next;
	v->next += v->stride;
	return rc;
}

/* With a bitmap that says that all of its sectors are there, as Hyper-V and qemu do: what is not
 * written reads as zeros all the same. */
static int full_allocate(struct vhd_writer *v, uint64_t block, struct error *e)
{
	uint8_t bitmap[VHD_SECTOR];
	int rc = vhd_block_allocate(v, block, e);

	if (v->batmap)
		vhd_batmap_set(v->batmap, block);
	memset(bitmap, 0xff, sizeof(bitmap));
	return rc
		? rc
		: output_write(v->file, v->block_data - sizeof(bitmap), bitmap, sizeof(bitmap), e);
}

int vhd_piece_place(struct vhd_writer *v, uint64_t off, struct piece *p, struct error *e)
{
	int rc;

	p->file_off = v->block_data + off % v->image.block_size;
	rc = vhd_clear_to(v, p->file_off, e);
	v->filled = p->file_off + p->len;
	return rc;
}

int vhd_range_check(const struct vhd_writer *v, const struct block *b, struct error *e)
{
	if (range_fits(b->off, b->len, v->image.size))
		return 0;
	return error_set(e, ERR_RANGE,
		"%zu bytes at %" PRIu64 " reach past the end of the disk at %" PRIu64, b->len,
		b->off, v->image.size);
}

static int dynamic_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhd_writer *v = vhd_writer_of(w);
	int rc = vhd_range_check(v, b, e);

	for (size_t i = 0; i < b->pieces && !rc; i++) {
		struct piece *p = &b->piece[i];
		uint64_t off = b->off + (uint64_t)(p->bytes - b->data);

		if (off / v->image.block_size != v->block)
			rc = full_allocate(v, off / v->image.block_size, e);
		if (!rc)
			rc = vhd_piece_place(v, off, p, e);
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
	struct seed {
		uint8_t content[FAST_DIGEST_SIZE];
		be64 size;
		be32 type, block_size;
		uint8_t parent[16]; /* of a child only */
	} seed = {
		.size = put_be64(v->image.size),
		.type = put_be32(v->image.type),
		.block_size = put_be32(v->image.block_size),
	};
	bool child = v->image.type == VHD_DIFFERENCING;
	size_t len = child ? sizeof(seed) : offsetof(struct seed, parent);
	uint8_t digest[FAST_DIGEST_SIZE];

	if (v->has_identifier)
		return;
	memcpy(seed.content, c->digest, sizeof(seed.content));
	vhd_id_put(seed.parent, v->image.parent_id);
	fast_digest(&seed, len, digest);
	v->image.id = guid_derive(digest, v->image.blktap ? "vhd blktap" : "vhd");
}

static int footer_write(struct vhd_writer *v, uint64_t off, struct error *e)
{
	struct vhd_footer f;

	vhd_footer_make(&v->image, &f);
	return output_write(v->file, off, &f, sizeof(f), e);
}

static int fixed_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhd_writer *v = vhd_writer_of(w);
	int rc = vhd_range_check(v, b, e);

	if (!rc)
		rc = vhd_clear_to(v, b->off, e);
	v->filled = b->off + b->len;
	b->piece->file_off = b->off;
	return rc;
}

static int fixed_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhd_writer *v = vhd_writer_of(w);
	int rc = vhd_clear_to(v, v->image.size, e);

	identifier_derive(v, c);
	w->file_size = v->image.size + sizeof(struct vhd_footer);
	return rc ? rc : footer_write(v, v->image.size, e);
}

/* Where there is no block. */
static uint64_t tables_end(const struct vhd_writer *v)
{
	return v->batmap ? vhd_batmap_end(v->batmap)
			 : v->image.table_offset + table_length(&v->image);
}

int vhd_tables_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhd_writer *v = vhd_writer_of(w);
	const struct vhd_image *m = &v->image;
	struct vhd_header h;
	uint64_t end = v->block == UINT64_MAX ? tables_end(v) : v->block_data + m->block_size;
	int rc = vhd_clear_to(v, end, e);

	while (v->window < m->entries && !rc)
		rc = window_write(v, e);
	if (v->batmap && !rc)
		rc = vhd_batmap_write(v->batmap, v->file, e);
	vhd_header_make(m, &h);
	if (v->child)
		rc = rc ? rc : vhd_child_header(v, &h, e);
	if (!rc)
		rc = output_write(v->file, m->header_offset, &h, sizeof(h), e);
	identifier_derive(v, c);
	if (!rc)
		rc = footer_write(v, 0, e);
	w->file_size = end + sizeof(struct vhd_footer);
	return rc ? rc : footer_write(v, end, e);
}

void vhd_writer_close(struct writer *w)
{
	vhd_child_free(vhd_writer_of(w)->child);
	vhd_batmap_free(vhd_writer_of(w)->batmap);
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
	.finish = vhd_tables_finish,
	.close = vhd_writer_close,
};

static int dynamic_plan(struct vhd_writer *v, struct error *e)
{
	struct vhd_image *m = &v->image;

	int rc = 0;

	m->header_offset = sizeof(struct vhd_footer);
	m->table_offset = m->header_offset + sizeof(struct vhd_header);
	if (v->child)
		m->table_offset = vhd_child_place_reference(v->child, m->table_offset);
	if (m->blktap)
		rc = vhd_batmap_open(m->table_offset + table_length(m), m->entries, &v->batmap, e);
	v->filled = tables_end(v);
	v->next = round_up(v->filled + m->bitmap_size, VHD_ALIGNMENT);
	v->stride = round_up(m->bitmap_size + m->block_size, VHD_ALIGNMENT);
	memset(v->entry, 0xff, sizeof(v->entry));
	v->writer.ops = v->child ? &vhd_child_ops : &dynamic_ops;
	v->writer.blind = !v->child;
	v->writer.pieces_max = v->child ? VHD_CHILD_PIECES : div_up(UNIT_SIZE, m->block_size);
	return rc;
}

int vhd_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct vhd_writer *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VHD");
	rc = vhd_plan(spec, &v->image, e);
	if (!rc && spec->parent)
		rc = vhd_child_open(spec, &v->child, e);
	if (rc) {
		vhd_writer_close(&v->writer);
		return rc;
	}
	v->file = file;
	v->fresh = output_is_fresh(file);
	v->has_identifier = spec->has_identifier;
	v->block = UINT64_MAX;
	v->writer.ops = &fixed_ops;
	v->writer.unit = UNIT_SIZE;
	if (v->image.type != VHD_FIXED)
		rc = dynamic_plan(v, e);
	else
		rc = output_check_room(file, spec->size + sizeof(struct vhd_footer), e);
	if (rc) {
		vhd_writer_close(&v->writer);
		return rc;
	}
	*out = &v->writer;
	return 0;
}
