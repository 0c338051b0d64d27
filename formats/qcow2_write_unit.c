/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A unit of a new qcow2.  Its clusters are made of parts: subclusters with extended L2 entries,
 * else there is one, the whole.  What is a parent's is left out, and so are zeros; the rest of a
 * cluster is compressed when that is asked for and makes it smaller.
 */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_write.h"

/* Whether the guest's bytes are others than the parent's somewhere in `len` bytes of the unit. */
static bool is_changed(const struct block *b, size_t at, size_t len)
{
	size_t end = (size_t)min_u64(at + len, b->len);

	if (!b->changed)
		return at < end;
	for (size_t i = at / CHANGE_SIZE; i * CHANGE_SIZE < end; i++)
		if (b->changed[i / 8] >> i % 8 & 1)
			return true;
	return false;
}

/* Parts of the cluster at `at` of the unit that the image has to tell of, a bit each. */
static uint32_t parts_changed(const struct qcow2_writer *q, const struct block *b, size_t at)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < q->parts; i++)
		if (is_changed(b, at + i * q->part, q->part))
			mask |= UINT32_C(1) << i;
	return mask;
}

/* Those of them that the file has to hold. */
static uint32_t parts_to_store(const struct qcow2_writer *q, const struct block *b, size_t at)
{
	uint32_t mask = parts_changed(q, b, at);

	for (unsigned i = 0; !q->zeros_stored && i < q->parts; i++)
		if (mask >> i & 1 && !block_has_data(&q->writer, b, at + i * q->part, q->part))
			mask &= ~(UINT32_C(1) << i);
	return mask;
}

/* Until it gets its place, a piece's offset says where in the unit it belongs. */
static void piece_add(struct block *b, const uint8_t *bytes, size_t len, size_t at)
{
	b->piece[b->pieces++] = (struct piece){ .bytes = bytes, .len = len, .file_off = at };
}

/* Parts that are left out of a cluster; what the file has there would else stay. */
static void zeros_add(const struct qcow2_writer *q, struct block *b, size_t at, unsigned parts)
{
	static const uint8_t zeros[(1 << QCOW2_MAX_BITS) / QCOW2_SUBCLUSTERS];

	for (; !q->tables.fresh && parts; parts--, at += q->part)
		piece_add(b, zeros, q->part, at);
}

/* Adds the parts to store of an uncompressed cluster; what is past the end of the disk is a hole.
 */
static void parts_add(const struct qcow2_writer *q, struct block *b, size_t at, uint32_t stored)
{
	for (unsigned i = 0, end; stored && i < q->parts; i = end) {
		bool store = stored >> i & 1;
		size_t start = at + i * q->part, len;

		for (end = i + 1; end < q->parts && (stored >> end & 1) == store;)
			end++;
		len = (end - i) * q->part;
		if (!store)
			zeros_add(q, b, start, end - i);
		else if (q->tables.fresh)
			piece_add(b, b->data + start, (size_t)min_u64(len, b->len - start), start);
		else
			piece_add(b, b->data + start, len, start);
	}
}

/* *used counts the bytes of scratch. */
static int cluster_encode(const struct qcow2_writer *q, struct qcow2_deflater *f, struct block *b,
	size_t at, size_t *used, struct error *e)
{
	uint32_t stored = parts_to_store(q, b, at);
	size_t cluster = q->tables.cluster, made = 0;
	int rc = 0;

	if (f && stored)
		rc = qcow2_deflate(
			f, b->data + at, cluster, b->scratch + *used, cluster - 1, &made, e);
	if (!made) {
		parts_add(q, b, at, stored);
		return rc;
	}
	piece_add(b, b->scratch + *used, made, at);
	*used += made;
	return rc;
}

static int unit_encode(
	const struct qcow2_writer *q, struct qcow2_deflater *f, struct block *b, struct error *e)
{
	size_t used = 0;
	int rc = 0;

	b->pieces = 0;
	for (size_t at = 0; at < b->len && !rc; at += q->tables.cluster)
		rc = cluster_encode(q, f, b, at, &used, e);
	return rc;
}

int qcow2_encode(const struct writer *w, struct block *b, struct error *e)
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

static bool is_inside(const uint8_t *bytes, const uint8_t *start, size_t len)
{
	return start && (uintptr_t)bytes - (uintptr_t)start < len;
}

static bool is_packed(const struct qcow2_writer *q, const struct block *b, const struct piece *p)
{
	return is_inside(p->bytes, b->scratch, q->writer.scratch_size);
}

/* "Compressed Clusters Descriptor" */
static uint64_t packed_word(const struct qcow2_tables *t, uint64_t off, size_t len)
{
	uint64_t more = (off + len - 1) / QCOW2_SECTOR - off / QCOW2_SECTOR;

	return QCOW2_PACKED | more << (70 - t->cluster_bits) | off;
}

static int packed_place(struct qcow2_writer *q, struct piece *p, struct error *e)
{
	struct qcow2_placed *placed = &q->placed[p->file_off >> q->tables.cluster_bits];
	int rc = qcow2_take_packed(&q->tables, p->len, &p->file_off, e);

	if (!rc)
		placed->word = packed_word(&q->tables, p->file_off, p->len);
	return rc;
}

/* A cluster may come in several pieces. */
static int plain_place(
	struct qcow2_writer *q, const struct block *b, struct piece *p, struct error *e)
{
	struct qcow2_tables *t = &q->tables;
	struct qcow2_placed *placed = &q->placed[p->file_off >> t->cluster_bits];
	size_t skip = (size_t)p->file_off & (t->cluster - 1);
	uint64_t bits = (UINT64_C(1) << div_up(p->len, q->part)) - 1;
	uint64_t off;

	if (!placed->word) {
		int rc = qcow2_take_cluster(t, &off, e);

		if (rc)
			return rc;
		placed->word = off | QCOW2_COPIED;
	}
	p->file_off = (placed->word & ~QCOW2_COPIED) + skip;
	if (is_inside(p->bytes, b->data, q->writer.unit))
		placed->stored |= (uint32_t)(bits << skip / q->part);
	return 0;
}

/* Gives a place to each piece that is, or is not, compressed. */
static int pieces_place(struct qcow2_writer *q, struct block *b, bool packed, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < b->pieces && !rc; i++) {
		struct piece *p = &b->piece[i];

		if (is_packed(q, b, p) == packed)
			rc = packed ? packed_place(q, p, e) : plain_place(q, b, p, e);
	}
	return rc;
}

/* The L2 entry of guest cluster `cluster`, which is at `at` of the unit. */
static int entry_set(struct qcow2_writer *q, const struct block *b, uint64_t cluster, size_t at,
	const struct qcow2_placed *placed, struct error *e)
{
	uint64_t word = placed->word, bits = 0;
	uint32_t zero = 0;

	/* What comes over a parent and is not stored is zeros. */
	if (q->plan.parent && !(word & QCOW2_PACKED))
		zero = parts_changed(q, b, at) & ~placed->stored;
	if (q->plan.extended_l2)
		bits = (uint64_t)zero << 32 | placed->stored;
	else if (zero)
		word = QCOW2_ALL_ZERO;
	return word || bits ? qcow2_set_entry(&q->tables, cluster, word, bits, e) : 0;
}

/* Moves the unit's entries to the L2 tables. */
static int entries_set(struct qcow2_writer *q, const struct block *b, struct error *e)
{
	uint64_t first = b->off >> q->tables.cluster_bits;
	int rc = 0;

	for (size_t i = 0; i * q->tables.cluster < b->len && !rc; i++) {
		rc = entry_set(q, b, first + i, i * q->tables.cluster, &q->placed[i], e);
		q->placed[i] = (struct qcow2_placed){ 0 };
	}
	return rc;
}

static bool follows(const struct piece *a, const struct piece *b)
{
	return a->bytes + a->len == b->bytes && a->file_off + a->len == b->file_off;
}

/* Pieces that lie together in memory and in the file are written in one go. */
static void pieces_merge(const struct qcow2_writer *q, struct block *b)
{
	struct piece *last[2] = { NULL, NULL };
	size_t count = 0;

	for (size_t i = 0; i < b->pieces; i++) {
		struct piece p = b->piece[i];
		struct piece **l = &last[is_packed(q, b, &p)];

		if (*l && follows(*l, &p)) {
			(*l)->len += p.len;
		} else {
			b->piece[count] = p;
			*l = &b->piece[count++];
		}
	}
	b->pieces = count;
}

int qcow2_place(struct writer *w, struct block *b, struct error *e)
{
	struct qcow2_writer *q = (struct qcow2_writer *)w;
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
		rc = entries_set(q, b, e);
	if (!rc)
		pieces_merge(q, b);
	return rc;
}
