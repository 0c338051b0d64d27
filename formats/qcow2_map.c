/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the guest's clusters are: L1 and L2 tables, read a page at a time and never whole. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2.h"

#define OFFSET_BITS UINT64_C(0x00fffffffffffe00)
#define COPIED_BIT (UINT64_C(1) << 63)
#define COMPRESSED_BIT (UINT64_C(1) << 62)
#define ZERO_BIT UINT64_C(1)

/* Bounds what one call of qcow2_extent looks at. */
enum { EXTENT_ENTRIES = 1024 };

/* Entries of the page that starts with the one at `off`, all inside the file. */
static int page_read(
	struct qcow2 *q, uint64_t page, size_t skip, be64 *out, size_t len, struct error *e)
{
	uint8_t *bytes = calloc(1, q->page);
	uint64_t there = q->file->size - page;
	int rc;

	if (!bytes)
		return error_nomem(e, "a qcow2 table");
	rc = disk_read(q->file, page, bytes, (size_t)min_u64(q->page, there), e);
	if (!rc) {
		block_cache_put(q->tables, page, bytes);
		memcpy(out, bytes + skip, len);
	}
	free(bytes);
	return rc;
}

/* Copies up to *count entries from host offset `off`, which is inside the file; never past a page.
 */
static int table_read(struct qcow2 *q, uint64_t off, be64 *out, size_t *count, struct error *e)
{
	size_t skip = (size_t)(off % q->page);
	size_t left = (q->page - skip) / sizeof(be64);
	uint64_t page = off - skip;
	int rc;

	if (*count > left)
		*count = left;
	if (block_cache_get(q->tables, page, skip, out, *count * sizeof(be64)))
		return 0;
	rc = page_read(q, page, skip, out, *count * sizeof(be64), e);
	return rc ? error_prefix(e, "table at offset %llu", (unsigned long long)off) : 0;
}

/* Host offset of the L2 table for guest offset `off`, 0 when there is none. */
static int l2_find(struct qcow2 *q, uint64_t off, uint64_t *l2, struct error *e)
{
	uint64_t index = off >> (q->cluster_bits + qcow2_l2_bits(q));
	size_t one = 1;
	be64 entry;
	int rc;

	rc = table_read(q, q->l1_off + index * sizeof(be64), &entry, &one, e);
	if (rc)
		return rc;
	*l2 = get_be64(entry) & OFFSET_BITS;
	if (*l2 % q->cluster)
		return error_set(e, ERR_CORRUPT,
			"L2 table of guest offset %llu is at %llu, not on a cluster",
			(unsigned long long)off, (unsigned long long)*l2);
	if (!range_fits(*l2, q->cluster, q->file->size))
		return error_set(e, ERR_CORRUPT,
			"L2 table of guest offset %llu is at %llu, past the end of the file at "
			"%llu",
			(unsigned long long)off, (unsigned long long)*l2,
			(unsigned long long)q->file->size);
	return 0;
}

/* "Compressed Clusters Descriptor": the split between offset and length moves with cluster_bits. */
static int decode_compressed(const struct qcow2 *q, uint64_t entry, uint64_t guest,
	struct qcow2_cluster *out, struct error *e)
{
	unsigned shift = 62 - (q->cluster_bits - 8);
	uint64_t off = entry & ((UINT64_C(1) << shift) - 1);
	uint64_t sectors = (entry & (COMPRESSED_BIT - 1)) >> shift;
	uint64_t len = (sectors + 1) * QCOW2_SECTOR - off % QCOW2_SECTOR;

	if (q->has_data_file)
		return error_set(e, ERR_CORRUPT,
			"guest offset %llu is in a compressed cluster, which an image with a data "
			"file cannot have",
			(unsigned long long)guest);
	if (off >= q->file->size)
		return error_set(e, ERR_CORRUPT,
			"compressed cluster of guest offset %llu is at %llu, past the end of the "
			"file at %llu",
			(unsigned long long)guest, (unsigned long long)off,
			(unsigned long long)q->file->size);
	/* The last sector need not be whole in the file. */
	len = min_u64(len, q->file->size - off);
	*out = (struct qcow2_cluster){
		.kind = QCOW2_COMPRESSED, .off = off, .stored = (uint32_t)len
	};
	return 0;
}

/* Whether a cluster is named; in a data file its offset may be 0, which another bit then tells. */
static bool has_cluster(const struct qcow2 *q, uint64_t entry)
{
	return entry & OFFSET_BITS || (q->has_data_file && entry & COPIED_BIT);
}

static int check_place(
	const struct qcow2 *q, uint64_t off, bool used, uint64_t guest, struct error *e)
{
	if (off % q->cluster)
		return error_set(e, ERR_CORRUPT,
			"cluster of guest offset %llu is at %llu, not on a cluster",
			(unsigned long long)guest, (unsigned long long)off);
	if (used && off >= q->data_end)
		return error_set(e, ERR_CORRUPT,
			"cluster of guest offset %llu is at %llu, past the end of the file at %llu",
			(unsigned long long)guest, (unsigned long long)off,
			(unsigned long long)q->data_end);
	return 0;
}

static int decode_standard(const struct qcow2 *q, uint64_t entry, uint64_t guest,
	struct qcow2_cluster *out, struct error *e)
{
	bool has = has_cluster(q, entry), zero = entry & ZERO_BIT;

	if (zero && q->version < 3)
		return error_set(e, ERR_CORRUPT,
			"guest offset %llu is a zero cluster, which version 2 does not have",
			(unsigned long long)guest);
	*out = (struct qcow2_cluster){ .off = entry & OFFSET_BITS };
	if (zero)
		out->kind = has ? QCOW2_ZERO : QCOW2_BLANK;
	else
		out->kind = has ? QCOW2_PLAIN : QCOW2_NOTHING;
	return check_place(q, out->off, out->kind == QCOW2_PLAIN, guest, e);
}

/* "Extended L2 Entries": a bit for each subcluster that is allocated, and for each that is zero. */
static int decode_extended(const struct qcow2 *q, const be64 *entry, uint64_t guest,
	struct qcow2_cluster *out, struct error *e)
{
	uint64_t value = get_be64(entry[0]), bits = get_be64(entry[1]);
	uint32_t plain = (uint32_t)bits, zero = (uint32_t)(bits >> 32);
	bool has = has_cluster(q, value);

	if (plain & zero || (plain && !has))
		return error_set(e, ERR_CORRUPT,
			"subclusters of guest offset %llu contradict each other: allocated 0x%08x, "
			"zero 0x%08x, cluster at %llu",
			(unsigned long long)guest, plain, zero,
			(unsigned long long)(value & OFFSET_BITS));
	*out = (struct qcow2_cluster){
		.kind = QCOW2_MIXED, .off = value & OFFSET_BITS, .plain = plain, .zero = zero
	};
	if (plain == UINT32_MAX)
		out->kind = QCOW2_PLAIN;
	else if (zero == UINT32_MAX)
		out->kind = has ? QCOW2_ZERO : QCOW2_BLANK;
	else if (!plain && !zero)
		out->kind = QCOW2_NOTHING;
	return check_place(q, out->off, plain, guest, e);
}

enum qcow2_kind qcow2_part(
	const struct qcow2 *q, const struct qcow2_cluster *c, size_t at, size_t *len)
{
	size_t size = q->cluster / QCOW2_SUBCLUSTERS;
	size_t first = at / size, end = first + 1;
	bool plain = c->plain >> first & 1, zero = c->zero >> first & 1;

	while (end < QCOW2_SUBCLUSTERS && (c->plain >> end & 1) == plain &&
		(c->zero >> end & 1) == zero)
		end++;
	*len = end * size - at;
	if (plain)
		return QCOW2_PLAIN;
	return zero ? QCOW2_BLANK : QCOW2_NOTHING;
}

static size_t entry_words(const struct qcow2 *q)
{
	return q->extended_l2 ? 2 : 1;
}

static int decode_one(const struct qcow2 *q, const be64 *entry, uint64_t guest,
	struct qcow2_cluster *out, struct error *e)
{
	uint64_t value = get_be64(*entry);
	int rc;

	if (value & COMPRESSED_BIT)
		return decode_compressed(q, value, guest, out, e);
	rc = q->extended_l2 ? decode_extended(q, entry, guest, out, e)
			    : decode_standard(q, value, guest, out, e);
	/* With nothing below, both read as zeros. */
	if (out->kind == QCOW2_BLANK && !q->below.disk)
		out->kind = QCOW2_NOTHING;
	return rc;
}

/* Decodes up to the first bad entry, which is an error only when it comes first. */
static int decode_all(const struct qcow2 *q, const be64 *entry, uint64_t guest,
	struct qcow2_cluster *out, size_t *count, struct error *e)
{
	for (size_t i = 0; i < *count; i++) {
		int rc = decode_one(q, entry + i * entry_words(q), guest + (uint64_t)i * q->cluster,
			&out[i], i ? NULL : e);

		if (rc && !i)
			return rc;
		if (rc)
			*count = i;
	}
	return 0;
}

int qcow2_map(struct qcow2 *q, uint64_t off, uint64_t want, struct qcow2_cluster *out,
	size_t *count, struct error *e)
{
	uint64_t per_table = UINT64_C(1) << qcow2_l2_bits(q);
	uint64_t index = (off >> q->cluster_bits) & (per_table - 1);
	size_t words = entry_words(q);
	be64 entry[QCOW2_BATCH * 2];
	uint64_t l2;
	int rc;

	*count = (size_t)min_u64(min_u64(want, QCOW2_BATCH), per_table - index);
	rc = l2_find(q, off, &l2, e);
	if (rc)
		return rc;
	if (!l2) {
		memset(out, 0, *count * sizeof(*out));
		return 0;
	}
	/* A page holds whole entries. */
	*count *= words;
	rc = table_read(q, l2 + index * words * sizeof(be64), entry, count, e);
	if (rc)
		return rc;
	*count /= words;
	return decode_all(q, entry, off & ~((uint64_t)q->cluster - 1), out, count, e);
}

/* Guest bytes from `off` that no L2 table describes, 0 when one does. */
static int gap_find(struct qcow2 *q, uint64_t off, uint64_t *gap, struct error *e)
{
	uint64_t table_span = (uint64_t)q->cluster << qcow2_l2_bits(q);
	uint64_t index = off / table_span;
	size_t count = (size_t)min_u64(q->l1_count - index, EXTENT_ENTRIES);
	be64 entry[EXTENT_ENTRIES];
	size_t empty = 0;
	int rc;

	rc = table_read(q, q->l1_off + index * sizeof(be64), entry, &count, e);
	if (rc)
		return rc;
	while (empty < count && !(get_be64(entry[empty]) & OFFSET_BITS))
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
