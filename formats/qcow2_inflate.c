/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compressed clusters.  They lie close together, packed to the byte and perhaps not in guest order,
 * so a run of them is fetched as one range of the file and inflated from memory straight to the
 * caller.
 */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/checked.h"
#include "formats/qcow2.h"

/* Owned by one thread between pool_take and pool_give. */
struct qcow2_inflater {
	struct qcow2_inflater *next;
	struct libdeflate_decompressor *deflate; /* one of the two, by the image's type */
	ZSTD_DCtx *zstd;
	size_t fetched_size;
	uint8_t *fetched; /* compressed bytes */
	uint8_t *cluster; /* one inflated cluster */
};

static void inflater_close(struct qcow2_inflater *f)
{
	if (!f)
		return;
	if (f->deflate)
		libdeflate_free_decompressor(f->deflate);
	ZSTD_freeDCtx(f->zstd);
	free(f->fetched);
	free(f->cluster);
	free(f);
}

static int inflater_open(const struct qcow2 *q, struct qcow2_inflater **out, struct error *e)
{
	struct qcow2_inflater *f = calloc(1, sizeof(*f));

	if (!f)
		return error_nomem(e, "an inflater");
	if (q->compression == QCOW2_ZSTD)
		f->zstd = ZSTD_createDCtx();
	else
		f->deflate = libdeflate_alloc_decompressor();
	/* A descriptor can claim twice a cluster at most. */
	f->fetched_size = (size_t)max_u64(QCOW2_FETCH, 2 * (uint64_t)q->cluster);
	f->fetched = malloc(f->fetched_size);
	f->cluster = malloc(q->cluster);
	if ((!f->zstd && !f->deflate) || !f->fetched || !f->cluster) {
		inflater_close(f);
		return error_nomem(e, "an inflater");
	}
	*out = f;
	return 0;
}

void qcow2_pool_open(struct qcow2_pool *p)
{
	*p = (struct qcow2_pool){ .lock = PTHREAD_MUTEX_INITIALIZER };
	for (size_t i = 0; i < QCOW2_TURNS; i++)
		p->turn[i] = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void qcow2_pool_close(struct qcow2_pool *p)
{
	while (p->idle) {
		struct qcow2_inflater *f = p->idle;

		p->idle = f->next;
		inflater_close(f);
	}
	for (size_t i = 0; i < QCOW2_TURNS; i++)
		pthread_mutex_destroy(&p->turn[i]);
	pthread_mutex_destroy(&p->lock);
}

static int pool_take(struct qcow2 *q, struct qcow2_inflater **out, struct error *e)
{
	struct qcow2_inflater *f;

	pthread_mutex_lock(&q->pool.lock);
	f = q->pool.idle;
	if (f)
		q->pool.idle = f->next;
	pthread_mutex_unlock(&q->pool.lock);
	if (!f)
		return inflater_open(q, out, e);
	*out = f;
	return 0;
}

static void pool_give(struct qcow2 *q, struct qcow2_inflater *f)
{
	pthread_mutex_lock(&q->pool.lock);
	f->next = q->pool.idle;
	q->pool.idle = f;
	pthread_mutex_unlock(&q->pool.lock);
}

/* Raw deflate.  What follows the stream belongs to the next cluster. */
static bool deflate_decode(
	struct qcow2_inflater *f, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	size_t used, made;

	return libdeflate_deflate_decompress_ex(
		       f->deflate, in, in_len, out, out_len, &used, &made) == LIBDEFLATE_SUCCESS &&
		made == out_len;
}

/* Frame by frame, so that no window beside `out` is needed whatever a frame claims. */
static bool zstd_decode(
	struct qcow2_inflater *f, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	while (out_len) {
		size_t frame = ZSTD_findFrameCompressedSize(in, in_len);
		size_t made;

		if (ZSTD_isError(frame) || !frame)
			return false;
		made = ZSTD_decompressDCtx(f->zstd, out, out_len, in, frame);
		if (ZSTD_isError(made))
			return false;
		in += frame;
		in_len -= frame;
		out += made;
		out_len -= made;
	}
	return true;
}

static int cluster_decode(const struct qcow2 *q, struct qcow2_inflater *f,
	const struct qcow2_cluster *c, const uint8_t *in, uint8_t *out, struct error *e)
{
	bool good = q->compression == QCOW2_ZSTD
		? zstd_decode(f, in, c->stored, out, q->cluster)
		: deflate_decode(f, in, c->stored, out, q->cluster);

	if (good)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"compressed cluster at offset %llu (%u bytes) does not inflate to %u bytes",
		(unsigned long long)c->off, c->stored, q->cluster);
}

/* A range of the file and how much of it is wanted. */
struct range {
	uint64_t start, end;
	uint64_t wanted;
};

/* Takes clusters into the range while it fits the buffer and is not mostly gaps; at least one. */
static size_t range_grow(const struct qcow2_inflater *f, const struct qcow2_cluster *c,
	size_t count, struct range *out)
{
	struct range r = { c->off, c->off + c->stored, c->stored };
	size_t taken = 0;

	do {
		*out = r;
		if (++taken == count)
			break;
		r.start = min_u64(r.start, c[taken].off);
		r.end = max_u64(r.end, c[taken].off + c[taken].stored);
		r.wanted += c[taken].stored;
	} while (r.end - r.start <= f->fetched_size && r.end - r.start <= 2 * r.wanted);
	return taken;
}

static int inflate_run(struct qcow2 *q, struct qcow2_inflater *f, const struct qcow2_cluster *c,
	size_t count, uint8_t *buf, struct error *e)
{
	while (count) {
		struct range r;
		size_t taken = range_grow(f, c, count, &r);
		int rc = disk_read(q->file, r.start, f->fetched, (size_t)(r.end - r.start), e);

		for (size_t i = 0; i < taken && !rc; i++)
			rc = cluster_decode(q, f, &c[i], f->fetched + (c[i].off - r.start),
				buf + i * q->cluster, e);
		if (rc)
			return rc;
		c += taken;
		count -= taken;
		buf += taken * q->cluster;
	}
	return 0;
}

int qcow2_inflate(
	struct qcow2 *q, const struct qcow2_cluster *c, size_t count, uint8_t *buf, struct error *e)
{
	struct qcow2_inflater *f;
	int rc = pool_take(q, &f, e);

	if (rc)
		return rc;
	rc = inflate_run(q, f, c, count, buf, e);
	pool_give(q, f);
	return rc;
}

static int inflate_to_cache(struct qcow2 *q, const struct qcow2_cluster *c, size_t skip, void *buf,
	size_t len, struct error *e)
{
	struct qcow2_inflater *f;
	int rc = pool_take(q, &f, e);

	if (rc)
		return rc;
	rc = inflate_run(q, f, c, 1, f->cluster, e);
	if (!rc) {
		block_cache_put(q->clusters, c->off, f->cluster);
		memcpy(buf, f->cluster + skip, len);
	}
	pool_give(q, f);
	return rc;
}

int qcow2_inflate_part(struct qcow2 *q, const struct qcow2_cluster *c, size_t skip, void *buf,
	size_t len, struct error *e)
{
	/* Compressed clusters start anywhere; neighbours are told apart by their 4 KiB. */
	pthread_mutex_t *turn = &q->pool.turn[(c->off >> 12) % QCOW2_TURNS];
	int rc = 0;

	if (block_cache_get(q->clusters, c->off, skip, buf, len))
		return 0;
	pthread_mutex_lock(turn);
	if (!block_cache_get(q->clusters, c->off, skip, buf, len))
		rc = inflate_to_cache(q, c, skip, buf, len, e);
	pthread_mutex_unlock(turn);
	return rc;
}
