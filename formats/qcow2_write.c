/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes qcow2: the writer's life. */
#include "formats/qcow2_write.h"

#include <stdlib.h>
#include <string.h>

static struct qcow2_writer *writer_of(struct writer *w)
{
	return (struct qcow2_writer *)w;
}

static int qcow2_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct qcow2_tables *t = &writer_of(w)->tables;
	struct qcow2_ends ends;
	int rc = qcow2_tables_end(t, e);

	(void)c;
	if (!rc)
		rc = qcow2_tail_write(t, &ends, e);
	if (rc)
		return rc;
	w->file_size = ends.file_size;
	/* The L2 tables are written: their memory serves again. */
	memset(t->l2, 0, t->cluster);
	rc = qcow2_head_fill(&writer_of(w)->plan, &ends, (uint8_t *)t->l2, e);
	return rc ? rc : output_write(t->file, 0, t->l2, t->cluster, e);
}

static void qcow2_writer_close(struct writer *w)
{
	struct qcow2_writer *q = writer_of(w);

	qcow2_tables_close(&q->tables);
	qcow2_deflaters_close(q->deflaters);
	free(q->placed);
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
	const struct qcow2_plan *p = &q->plan;
	uint32_t cluster = UINT32_C(1) << p->cluster_bits;
	const struct qcow2_ends unknown = { 0 };
	int rc;

	q->writer.ops = &qcow2_writer_ops;
	q->writer.unit = cluster > UNIT_SIZE ? cluster : UNIT_SIZE;
	q->parts = p->extended_l2 ? QCOW2_SUBCLUSTERS : 1;
	q->part = cluster / q->parts;
	q->zeros_stored = p->parent && p->version == 2;
	q->writer.pieces_max = q->writer.unit / q->part;
	q->writer.blind = !p->compress;
	q->writer.scratch_size = p->compress ? q->writer.unit : 0;
	q->placed = calloc(q->writer.unit / cluster, sizeof(*q->placed));
	if (!q->placed)
		return error_nomem(e, "a qcow2");
	rc = qcow2_tables_open(&q->tables, p, file, e);
	/* A name that does not fit is to be known before all the work. */
	if (!rc)
		rc = qcow2_head_fill(p, &unknown, (uint8_t *)q->tables.l2, e);
	if (rc || !p->compress)
		return rc;
	return qcow2_deflaters_open(p, &q->deflaters, e);
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
