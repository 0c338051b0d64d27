/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes dynamic and fixed VHDX: header section, log, metadata, BAT, then the payload blocks in the
 * order of the guest's offsets.
 */
#include "formats/vhdx_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

static int clear(struct output *file, struct vhdx_range r, struct error *e)
{
	static const uint8_t zeros[65536];
	uint64_t end = r.offset + r.length;
	int rc = 0;

	for (uint64_t off = r.offset; off < end && !rc; off += sizeof(zeros))
		rc = output_write(file, off, zeros, (size_t)min_u64(sizeof(zeros), end - off), e);
	return rc;
}

int vhdx_payload_clear(struct vhdx_writer *v, uint64_t off, struct error *e)
{
	int rc = 0;

	if (off > v->filled && !v->fresh)
		rc = clear(v->file, (struct vhdx_range){ v->filled, off - v->filled }, e);
	v->filled = max_u64(v->filled, off);
	return rc;
}

static int window_write(struct vhdx_writer *v, struct error *e)
{
	uint64_t off = v->image.bat.offset + v->window * sizeof(le64);
	int rc = 0;

	if (v->window_used || !v->fresh)
		rc = output_write(v->file, off, v->entry, sizeof(v->entry), e);
	if (v->window_used)
		memset(v->entry, 0, sizeof(v->entry));
	v->window_used = false;
	return rc;
}

/* Moves the window to the part that holds entry `index`; on the way everything is written once. */
static int window_move(struct vhdx_writer *v, uint64_t index, struct error *e)
{
	uint64_t target = index - index % VHDX_WINDOW_ENTRIES;

	while (v->window < target) {
		int rc = window_write(v, e);

		if (rc)
			return rc;
		v->window = v->fresh ? target : v->window + VHDX_WINDOW_ENTRIES;
	}
	return 0;
}

int vhdx_bat_set(struct vhdx_writer *v, uint64_t index, uint64_t entry, struct error *e)
{
	int rc = window_move(v, index, e);

	if (rc)
		return rc;
	v->entry[index % VHDX_WINDOW_ENTRIES] = put_le64(entry);
	v->window_used = true;
	return 0;
}

static int present_set(struct vhdx_writer *v, uint64_t block, uint64_t off, struct error *e)
{
	return vhdx_bat_set(
		v, vhdx_bat_index(block, v->image.chunk_ratio), off | VHDX_FULLY_PRESENT, e);
}

static int block_allocate(struct vhdx_writer *v, uint64_t block, struct error *e)
{
	uint64_t off = v->image.fixed ? v->payload + block * v->image.block_size : v->next;
	int rc = v->image.fixed ? 0 : present_set(v, block, off, e);

	if (rc)
		return rc;
	v->block = block;
	v->block_offset = off;
	v->next = off + v->image.block_size;
	return 0;
}

int vhdx_range_check(const struct vhdx_writer *v, const struct block *b, struct error *e)
{
	if (range_fits(b->off, b->len, v->image.size))
		return 0;
	return error_set(e, ERR_RANGE,
		"%zu bytes at %" PRIu64 " reach past the end of the disk at %" PRIu64, b->len,
		b->off, v->image.size);
}

static int vhdx_place(struct writer *w, struct block *b, struct error *e)
{
	struct vhdx_writer *v = vhdx_writer_of(w);
	uint64_t block = b->off / v->image.block_size;
	int rc = vhdx_range_check(v, b, e);

	if (rc)
		return rc;
	if (block != v->block)
		rc = block_allocate(v, block, e);
	b->piece->file_off = v->block_offset + b->off % v->image.block_size;
	if (!rc)
		rc = vhdx_payload_clear(v, b->piece->file_off, e);
	v->filled = b->piece->file_off + b->len;
	return rc;
}

/* Every identifier follows from the content and from what was asked for. */
static void identifiers_derive(struct vhdx_writer *v, const struct content_summary *c)
{
	struct vhdx_image *m = &v->image;
	struct seed {
		uint8_t content[FAST_DIGEST_SIZE];
		le64 size, log_length;
		le32 block_size, logical_sector, physical_sector, fixed;
		struct guid parent; /* of a child only */
	} seed = {
		.size = put_le64(m->size),
		.log_length = put_le64(m->log.length),
		.block_size = put_le32(m->block_size),
		.logical_sector = put_le32(m->logical_sector),
		.physical_sector = put_le32(m->physical_sector),
		.fixed = put_le32(m->fixed),
		.parent = m->parent_id,
	};
	size_t len = m->has_parent ? sizeof(seed) : offsetof(struct seed, parent);
	uint8_t digest[FAST_DIGEST_SIZE];

	memcpy(seed.content, c->digest, sizeof(seed.content));
	fast_digest(&seed, len, digest);
	m->file_write = guid_derive(digest, "vhdx file write");
	/* Zero: none was asked for. */
	if (guid_equal(m->data_write, (struct guid){ { 0 } }))
		m->data_write = guid_derive(digest, "vhdx data write");
	if (!v->has_identifier)
		m->disk_id = guid_derive(digest, "vhdx virtual disk");
}

static int bat_finish(struct vhdx_writer *v, struct error *e)
{
	uint64_t blocks = vhdx_block_count(v->image.size, v->image.block_size);
	uint64_t end = v->image.bat.length / sizeof(le64);
	int rc = 0;

	for (uint64_t i = 0; v->image.fixed && i < blocks && !rc; i++)
		rc = present_set(v, i, v->payload + i * v->image.block_size, e);
	if (!rc && !v->fresh)
		rc = window_move(v, end - 1, e);
	return rc ? rc : window_write(v, e);
}

/* What lies in front of the payload and is not written in full: on a device it has to be cleared.
 */
static int front_clear(struct vhdx_writer *v, struct error *e)
{
	int rc = clear(v->file, (struct vhdx_range){ 0, VHDX_MIB }, e);

	if (!rc)
		rc = clear(v->file, v->image.log, e);
	return rc ? rc : clear(v->file, v->image.metadata, e);
}

int vhdx_tables_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vhdx_writer *v = vhdx_writer_of(w);
	uint64_t blocks = vhdx_block_count(v->image.size, v->image.block_size);
	uint64_t end = v->image.fixed ? v->payload + blocks * v->image.block_size : v->next;
	int rc = vhdx_payload_clear(v, end, e);

	if (!rc)
		rc = bat_finish(v, e);
	if (!rc && !v->fresh)
		rc = front_clear(v, e);
	if (rc)
		return rc;
	identifiers_derive(v, c);
	w->file_size = end;
	return vhdx_write_head(v->file, &v->image, vhdx_child_locator(v->child), e);
}

void vhdx_writer_close(struct writer *w)
{
	vhdx_child_free(vhdx_writer_of(w)->child);
	free(w);
}

static const struct writer_ops vhdx_writer_ops = {
	.place = vhdx_place,
	.finish = vhdx_tables_finish,
	.close = vhdx_writer_close,
};

/* Behind the header section: log, metadata, BAT, as Hyper-V does it. */
static void layout_plan(struct vhdx_writer *v)
{
	struct vhdx_image *m = &v->image;
	uint64_t entries;

	m->chunk_ratio = (uint32_t)((uint64_t)VHDX_CHUNK_SECTORS * m->logical_sector /
		m->block_size);
	entries = vhdx_bat_entries(m);
	m->log.offset = VHDX_MIB;
	m->metadata = (struct vhdx_range){ m->log.offset + m->log.length, VHDX_MIB };
	m->bat.offset = m->metadata.offset + m->metadata.length;
	m->bat.length = round_up(entries * sizeof(le64), VHDX_MIB);
	v->payload = m->bat.offset + m->bat.length;
}

int vhdx_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct vhdx_writer *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VHDX");
	rc = vhdx_plan(spec, &v->image, e);
	if (!rc && spec->parent)
		rc = vhdx_child_open(spec, &v->image, &v->child, e);
	if (rc) {
		free(v);
		return rc;
	}
	layout_plan(v);
	v->writer.ops = v->child ? &vhdx_child_ops : &vhdx_writer_ops;
	v->writer.pieces_max = v->child ? VHDX_CHILD_PIECES : 1;
	v->writer.unit = UNIT_SIZE;
	v->file = file;
	v->fresh = output_is_fresh(file);
	v->has_identifier = spec->has_identifier;
	v->next = v->payload;
	v->filled = v->payload;
	v->block = UINT64_MAX;
	*out = &v->writer;
	return 0;
}
