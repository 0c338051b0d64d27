/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a new qcow2: the L1 table, the refcount table and the refcounts of both. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_write.h"

/* The end of the file, in clusters: L1, refcount table, and the refcount blocks that both add. */
struct tail {
	uint64_t start;
	uint64_t l1;
	uint64_t reftable;
	uint64_t blocks;
	uint64_t end;
};

static uint64_t tail_block(const struct tail *s)
{
	return s->start + s->l1 + s->reftable;
}

/* Each round makes it longer by less, so that it ends. */
static void tail_plan(const struct qcow2_tables *t, struct tail *s)
{
	uint64_t before;

	*s = (struct tail){ .start = t->next };
	s->l1 = div_up(t->l1_count * sizeof(be64), t->cluster);
	do {
		uint64_t blocks = div_up(tail_block(s) + s->blocks, t->per_block);

		before = s->reftable + s->blocks;
		blocks = max_u64(blocks, t->block + 1);
		s->blocks = blocks - (t->block + 1);
		s->reftable = div_up(blocks * sizeof(be64), t->cluster);
	} while (s->reftable + s->blocks != before);
	s->end = tail_block(s) + s->blocks;
}

/* The refcounts of the tail, from the block begun. */
static int tail_count(struct qcow2_tables *t, const struct tail *s, struct error *e)
{
	uint64_t last = t->block + s->blocks, place = qcow2_block_place(t, t->block);
	uint64_t number = s->start;

	for (uint64_t n = t->block; n <= last; n++) {
		int rc;

		for (; number < s->end && number / t->per_block == n; number++)
			qcow2_count_use(t, number);
		rc = qcow2_write_cluster(t, place, t->count, e);
		if (rc)
			return rc;
		memset(t->count, 0, t->cluster);
		place = tail_block(s) + (n - t->block);
	}
	return 0;
}

static int reftable_write(struct qcow2_tables *t, const struct tail *s, struct error *e)
{
	uint64_t per = t->cluster / sizeof(be64), n = 0;
	int rc = 0;

	/* The L2 table is written: its memory serves again. */
	for (uint64_t i = 0; i < s->reftable && !rc; i++) {
		memset(t->l2, 0, t->cluster);
		for (uint64_t k = 0; k < per && n <= t->block + s->blocks; k++, n++) {
			uint64_t place = n <= t->block ? qcow2_block_place(t, n)
						       : tail_block(s) + (n - t->block - 1);

			t->l2[k] = put_be64(place << t->cluster_bits);
		}
		rc = qcow2_write_cluster(t, s->start + s->l1 + i, t->l2, e);
	}
	return rc;
}

int qcow2_tail_write(struct qcow2_tables *t, struct qcow2_ends *out, struct error *e)
{
	struct tail s;
	int rc;

	tail_plan(t, &s);
	if (s.end > t->limit)
		return qcow2_no_room(t, e);
	*out = (struct qcow2_ends){
		.l1_off = s.start << t->cluster_bits,
		.refcount_off = (s.start + s.l1) << t->cluster_bits,
		.refcount_clusters = (uint32_t)s.reftable,
		.l1_size = (uint32_t)t->l1_count,
		.file_size = s.end << t->cluster_bits,
	};
	rc = tail_count(t, &s, e);
	if (!rc)
		rc = reftable_write(t, &s, e);
	if (!rc)
		rc = output_write(
			t->file, out->l1_off, t->l1, (size_t)(s.l1 << t->cluster_bits), e);
	return rc;
}
