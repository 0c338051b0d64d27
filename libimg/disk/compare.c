/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/pool.h"
#include "base/zero.h"
#include "disk/convert.h"

struct comparison {
	struct disk *a, *b;
	const struct convert_options *options;
	uint64_t common; /* bytes that both have */
	uint64_t size; /* of the longer */

	pthread_mutex_t lock; /* for all below */
	uint64_t pos;
	uint64_t differ_at;
	struct error error;
};

/* How far both are certainly zero from `off`. */
static int zero_run(struct comparison *c, uint64_t off, uint64_t *run, struct error *e)
{
	uint64_t end = c->size;
	struct disk *disk[] = { c->a, c->b };

	*run = 0;
	for (int i = 0; i < 2; i++) {
		struct extent x;
		int rc;

		if (off >= disk[i]->size)
			continue;
		rc = disk_extent(disk[i], off, &x, e);
		if (rc || !x.zero)
			return rc;
		/* Past the end of the shorter disk all is zero. */
		if (off + x.length < disk[i]->size)
			end = min_u64(end, off + x.length);
	}
	*run = end - off;
	return 0;
}

/* Takes the next range to read; false when there is none.  Lock held. */
static bool range_take(struct comparison *c, uint64_t *off)
{
	const struct convert_options *o = c->options;

	while (!c->error.code && c->pos < c->size && c->pos < c->differ_at) {
		uint64_t run;

		if (zero_run(c, c->pos, &run, &c->error))
			return false;
		if (!run) {
			*off = c->pos;
			c->pos = (c->pos / UNIT_SIZE + 1) * UNIT_SIZE;
			if (o->progress && o->progress(o->progress_arg, *off, c->size))
				error_set(&c->error, ERR_CANCELLED, "cancelled");
			return !c->error.code;
		}
		c->pos += run;
	}
	return false;
}

/* Bytes past the end of the shorter disk count as zeros. */
static int padded_read(struct disk *d, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	size_t have = off < d->size ? (size_t)min_u64(len, d->size - off) : 0;

	memset(buf + have, 0, len - have);
	return disk_read(d, have ? off : 0, buf, have, e);
}

static void range_compare(struct comparison *c, uint64_t off, uint8_t *a, uint8_t *b)
{
	uint64_t end = min_u64((off / UNIT_SIZE + 1) * UNIT_SIZE, c->size);
	size_t len = (size_t)(end - off), i = 0;
	struct error e = { 0 };
	int rc = padded_read(c->a, off, a, len, &e);

	if (!rc)
		rc = padded_read(c->b, off, b, len, &e);
	if (!rc && memcmp(a, b, len) != 0)
		while (a[i] == b[i])
			i++;
	else
		i = len;
	pthread_mutex_lock(&c->lock);
	if (rc && !c->error.code)
		c->error = e;
	if (!rc && i < len)
		c->differ_at = min_u64(c->differ_at, off + i);
	pthread_mutex_unlock(&c->lock);
}

static void compare_thread(void *arg)
{
	struct comparison *c = arg;
	uint8_t *both = malloc((size_t)2 * UNIT_SIZE);
	uint64_t off;
	bool more = both != NULL;

	if (!both) {
		pthread_mutex_lock(&c->lock);
		error_nomem(&c->error, "comparison");
		pthread_mutex_unlock(&c->lock);
	}
	while (more) {
		pthread_mutex_lock(&c->lock);
		more = range_take(c, &off);
		pthread_mutex_unlock(&c->lock);
		if (more)
			range_compare(c, off, both, both + UNIT_SIZE);
	}
	free(both);
}

int compare(struct disk *a, struct disk *b, bool strict, const struct convert_options *o,
	uint64_t *differ_at, struct error *e)
{
	struct comparison c = {
		.a = a,
		.b = b,
		.options = o,
		.common = min_u64(a->size, b->size),
		.size = max_u64(a->size, b->size),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.differ_at = UINT64_MAX,
	};

	pool_run(pool_threads(o->threads), compare_thread, &c);
	if (!c.error.code && o->progress)
		o->progress(o->progress_arg, c.size, c.size);
	if (c.error.code) {
		if (e)
			*e = c.error;
		return -c.error.code;
	}
	if (strict && a->size != b->size)
		c.differ_at = min_u64(c.differ_at, c.common);
	*differ_at = c.differ_at;
	return 0;
}
