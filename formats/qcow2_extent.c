/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of guest bytes that are alike, as far as the tables tell; no guest data is read. */
#include "base/checked.h"
#include "formats/qcow2.h"

/* Bounds what one call looks at. */
enum { EXTENT_ENTRIES = 1024 };

/* Guest bytes from `off` that no L2 table describes, 0 when one does. */
static int gap_find(struct qcow2 *q, uint64_t off, uint64_t *gap, struct error *e)
{
	uint64_t table_span = (uint64_t)q->cluster << qcow2_l2_bits(q);
	uint64_t index = off / table_span;
	size_t count = (size_t)min_u64(q->l1_count - index, EXTENT_ENTRIES);
	be64 entry[EXTENT_ENTRIES];
	size_t empty = 0;
	int rc;

	rc = qcow2_table_read(q, q->l1_off + index * sizeof(be64), entry, &count, e);
	if (rc)
		return rc;
	while (empty < count && !(get_be64(entry[empty]) & QCOW2_TABLE_BITS))
		empty++;
	*gap = empty ? empty * table_span - off % table_span : 0;
	return 0;
}

static bool continues(
	const struct qcow2 *q, const struct qcow2_cluster *a, const struct qcow2_cluster *b)
{
	return a->kind == b->kind && a->kind != QCOW2_MIXED &&
		(a->kind != QCOW2_PLAIN || b->off == a->off + q->cluster);
}

/* Counts the clusters from `off` on that are like the first, which is left in *first. */
static int alike_count(struct qcow2 *q, uint64_t off, struct qcow2_cluster *first, uint64_t *alike,
	struct error *e)
{
	uint64_t left = div_up(q->disk.size, q->cluster) - (off >> q->cluster_bits);
	struct qcow2_cluster c[QCOW2_BATCH], last;
	size_t count;
	int rc;

	rc = qcow2_map(q, off, 1, first, &count, e);
	if (rc)
		return rc;
	last = *first;
	*alike = 1;
	while (*alike < EXTENT_ENTRIES && *alike < left) {
		/* What is wrong further on is for whoever gets there. */
		if (qcow2_map(q, off + *alike * q->cluster, left - *alike, c, &count, NULL))
			return 0;
		for (size_t i = 0; i < count; i++) {
			if (!continues(q, &last, &c[i]))
				return 0;
			last = c[i];
			++*alike;
		}
	}
	return 0;
}

/* Cuts a plain extent where the file has a hole or ends: a preallocated last cluster may be cut
 * short. */
static int plain_finish(struct qcow2 *q, struct extent *x, struct error *e)
{
	struct extent host;
	int rc;

	if (q->external.path)
		x->file = q->external.path;
	if (x->offset >= q->content->size) {
		x->zero = true;
		x->plain = false;
		x->offset = 0;
		x->file = NULL;
		return 0;
	}
	rc = disk_extent(q->content, x->offset, &host, e);
	if (rc)
		return rc;
	x->zero = host.zero;
	x->length = min_u64(x->length, host.length);
	return 0;
}

/* An image that must not be read still tells how much it stores, but nothing about the content. */
static void hide_content(struct extent *x)
{
	x->zero = false;
	x->plain = false;
	x->offset = 0;
	x->file = NULL;
}

/* Where the clusters like `first`, `length` bytes from `skip` of the first, are. */
static int kind_extent(struct qcow2 *q, uint64_t off, const struct qcow2_cluster *first,
	uint64_t skip, uint64_t length, struct extent *out, struct error *e)
{
	enum qcow2_kind kind = first->kind;
	size_t part;

	if (kind == QCOW2_MIXED) {
		kind = qcow2_part(q, first, (size_t)skip, &part);
		length = part;
	}
	if (kind == QCOW2_NOTHING)
		return chain_extent(&q->below, off, length, out, e);
	*out = (struct extent){
		.length = length,
		.zero = kind == QCOW2_BLANK || kind == QCOW2_ZERO,
		.stored = kind != QCOW2_BLANK,
		.compressed = kind == QCOW2_COMPRESSED,
		.plain = kind == QCOW2_PLAIN,
		.offset = kind == QCOW2_PLAIN ? first->off + skip : 0,
	};
	return out->plain && !q->refusal.code ? plain_finish(q, out, e) : 0;
}

static int content_extent(struct qcow2 *q, uint64_t off, struct extent *out, struct error *e)
{
	uint64_t skip = off & (q->cluster - 1);
	struct qcow2_cluster first;
	uint64_t alike, gap;
	int rc;

	rc = gap_find(q, off, &gap, e);
	if (rc)
		return rc;
	if (gap)
		return chain_extent(&q->below, off, gap, out, e);
	rc = alike_count(q, off, &first, &alike, e);
	if (rc)
		return rc;
	return kind_extent(q, off, &first, skip, alike * q->cluster - skip, out, e);
}

int qcow2_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct qcow2 *q = (struct qcow2 *)d;
	int rc;

	rc = content_extent(q, off, out, e);
	if (!rc && q->refusal.code)
		hide_content(out);
	return rc;
}
