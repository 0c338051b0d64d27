/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/overlay.h"
#include "disk/ranges.h"

enum {
	PIECE = 1 << 20, /* bytes compared at once */
	BLOCK = 4096, /* a block that is alike is not written */
};

struct scratch {
	struct disk disk;
	struct disk *below, *overlay;
	pthread_mutex_t lock;
	struct ranges written; /* bytes */
	struct error failure;
};

/* Under the lock; leaves it. */
static int done(struct scratch *s, int rc, const struct error *why, struct error *e)
{
	if (rc && !s->failure.code)
		s->failure = *why;
	pthread_mutex_unlock(&s->lock);
	if (rc && e)
		*e = *why;
	return rc;
}

static int scratch_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct scratch *s = (struct scratch *)d;
	struct error why = { 0 };

	pthread_mutex_lock(&s->lock);
	return done(s, disk_read(s->overlay, off, buf, len, &why), &why, e);
}

static int scratch_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct scratch *s = (struct scratch *)d;
	struct error why = { 0 };
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = ranges_add(&s->written, off, off + len, &why);
	if (!rc)
		rc = disk_write(s->overlay, off, buf, len, &why);
	return done(s, rc, &why, e);
}

static int scratch_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	struct scratch *s = (struct scratch *)d;
	struct error why = { 0 };
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = ranges_add(&s->written, off, off + len, &why);
	if (!rc)
		rc = disk_zero(s->overlay, off, len, &why);
	return done(s, rc, &why, e);
}

static int scratch_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct scratch *s = (struct scratch *)d;
	struct error why = { 0 };

	pthread_mutex_lock(&s->lock);
	return done(s, disk_extent(s->overlay, off, out, &why), &why, e);
}

static void scratch_close(struct disk *d)
{
	struct scratch *s = (struct scratch *)d;

	disk_close(s->overlay);
	ranges_free(&s->written);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct disk_ops scratch_ops = {
	.read = scratch_read,
	.write = scratch_write,
	.zero = scratch_zero,
	.extent = scratch_extent,
	.close = scratch_close,
};

int scratch_open(struct disk *below, const char *tmpdir, uint64_t memory_limit, struct disk **out,
	struct error *e)
{
	struct scratch *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(e, "a disk");
	s->disk = *below;
	s->disk.ops = &scratch_ops;
	s->below = below;
	rc = overlay_open(below, tmpdir, memory_limit, &s->overlay, e);
	if (rc) {
		free(s);
		return rc;
	}
	pthread_mutex_init(&s->lock, NULL);
	*out = &s->disk;
	return 0;
}

/* Of `len` bytes at `off`, new in `now` and old in `then`, writes the blocks that differ. */
static int piece_commit(struct scratch *s, uint64_t off, const uint8_t *now, const uint8_t *then,
	size_t len, struct error *e)
{
	int rc = 0;

	for (size_t at = 0, part; at < len && !rc; at += part) {
		part = (size_t)min_u64(BLOCK - (off + at) % BLOCK, len - at);
		if (memcmp(now + at, then + at, part) != 0)
			rc = disk_write(s->below, off + at, now + at, part, e);
	}
	return rc;
}

static int range_commit(struct scratch *s, const struct range *r, uint8_t *piece, struct error *e)
{
	int rc = 0;

	for (uint64_t off = r->start; off < r->end && !rc; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, r->end - off);

		rc = disk_read(s->overlay, off, piece, len, e);
		if (!rc)
			rc = disk_read(s->below, off, piece + PIECE, len, e);
		if (!rc)
			rc = piece_commit(s, off, piece, piece + PIECE, len, e);
	}
	return rc;
}

int scratch_commit(struct disk *scratch, struct error *e)
{
	struct scratch *s = (struct scratch *)scratch;
	uint8_t *piece = malloc((size_t)2 * PIECE);
	int rc = 0;

	if (!piece)
		return error_nomem(e, "a disk");
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->written.count && !rc; i++)
		rc = range_commit(s, &s->written.range[i], piece, e);
	if (!rc)
		ranges_free(&s->written);
	pthread_mutex_unlock(&s->lock);
	free(piece);
	return rc;
}

int scratch_failure(struct disk *scratch, struct error *e)
{
	struct scratch *s = (struct scratch *)scratch;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = -s->failure.code;
	if (rc && e)
		*e = s->failure;
	pthread_mutex_unlock(&s->lock);
	return rc;
}
