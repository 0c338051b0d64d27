/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads of any length: looked up in batches, and neighbours on the host fetched in one go. */
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2.h"

/* What is still wanted: `len` bytes, of which the first is at `skip` of a cluster. */
struct wanted {
	uint64_t off; /* in the guest */
	uint8_t *buf;
	size_t skip;
	size_t len;
};

static bool is_zero(const struct qcow2_cluster *c)
{
	return c->kind == QCOW2_BLANK || c->kind == QCOW2_ZERO;
}

/* How many of `count` clusters can be read together with the first. */
static size_t run_length(
	const struct qcow2 *q, const struct qcow2_cluster *c, size_t count, const struct wanted *w)
{
	size_t whole = (w->skip + w->len) / q->cluster;
	size_t run = 1;

	if (c->kind == QCOW2_COMPRESSED) {
		/* A cluster wanted in part goes through the cache, by itself. */
		if (w->skip || !whole)
			return 1;
		count = count < whole ? count : whole;
		while (run < count && c[run].kind == QCOW2_COMPRESSED)
			run++;
		return run;
	}
	if (c->kind == QCOW2_MIXED)
		return 1;
	while (run < count && c->kind == QCOW2_NOTHING && c[run].kind == QCOW2_NOTHING)
		run++;
	while (run < count && c->kind != QCOW2_NOTHING &&
		(is_zero(c) ? is_zero(&c[run])
			    : c[run].kind == QCOW2_PLAIN &&
					c[run].off == c[run - 1].off + q->cluster))
		run++;
	return run;
}

/* The last cluster of a file may be cut short; what is missing reads as zeros. */
static int plain_read(struct qcow2 *q, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	uint64_t there = off < q->content->size ? q->content->size - off : 0;
	size_t have = (size_t)min_u64(len, there);

	memset(buf + have, 0, len - have);
	return have ? disk_read(q->content, off, buf, have, e) : 0;
}

static int run_read(struct qcow2 *q, const struct qcow2_cluster *c, size_t run,
	const struct wanted *w, size_t len, struct error *e);

/* A cluster of subclusters that differ, as clusters of one kind each. */
static int mixed_read(struct qcow2 *q, const struct qcow2_cluster *c, const struct wanted *w,
	size_t len, struct error *e)
{
	struct wanted part = *w;
	size_t alike;

	for (size_t done = 0; done < len; done += alike) {
		struct qcow2_cluster one = { .off = c->off };
		int rc;

		part = (struct wanted){ w->off + done, w->buf + done, w->skip + done, len - done };
		one.kind = qcow2_part(q, c, part.skip, &alike);
		if (alike > part.len)
			alike = part.len;
		rc = run_read(q, &one, 1, &part, alike, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int run_read(struct qcow2 *q, const struct qcow2_cluster *c, size_t run,
	const struct wanted *w, size_t len, struct error *e)
{
	switch (c->kind) {
	case QCOW2_NOTHING:
		return chain_read(&q->below, w->off, w->buf, len, e);
	case QCOW2_BLANK:
	case QCOW2_ZERO:
		memset(w->buf, 0, len);
		return 0;
	case QCOW2_PLAIN:
		return plain_read(q, c->off + w->skip, w->buf, len, e);
	case QCOW2_COMPRESSED:
		if (len == run * q->cluster)
			return qcow2_inflate(q, c, run, w->buf, e);
		return qcow2_inflate_part(q, c, w->skip, w->buf, len, e);
	case QCOW2_MIXED:
		return mixed_read(q, c, w, len, e);
	}
	return error_set(e, ERR_CORRUPT, "no such kind of cluster: %d", (int)c->kind);
}

static int batch_read(struct qcow2 *q, const struct qcow2_cluster *c, size_t count,
	struct wanted *w, struct error *e)
{
	for (size_t i = 0; i < count && w->len;) {
		size_t run = run_length(q, c + i, count - i, w);
		size_t len = (size_t)min_u64(w->len, run * q->cluster - w->skip);
		int rc = run_read(q, c + i, run, w, len, e);

		if (rc)
			return rc;
		*w = (struct wanted){ w->off + len, w->buf + len, 0, w->len - len };
		i += run;
	}
	return 0;
}

int qcow2_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct qcow2 *q = (struct qcow2 *)d;
	struct qcow2_cluster c[QCOW2_BATCH];
	struct wanted w = { off, buf, (size_t)(off & (q->cluster - 1)), len };
	size_t count;
	int rc;

	if (q->refusal.code)
		return error_set(e, (enum error_code)q->refusal.code, "%s", q->refusal.text);
	while (w.len) {
		rc = qcow2_map(q, w.off, div_up(w.skip + w.len, q->cluster), c, &count, e);
		if (!rc)
			rc = batch_read(q, c, count, &w, e);
		if (rc)
			return rc;
	}
	return 0;
}
