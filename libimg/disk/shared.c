/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/shared.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/format.h"

/*
 * Nobody deadlocks: only a reader that is ahead of the slowest waits for room, and the slowest goes
 * on without any.  A unit that is being loaded waits for nobody.
 */

enum cell_state { CELL_EMPTY, CELL_LOADING, CELL_READY };

/* Place for one unit. */
struct cell {
	enum cell_state state;
	uint64_t unit;
	unsigned users; /* threads that copy from it */
	uint8_t *data;
};

/* A thread of a reader that is in a unit. */
struct visit {
	uint64_t unit;
	struct visit *next;
};

struct reader {
	struct disk disk;
	struct shared *shared;
	bool running;
	uint64_t front; /* the highest unit that was asked for */
	struct visit *visits;
};

struct shared {
	struct disk *below;
	struct reader *reader;
	struct cell *cell;
	unsigned readers, cells;
	pthread_mutex_t lock; /* for what readers and cells hold, except the bytes of a used cell */
	pthread_cond_t change;
};

/* Units below it are behind the reader. */
static uint64_t reader_position(const struct reader *r)
{
	uint64_t at = r->front;

	for (const struct visit *v = r->visits; v; v = v->next)
		at = min_u64(at, v->unit);
	return at;
}

/* Where the slowest is; UINT64_MAX when all have left. */
static uint64_t slowest_position(const struct shared *s)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < s->readers; i++)
		if (s->reader[i].running)
			at = min_u64(at, reader_position(&s->reader[i]));
	return at;
}

static struct cell *cell_of(const struct shared *s, uint64_t unit)
{
	for (unsigned i = 0; i < s->cells; i++)
		if (s->cell[i].state != CELL_EMPTY && s->cell[i].unit == unit)
			return &s->cell[i];
	return NULL;
}

static bool others_run(const struct shared *s, const struct reader *r)
{
	for (unsigned i = 0; i < s->readers; i++)
		if (s->reader[i].running && &s->reader[i] != r)
			return true;
	return false;
}

/* A cell that holds nothing anybody still comes to. */
static struct cell *cell_free(const struct shared *s, uint64_t slowest)
{
	for (unsigned i = 0; i < s->cells; i++) {
		struct cell *c = &s->cell[i];

		if (c->state == CELL_EMPTY ||
			(c->state == CELL_READY && !c->users && c->unit < slowest))
			return c;
	}
	return NULL;
}

/* Fills the cell.  Lock held before and after. */
static int cell_load(struct shared *s, struct cell *c, uint64_t unit, struct error *e)
{
	uint64_t off = unit * UNIT_SIZE;
	int rc;

	c->state = CELL_LOADING;
	c->unit = unit;
	pthread_mutex_unlock(&s->lock);
	rc = disk_read(s->below, off, c->data, (size_t)min_u64(UNIT_SIZE, s->below->size - off), e);
	pthread_mutex_lock(&s->lock);
	/* Whoever waits for it tries by himself, and gets the error of his own try. */
	c->state = rc ? CELL_EMPTY : CELL_READY;
	pthread_cond_broadcast(&s->change);
	return rc;
}

/* Sets *out to the cell that has the unit, NULL: it is to be read from below.  Lock held. */
static int cell_get(struct reader *r, uint64_t unit, struct cell **out, struct error *e)
{
	struct shared *s = r->shared;

	for (;;) {
		uint64_t slowest = slowest_position(s);
		struct cell *c = cell_of(s, unit);

		*out = NULL;
		if (c && c->state == CELL_READY) {
			*out = c;
			return 0;
		}
		if (!c && (!r->running || unit < slowest || !others_run(s, r)))
			return 0;
		if (!c) {
			c = cell_free(s, slowest);
			if (c) {
				*out = c;
				return cell_load(s, c, unit, e);
			}
			if (reader_position(r) == slowest)
				return 0;
		}
		pthread_cond_wait(&s->change, &s->lock);
	}
}

/* Part of one unit. */
static int unit_part_read(struct reader *r, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	struct shared *s = r->shared;
	struct cell *c;
	int rc = cell_get(r, off / UNIT_SIZE, &c, e);

	if (!rc && c)
		c->users++;
	pthread_mutex_unlock(&s->lock);
	if (!rc && c)
		memcpy(buf, c->data + off % UNIT_SIZE, len);
	else if (!rc)
		rc = disk_read(s->below, off, buf, len, e);
	pthread_mutex_lock(&s->lock);
	if (!rc && c)
		c->users--;
	return rc;
}

static void visit_end(struct reader *r, struct visit *v)
{
	struct visit **at = &r->visits;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
}

static int reader_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct reader *r = (struct reader *)d;
	struct shared *s = r->shared;
	uint8_t *to = buf;
	int rc = 0;

	while (!rc && len) {
		size_t part = (size_t)min_u64(len, UNIT_SIZE - off % UNIT_SIZE);
		struct visit v = { .unit = off / UNIT_SIZE };

		pthread_mutex_lock(&s->lock);
		v.next = r->visits;
		r->visits = &v;
		r->front = max_u64(r->front, v.unit);
		/* Others may have waited for this reader to come here. */
		pthread_cond_broadcast(&s->change);
		rc = unit_part_read(r, off, to, part, e);
		visit_end(r, &v);
		pthread_cond_broadcast(&s->change);
		pthread_mutex_unlock(&s->lock);
		off += part;
		to += part;
		len -= part;
	}
	return rc;
}

static int reader_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	return disk_extent(((struct reader *)d)->shared->below, off, out, e);
}

static void reader_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops reader_ops = {
	.read = reader_read,
	.extent = reader_extent,
	.close = reader_close,
};

int shared_open(
	struct disk *below, unsigned readers, unsigned window, struct shared **out, struct error *e)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (!s)
		return error_nomem(e, "a shared disk");
	s->below = below;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->change, NULL);
	s->reader = calloc(readers, sizeof(*s->reader));
	s->cell = calloc(window, sizeof(*s->cell));
	for (; s->cell && s->cells < window; s->cells++) {
		s->cell[s->cells].data = malloc(UNIT_SIZE);
		if (!s->cell[s->cells].data)
			break;
	}
	if (!s->reader || s->cells < window) {
		shared_close(s);
		return error_nomem(e, "a shared disk");
	}
	for (; s->readers < readers; s->readers++) {
		struct reader *r = &s->reader[s->readers];

		r->disk = *below;
		r->disk.ops = &reader_ops;
		r->shared = s;
		r->running = true;
	}
	*out = s;
	return 0;
}

struct disk *shared_reader(struct shared *s, unsigned index)
{
	return &s->reader[index].disk;
}

void shared_leave(struct shared *s, unsigned index)
{
	pthread_mutex_lock(&s->lock);
	s->reader[index].running = false;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
}

void shared_close(struct shared *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->cells; i++)
		free(s->cell[i].data);
	pthread_cond_destroy(&s->change);
	pthread_mutex_destroy(&s->lock);
	free(s->cell);
	free(s->reader);
	free(s);
}
