/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the guest's clusters are: L1 and L2 tables, read a page at a time and never whole. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2.h"

#define COPIED_BIT (UINT64_C(1) << 63)
#define COMPRESSED_BIT (UINT64_C(1) << 62)
#define ZERO_BIT UINT64_C(1)

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

int qcow2_table_read(struct qcow2 *q, uint64_t off, be64 *out, size_t *count, struct error *e)
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

	rc = qcow2_table_read(q, q->l1_off + index * sizeof(be64), &entry, &one, e);
	if (rc)
		return rc;
	*l2 = get_be64(entry) & QCOW2_TABLE_BITS;
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
	return entry & QCOW2_TABLE_BITS || (q->has_data_file && entry & COPIED_BIT);
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
	*out = (struct qcow2_cluster){ .off = entry & QCOW2_TABLE_BITS };
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
			(unsigned long long)(value & QCOW2_TABLE_BITS));
	*out = (struct qcow2_cluster){
		.kind = QCOW2_MIXED, .off = value & QCOW2_TABLE_BITS, .plain = plain, .zero = zero
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
	rc = qcow2_table_read(q, l2 + index * words * sizeof(be64), entry, count, e);
	if (rc)
		return rc;
	*count /= words;
	return decode_all(q, entry, off & ~((uint64_t)q->cluster - 1), out, count, e);
}
