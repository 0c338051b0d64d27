/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which cluster of a new qcow2 holds what: allocation, refcounts and L2 tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_write.h"

/* The header is cluster 0, its refcount block the next one. */
enum { FIRST_BLOCK = 1, FIRST_FREE = 2 };

uint64_t qcow2_block_place(const struct qcow2_tables *t, uint64_t n)
{
	return n ? n * t->per_block : FIRST_BLOCK;
}

int qcow2_write_cluster(struct qcow2_tables *t, uint64_t number, const void *bytes, struct error *e)
{
	return output_write(t->file, number << t->cluster_bits, bytes, t->cluster, e);
}

void qcow2_count_use(struct qcow2_tables *t, uint64_t number)
{
	be16 *count = &t->count[number % t->per_block];

	*count = put_be16((uint16_t)(get_be16(*count) + 1));
}

/* No compressed bytes go to the cluster begun any more; what is left of it reads as zeros. */
static int packed_end(struct qcow2_tables *t, struct error *e)
{
	static const uint8_t zeros[65536];
	uint64_t off = t->packed, end = round_up(off, t->cluster);
	int rc = 0;

	t->packed = 0;
	for (; !t->fresh && off < end && !rc; off += sizeof(zeros))
		rc = output_write(
			t->file, off, zeros, (size_t)min_u64(sizeof(zeros), end - off), e);
	return rc;
}

/* All that the current refcount block counts is known: on to the next one. */
static int block_next(struct qcow2_tables *t, struct error *e)
{
	int rc = packed_end(t, e);

	if (!rc)
		rc = qcow2_write_cluster(t, qcow2_block_place(t, t->block), t->count, e);
	if (rc)
		return rc;
	memset(t->count, 0, t->cluster);
	t->block++;
	qcow2_count_use(t, t->next++);
	return 0;
}

int qcow2_no_room(const struct qcow2_tables *t, struct error *e)
{
	return error_set(e, ERR_RANGE,
		"the image needs more than %" PRIu64 " clusters of %u bytes: use a larger "
		"cluster_size",
		t->limit, t->cluster);
}

/* The next cluster, not used by anything yet. */
static int cluster_new(struct qcow2_tables *t, uint64_t *number, struct error *e)
{
	if (t->next + 1 >= t->limit)
		return qcow2_no_room(t, e);
	if (t->next == qcow2_block_place(t, t->block + 1)) {
		int rc = block_next(t, e);

		if (rc)
			return rc;
	}
	*number = t->next++;
	return 0;
}

int qcow2_take_cluster(struct qcow2_tables *t, uint64_t *off, struct error *e)
{
	uint64_t number;
	int rc = cluster_new(t, &number, e);

	if (rc)
		return rc;
	qcow2_count_use(t, number);
	*off = number << t->cluster_bits;
	return 0;
}

/* Goes on in a new cluster, in the middle of the bytes when it follows the one begun. */
static int packed_extend(struct qcow2_tables *t, struct error *e)
{
	uint64_t number;
	int rc = cluster_new(t, &number, e);

	if (rc)
		return rc;
	if (t->packed && round_up(t->packed, t->cluster) == number << t->cluster_bits)
		return 0;
	rc = packed_end(t, e);
	t->packed = number << t->cluster_bits;
	return rc;
}

int qcow2_take_packed(struct qcow2_tables *t, size_t len, uint64_t *off, struct error *e)
{
	uint64_t first = t->packed >> t->cluster_bits, last;
	int rc = 0;

	if (t->packed && get_be16(t->count[first % t->per_block]) == QCOW2_REFCOUNT_MAX)
		rc = packed_end(t, e);
	if (!rc && (!t->packed || round_up(t->packed, t->cluster) - t->packed < len))
		rc = packed_extend(t, e);
	if (rc)
		return rc;
	*off = t->packed;
	first = *off >> t->cluster_bits;
	last = (*off + len - 1) >> t->cluster_bits;
	qcow2_count_use(t, first);
	if (last != first)
		qcow2_count_use(t, last);
	t->packed += len;
	if (t->packed % t->cluster == 0)
		t->packed = 0;
	return 0;
}

static int table_write(struct qcow2_tables *t, struct error *e)
{
	if (t->table == UINT64_MAX)
		return 0;
	return output_write(t->file, t->table_off, t->l2, t->cluster, e);
}

static int table_begin(struct qcow2_tables *t, uint64_t table, struct error *e)
{
	int rc = table_write(t, e);

	if (!rc)
		rc = qcow2_take_cluster(t, &t->table_off, e);
	if (rc)
		return rc;
	memset(t->l2, 0, t->cluster);
	t->table = table;
	t->l1[table] = put_be64(t->table_off | QCOW2_COPIED);
	return 0;
}

int qcow2_set_entry(
	struct qcow2_tables *t, uint64_t cluster, uint64_t entry, uint64_t bits, struct error *e)
{
	uint64_t index = cluster % t->per_table;
	int rc = 0;

	if (cluster / t->per_table != t->table)
		rc = table_begin(t, cluster / t->per_table, e);
	if (rc)
		return rc;
	if (t->extended) {
		t->l2[index * 2] = put_be64(entry);
		t->l2[index * 2 + 1] = put_be64(bits);
	} else {
		t->l2[index] = put_be64(entry);
	}
	return 0;
}

int qcow2_tables_end(struct qcow2_tables *t, struct error *e)
{
	int rc = table_write(t, e);

	return rc ? rc : packed_end(t, e);
}

/* Offsets of compressed clusters have fewer bits than others, to leave some for the length. */
static uint64_t limit_of(const struct qcow2_tables *t)
{
	unsigned bits = 70 - t->cluster_bits;
	uint64_t counted = QCOW2_REFTABLE_MAX / sizeof(be64) * (uint64_t)t->per_block;

	return min_u64(UINT64_C(1) << ((bits < 56 ? bits : 56) - t->cluster_bits), counted);
}

int qcow2_tables_open(
	struct qcow2_tables *t, const struct qcow2_plan *p, struct output *file, struct error *e)
{
	uint32_t cluster = UINT32_C(1) << p->cluster_bits;

	*t = (struct qcow2_tables){
		.file = file,
		.fresh = output_is_fresh(file),
		.cluster_bits = p->cluster_bits,
		.cluster = cluster,
		.per_block = cluster / sizeof(be16),
		.next = FIRST_FREE,
		.table = UINT64_MAX,
		.per_table = cluster / sizeof(be64) / (p->extended_l2 ? 2 : 1),
		.extended = p->extended_l2,
		.l1_count = qcow2_l1_entries(p->size, p->cluster_bits, p->extended_l2),
		.count = calloc(1, cluster),
		.l2 = calloc(1, cluster),
	};
	t->limit = limit_of(t);
	/* Whole clusters, of which there is one even for a disk of 0 bytes. */
	t->l1 = calloc(round_up(t->l1_count + 1, cluster / sizeof(be64)), sizeof(be64));
	if (!t->count || !t->l2 || !t->l1) {
		qcow2_tables_close(t);
		return error_nomem(e, "the tables of a qcow2");
	}
	qcow2_count_use(t, 0);
	qcow2_count_use(t, FIRST_BLOCK);
	return 0;
}

void qcow2_tables_close(struct qcow2_tables *t)
{
	free(t->count);
	free(t->l2);
	free(t->l1);
	*t = (struct qcow2_tables){ 0 };
}
