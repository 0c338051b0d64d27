/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes streamOptimized VMDK, as it goes into an OVA: header, descriptor, compressed grains in the
 * order of the guest's offsets, each table of grains after the last of them, the directory of
 * tables, the header once more as footer.  All but the first has a marker in front, so that a
 * reader can also take the file as a stream.
 *
 * A stream's writer can't know where the directory will be and puts all ones into the header.  This
 * one can go back, and does: OpenStack's format inspector refuses an image for which the footer is
 * needed, and who follows the header finds the same directory.
 */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vmdk.h"

enum {
	GRAINS = UNIT_SIZE / VMDK_GRAIN,
	LEVEL_FAST = 1,
	LEVEL_BEST = 7, /* 10 gains three percent in five times the time */
};

/* Bytes of the guest that a table describes. */
#define TABLE_SPAN ((uint64_t)VMDK_PER_TABLE * VMDK_GRAIN)

/* A grain's marker; its data follows at once. */
struct grain_marker {
	le64 sector; /* +0x00 of the guest */
	le32 size; /* +0x08 bytes of compressed data */
};
_Static_assert(sizeof(struct grain_marker) == 12, "VMDK grain marker");

struct table {
	struct vmdk_marker marker;
	le32 entry[VMDK_PER_TABLE];
};
_Static_assert(sizeof(struct table) == 5 * VMDK_SECTOR, "VMDK grain table and its marker");

struct vmdk_writer {
	struct writer writer;
	struct output *file; /* not owned */
	struct vmdk_plan plan;
	uint64_t next; /* file offset of what is placed next */
	uint64_t number; /* of the table being filled; UINT64_MAX: none */
	struct table table;
	le32 *directory; /* whole sectors */
	size_t directory_size; /* bytes */
};

static struct vmdk_writer *writer_of(struct writer *w)
{
	return (struct vmdk_writer *)w;
}

/* Bytes of a grain that cannot be compressed. */
static size_t grain_room(void)
{
	size_t bound = libdeflate_zlib_compress_bound(NULL, VMDK_GRAIN);

	return (size_t)round_up(sizeof(struct grain_marker) + bound, VMDK_SECTOR);
}

/* Writes marker, data ("zlib stream", RFC 1950) and padding to `out`; the whole length. */
static size_t grain_encode(
	struct libdeflate_compressor *c, const uint8_t *data, uint64_t sector, uint8_t *out)
{
	struct grain_marker m = { .sector = put_le64(sector) };
	size_t len = libdeflate_zlib_compress(
		c, data, VMDK_GRAIN, out + sizeof(m), grain_room() - sizeof(m));
	size_t padded = (size_t)round_up(sizeof(m) + len, VMDK_SECTOR);

	m.size = put_le32((uint32_t)len);
	memcpy(out, &m, sizeof(m));
	memset(out + sizeof(m) + len, 0, padded - sizeof(m) - len);
	return padded;
}

/* One piece a grain that is not all zero, one behind the other.  Until it gets its place, the
 * offset says which of the unit's grains it is. */
static int vmdk_encode(const struct writer *w, struct block *b, struct error *e)
{
	const struct vmdk_writer *v = (const struct vmdk_writer *)w;
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(
		v->plan.best ? LEVEL_BEST : LEVEL_FAST);
	size_t used = 0;

	if (!c)
		return error_nomem(e, "a compressor");
	b->pieces = 0;
	for (size_t i = 0; i * VMDK_GRAIN < b->len; i++) {
		size_t at = i * VMDK_GRAIN, len = (size_t)min_u64(VMDK_GRAIN, b->len - at);
		uint8_t *out = b->scratch + used;

		if (!block_has_data(w, b, at, len))
			continue;
		len = grain_encode(c, b->data + at, (b->off + at) / VMDK_SECTOR, out);
		b->piece[b->pieces++] = (struct piece){ out, len, i };
		used += len;
	}
	libdeflate_free_compressor(c);
	return 0;
}

/* The number of the next free sector, for a table's entry of 32 bits. */
static int sector_next(const struct vmdk_writer *v, le32 *out, struct error *e)
{
	uint64_t sector = v->next / VMDK_SECTOR;

	if (sector > UINT32_MAX)
		return error_set(e, ERR_RANGE,
			"the VMDK would grow past 2 TiB, where no table's entry reaches");
	*out = put_le32((uint32_t)sector);
	return 0;
}

static struct vmdk_marker marker(unsigned type, uint64_t bytes)
{
	return (struct vmdk_marker){ .sectors = put_le64(bytes / VMDK_SECTOR),
		.type = put_le32(type) };
}

static int append(struct vmdk_writer *v, const void *bytes, size_t len, struct error *e)
{
	int rc = output_write(v->file, v->next, bytes, len, e);

	v->next += len;
	return rc;
}

/* Writes the table whose grains are complete. */
static int table_end(struct vmdk_writer *v, struct error *e)
{
	struct table *t = &v->table;
	int rc;

	if (v->number == UINT64_MAX)
		return 0;
	t->marker = marker(VMDK_MARKER_TABLE, sizeof(t->entry));
	rc = append(v, &t->marker, sizeof(t->marker), e);
	if (!rc)
		rc = sector_next(v, &v->directory[v->number], e);
	if (!rc)
		rc = append(v, t->entry, sizeof(t->entry), e);
	memset(t, 0, sizeof(*t));
	v->number = UINT64_MAX;
	return rc;
}

static int grains_place(struct vmdk_writer *v, struct block *b, struct error *e)
{
	uint64_t first = b->off % TABLE_SPAN / VMDK_GRAIN;
	uint64_t off = v->next;
	int rc = 0;

	for (size_t i = 0; i < b->pieces && !rc; i++) {
		struct piece *p = &b->piece[i];

		rc = sector_next(v, &v->table.entry[first + p->file_off], e);
		v->next += p->len;
	}
	/* They lie together in memory too. */
	if (b->pieces) {
		b->piece[0].file_off = off;
		b->piece[0].len = (size_t)(v->next - off);
		b->pieces = 1;
	}
	return rc;
}

static int vmdk_place(struct writer *w, struct block *b, struct error *e)
{
	struct vmdk_writer *v = writer_of(w);
	uint64_t number = b->off / TABLE_SPAN;
	int rc = 0;

	if (!range_fits(b->off, b->len, v->plan.size))
		return error_set(e, ERR_RANGE,
			"%zu bytes at %" PRIu64 " reach past the end of the disk at %" PRIu64,
			b->len, b->off, v->plan.size);
	if (number != v->number)
		rc = table_end(v, e);
	v->number = number;
	return rc ? rc : grains_place(v, b, e);
}

/* The directory, and what ends the stream. */
static int tail_write(struct vmdk_writer *v, const struct vmdk_header *footer, struct error *e)
{
	struct {
		struct vmdk_marker footer;
		struct vmdk_header header;
		struct vmdk_marker end;
	} tail = {
		.footer = marker(VMDK_MARKER_FOOTER, sizeof(*footer)),
		.header = *footer,
		.end = marker(VMDK_MARKER_END, 0),
	};
	struct vmdk_marker m = marker(VMDK_MARKER_DIRECTORY, v->directory_size);
	int rc = append(v, &m, sizeof(m), e);

	if (!rc)
		rc = append(v, v->directory, v->directory_size, e);
	return rc ? rc : append(v, &tail, sizeof(tail), e);
}

static int vmdk_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct vmdk_writer *v = writer_of(w);
	uint8_t *head = malloc(VMDK_HEAD_SIZE);
	struct vmdk_header footer;
	int rc;

	if (!head)
		return error_nomem(e, "a VMDK's header");
	rc = table_end(v, e);
	vmdk_head_make(&v->plan, v->next + sizeof(struct vmdk_marker), c, head);
	memcpy(&footer, head, sizeof(footer));
	if (!rc)
		rc = tail_write(v, &footer, e);
	if (!rc)
		rc = output_write(v->file, 0, head, VMDK_HEAD_SIZE, e);
	free(head);
	w->file_size = v->next;
	return rc;
}

static void vmdk_writer_close(struct writer *w)
{
	free(writer_of(w)->directory);
	free(w);
}

static const struct writer_ops vmdk_writer_ops = {
	.encode = vmdk_encode,
	.place = vmdk_place,
	.finish = vmdk_finish,
	.close = vmdk_writer_close,
};

int vmdk_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct vmdk_plan plan;
	struct vmdk_writer *v;
	int rc = vmdk_plan(spec, &plan, e);

	if (rc)
		return rc;
	v = calloc(1, sizeof(*v));
	if (!v)
		return error_nomem(e, "a VMDK");
	v->directory_size = (size_t)round_up(
		div_up(plan.size, TABLE_SPAN) * sizeof(*v->directory), VMDK_SECTOR);
	v->directory = calloc(1, v->directory_size);
	if (!v->directory) {
		free(v);
		return error_nomem(e, "a VMDK's directory");
	}
	v->writer = (struct writer){ .ops = &vmdk_writer_ops, .unit = UNIT_SIZE };
	v->writer.pieces_max = GRAINS;
	v->writer.scratch_size = GRAINS * grain_room();
	v->file = file;
	v->plan = plan;
	v->next = VMDK_HEAD_SIZE;
	v->number = UINT64_MAX;
	*out = &v->writer;
	return 0;
}
