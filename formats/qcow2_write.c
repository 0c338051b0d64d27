/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes qcow2: in each unit, clusters of zeros are left out and the others compressed when that is
 * asked for and makes them smaller.
 */
#include "formats/qcow2_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { COMPRESSION_BIT = 3, LAZY_REFCOUNTS_BIT = 0, FEATURE_NAMES = 0x6803f857 };

/* "Feature name table": lets a reader that does not know a bit say what it lacks. */
struct feature_names {
	be32 type;
	be32 len;
	uint8_t kind; /* 0: incompatible */
	uint8_t bit;
	char name[46];
	be64 end; /* type and length 0 */
};
_Static_assert(sizeof(struct feature_names) == 64, "feature name table of one");

static struct qcow2_writer *writer_of(struct writer *w)
{
	return (struct qcow2_writer *)w;
}

/* Puts cluster `index` of the unit into *p; *used counts the bytes of scratch. */
static int cluster_encode(const struct qcow2_writer *q, struct qcow2_deflater *f, struct block *b,
	size_t index, size_t *used, struct piece *p, struct error *e)
{
	size_t cluster = q->tables.cluster, made = 0;
	const uint8_t *data = b->data + index * cluster;
	int rc = 0;

	if (f)
		rc = qcow2_deflate(f, data, cluster, b->scratch + *used, cluster - 1, &made, e);
	/* Until it gets its place, the offset says which cluster it is. */
	*p = (struct piece){ .bytes = data, .len = cluster, .file_off = index };
	if (made) {
		p->bytes = b->scratch + *used;
		p->len = made;
		*used += made;
	}
	return rc;
}

static int unit_encode(
	const struct qcow2_writer *q, struct qcow2_deflater *f, struct block *b, struct error *e)
{
	size_t cluster = q->tables.cluster, used = 0;
	int rc = 0;

	b->pieces = 0;
	for (size_t i = 0; i * cluster < b->len && !rc; i++) {
		if (block_has_data(&q->writer, b, i * cluster, cluster))
			rc = cluster_encode(q, f, b, i, &used, &b->piece[b->pieces++], e);
	}
	return rc;
}

static int qcow2_encode(const struct writer *w, struct block *b, struct error *e)
{
	const struct qcow2_writer *q = (const struct qcow2_writer *)w;
	struct qcow2_deflater *f;
	int rc;

	if (!q->deflaters)
		return unit_encode(q, NULL, b, e);
	rc = qcow2_deflater_take(q->deflaters, &f, e);
	if (rc)
		return rc;
	rc = unit_encode(q, f, b, e);
	qcow2_deflater_give(q->deflaters, f);
	return rc;
}

/* "Compressed Clusters Descriptor" */
static uint64_t packed_entry(const struct qcow2_tables *t, uint64_t off, size_t len)
{
	uint64_t more = (off + len - 1) / QCOW2_SECTOR - off / QCOW2_SECTOR;

	return QCOW2_PACKED | more << (70 - t->cluster_bits) | off;
}

static bool is_packed(const struct qcow2_tables *t, const struct piece *p)
{
	return p->len < t->cluster;
}

/* Gives a place to each piece that is, or is not, compressed. */
static int pieces_place(struct qcow2_writer *q, struct block *b, bool packed, struct error *e)
{
	struct qcow2_tables *t = &q->tables;

	for (size_t i = 0; i < b->pieces; i++) {
		struct piece *p = &b->piece[i];
		uint64_t index = p->file_off;
		int rc;

		if (is_packed(t, p) != packed)
			continue;
		rc = packed ? qcow2_take_packed(t, p->len, &p->file_off, e)
			    : qcow2_take_cluster(t, &p->file_off, e);
		if (rc)
			return rc;
		q->entry[index] = packed ? packed_entry(t, p->file_off, p->len)
					 : p->file_off | QCOW2_COPIED;
	}
	return 0;
}

/* Moves the unit's entries to the L2 tables. */
static int entries_set(struct qcow2_writer *q, uint64_t off, struct error *e)
{
	uint64_t first = off >> q->tables.cluster_bits;
	size_t count = q->writer.unit >> q->tables.cluster_bits;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		if (q->entry[i])
			rc = qcow2_set_entry(&q->tables, first + i, q->entry[i], e);
		q->entry[i] = 0;
	}
	return rc;
}

static bool follows(const struct piece *a, const struct piece *b)
{
	return a->bytes + a->len == b->bytes && a->file_off + a->len == b->file_off;
}

/* Pieces that lie together in memory and in the file are written in one go. */
static void pieces_merge(const struct qcow2_tables *t, struct block *b)
{
	struct piece *last[2] = { NULL, NULL };
	size_t count = 0;

	for (size_t i = 0; i < b->pieces; i++) {
		struct piece p = b->piece[i];
		struct piece **l = &last[is_packed(t, &p)];

		if (*l && follows(*l, &p)) {
			(*l)->len += p.len;
		} else {
			b->piece[count] = p;
			*l = &b->piece[count++];
		}
	}
	b->pieces = count;
}

static int qcow2_place(struct writer *w, struct block *b, struct error *e)
{
	struct qcow2_writer *q = writer_of(w);
	int rc;

	if (!range_fits(b->off, b->len, q->plan.size))
		return error_set(e, ERR_RANGE,
			"%zu bytes at %" PRIu64 " reach past the end of the disk at %" PRIu64,
			b->len, b->off, q->plan.size);
	/* Compressed ones first: they go on where those of the last unit ended. */
	rc = pieces_place(q, b, true, e);
	if (!rc)
		rc = pieces_place(q, b, false, e);
	if (!rc)
		rc = entries_set(q, b->off, e);
	if (!rc)
		pieces_merge(&q->tables, b);
	return rc;
}

static void header_fill(
	const struct qcow2_writer *q, const struct qcow2_ends *ends, struct qcow2_header *h)
{
	const struct qcow2_plan *p = &q->plan;
	bool zstd = p->compression == QCOW2_ZSTD;

	*h = (struct qcow2_header){
		.magic = { 'Q', 'F', 'I', 0xfb },
		.version = put_be32(p->version),
		.cluster_bits = put_be32(p->cluster_bits),
		.size = put_be64(p->size),
		.l1_size = put_be32((uint32_t)q->tables.l1_count),
		.l1_off = put_be64(ends->l1_off),
		.refcount_off = put_be64(ends->refcount_off),
		.refcount_clusters = put_be32(ends->refcount_clusters),
	};
	if (p->version == 2)
		return;
	h->incompatible = put_be64((uint64_t)zstd << COMPRESSION_BIT);
	h->compatible = put_be64((uint64_t)p->lazy_refcounts << LAZY_REFCOUNTS_BIT);
	h->refcount_order = put_be32(QCOW2_REFCOUNT_ORDER);
	h->header_len = put_be32(zstd ? sizeof(*h) : QCOW2_V3_HEADER);
	h->compression = (uint8_t)p->compression;
}

/* All of the first cluster. */
static int header_write(struct qcow2_writer *q, const struct qcow2_ends *ends, struct error *e)
{
	static const struct feature_names names = {
		.type = { { 0x68, 0x03, 0xf8, 0x57 } },
		.len = { { 0, 0, 0, 48 } },
		.bit = COMPRESSION_BIT,
		.name = "compression type",
	};
	/* The L2 tables are written: their memory serves again. */
	uint8_t *bytes = (uint8_t *)q->tables.l2;
	struct qcow2_header h;

	header_fill(q, ends, &h);
	memset(bytes, 0, q->tables.cluster);
	memcpy(bytes, &h, sizeof(h));
	if (q->plan.compression == QCOW2_ZSTD)
		memcpy(bytes + sizeof(h), &names, sizeof(names));
	return output_write(q->tables.file, 0, bytes, q->tables.cluster, e);
}

static int qcow2_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct qcow2_writer *q = writer_of(w);
	struct qcow2_ends ends;
	int rc = qcow2_tables_finish(&q->tables, &ends, e);

	(void)c;
	if (rc)
		return rc;
	w->file_size = ends.file_size;
	return header_write(q, &ends, e);
}

static void qcow2_writer_close(struct writer *w)
{
	struct qcow2_writer *q = writer_of(w);

	qcow2_tables_close(&q->tables);
	qcow2_deflaters_close(q->deflaters);
	free(q->entry);
	free(q);
}

static const struct writer_ops qcow2_writer_ops = {
	.encode = qcow2_encode,
	.place = qcow2_place,
	.finish = qcow2_finish,
	.close = qcow2_writer_close,
};

static int writer_open(struct qcow2_writer *q, struct output *file, struct error *e)
{
	uint32_t cluster = UINT32_C(1) << q->plan.cluster_bits;
	int rc;

	q->writer.ops = &qcow2_writer_ops;
	q->writer.unit = cluster > UNIT_SIZE ? cluster : UNIT_SIZE;
	q->writer.pieces_max = q->writer.unit / cluster;
	q->writer.blind = !q->plan.compress;
	q->writer.scratch_size = q->plan.compress ? q->writer.unit : 0;
	q->entry = calloc(q->writer.pieces_max, sizeof(*q->entry));
	if (!q->entry)
		return error_nomem(e, "a qcow2");
	rc = qcow2_tables_open(&q->tables, &q->plan, file, e);
	if (rc || !q->plan.compress)
		return rc;
	return qcow2_deflaters_open(&q->plan, &q->deflaters, e);
}

int qcow2_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct qcow2_writer *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return error_nomem(e, "a qcow2");
	rc = qcow2_plan(spec, &q->plan, e);
	if (!rc)
		rc = writer_open(q, file, e);
	if (rc) {
		qcow2_writer_close(&q->writer);
		return rc;
	}
	*out = &q->writer;
	return 0;
}
