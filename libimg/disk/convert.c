/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/convert.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/pool.h"
#include "disk/transfer.h"

/*
 * The guest is cut into units.  Every thread does whatever is next: place the oldest finished unit,
 * write a placed one, or read a new one.  Only placing is ordered, and it alone decides where bytes
 * go.
 */

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READ, SLOT_PLACING, SLOT_PLACED, SLOT_WRITING };

struct slot {
	struct unit unit;
	enum slot_state state;
	uint64_t sequence;
};

struct engine {
	struct transfer transfer;
	struct slot *slot;
	unsigned slots;

	/* Only the thread that places touches these. */
	struct buffer digests; /* of the placed units, hashed again when there are many */
	uint64_t data_bytes;

	pthread_mutex_t lock; /* for all below, and for the state of each slot */
	pthread_cond_t change;
	uint64_t pos; /* guest offset from which the next unit is looked for */
	uint64_t next_read, next_place; /* sequence numbers */
	bool end; /* no more units */
	uint64_t failed_sequence;
	struct error error; /* of the lowest failing unit; code 0 while there is none */
};

/* Called with the lock held. */
static void engine_fail(struct engine *g, uint64_t sequence, const struct error *e)
{
	if (!g->error.code || sequence < g->failed_sequence) {
		g->error = *e;
		g->failed_sequence = sequence;
	}
}

/* Finds the next unit that may hold data; false at the end.  Lock held. */
static bool unit_next(struct engine *g, uint64_t *off)
{
	struct error e = { 0 };
	bool found = false;

	if (unit_find(&g->transfer, &g->pos, off, &found, &e))
		engine_fail(g, g->next_read, &e);
	else if (!found)
		g->end = true;
	return found;
}

static int digest_add_part(struct engine *g, uint64_t off, const uint8_t *digest, struct error *e)
{
	enum { FOLD = 1 << 20 };
	le64 where = put_le64(off);
	int rc = 0;

	if (g->digests.len >= FOLD) {
		uint8_t folded[FAST_DIGEST_SIZE];

		fast_digest(g->digests.data, g->digests.len, folded);
		g->digests.len = 0;
		rc = buffer_append(&g->digests, folded, sizeof(folded), e);
	}
	if (!rc)
		rc = buffer_append(&g->digests, &where, sizeof(where), e);
	return rc ? rc : buffer_append(&g->digests, digest, FAST_DIGEST_SIZE, e);
}

/* The digest of the content: of the part digests and offsets, folded when they would fill memory.
 */
static int digest_note(struct engine *g, const struct unit *u, struct error *e)
{
	const struct transfer *t = &g->transfer;
	int rc = 0;

	for (size_t i = 0; !rc && i < t->unit / UNIT_SIZE; i++) {
		uint64_t off = u->block.off + i * UNIT_SIZE;

		if (!u->part_kept[i])
			continue;
		g->data_bytes += min_u64(UNIT_SIZE, t->source->size - off);
		if (!t->options->trust)
			rc = digest_add_part(g, off, u->digest[i], e);
	}
	return rc;
}

static int progress_tell(struct engine *g, uint64_t done, struct error *e)
{
	const struct convert_options *o = g->transfer.options;

	if (o->progress && o->progress(o->progress_arg, done, g->transfer.source->size))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* What is done for each unit in order, by one thread at a time, while the others go on. */
static int unit_place(struct engine *g, struct unit *u, struct error *e)
{
	const struct transfer *t = &g->transfer;
	const struct convert_options *o = t->options;
	int rc = progress_tell(g, u->block.off, e);

	if (rc || !u->kept)
		return rc;
	rc = digest_note(g, u, e);
	if (!rc)
		rc = t->writer->ops->place(t->writer, &u->block, e);
	if (!rc && o->placed)
		rc = o->placed(o->placed_arg, &u->block, e);
	return rc;
}

/* Lock held before and after. */
static void slot_place(struct engine *g, struct slot *s)
{
	bool write = s->unit.kept && !g->transfer.options->placed;
	struct error e = { 0 };
	int rc;

	s->state = SLOT_PLACING;
	pthread_mutex_unlock(&g->lock);
	rc = unit_place(g, &s->unit, &e);
	pthread_mutex_lock(&g->lock);
	g->next_place++;
	s->state = !rc && write ? SLOT_PLACED : SLOT_FREE;
	if (rc)
		engine_fail(g, s->sequence, &e);
}

/* What to do next with the lock held; NULL: nothing now. */
static struct slot *slot_choose(struct engine *g)
{
	struct slot *idle = NULL;
	uint64_t off;

	for (unsigned i = 0; i < g->slots; i++) {
		struct slot *s = &g->slot[i];

		if (s->state == SLOT_READ && s->sequence == g->next_place && !g->error.code)
			return s;
		if (s->state == SLOT_FREE && !idle)
			idle = s;
	}
	for (unsigned i = 0; i < g->slots; i++)
		if (g->slot[i].state == SLOT_PLACED)
			return &g->slot[i];
	if (!idle || g->end || g->error.code || !unit_next(g, &off))
		return NULL;
	idle->state = SLOT_READING;
	idle->sequence = g->next_read++;
	idle->unit.block.off = off;
	idle->unit.block.len = (size_t)min_u64(g->transfer.unit, g->transfer.source->size - off);
	return idle;
}

/* Does the part of the work that needs no lock, then tells the others.  Lock held before and after.
 */
static void slot_work(struct engine *g, struct slot *s)
{
	enum slot_state done = s->state == SLOT_READING ? SLOT_READ : SLOT_FREE;
	struct error e = { 0 };
	int rc;

	if (s->state == SLOT_PLACED)
		s->state = SLOT_WRITING;
	pthread_mutex_unlock(&g->lock);
	rc = done == SLOT_READ ? unit_read(&g->transfer, &s->unit, &e)
			       : unit_write(&g->transfer, &s->unit, &e);
	pthread_mutex_lock(&g->lock);
	s->state = done;
	if (rc)
		engine_fail(g, s->sequence, &e);
}

static bool engine_idle(const struct engine *g)
{
	for (unsigned i = 0; i < g->slots; i++)
		if (g->slot[i].state == SLOT_READING || g->slot[i].state == SLOT_WRITING ||
			g->slot[i].state == SLOT_PLACING || g->slot[i].state == SLOT_PLACED ||
			(g->slot[i].state == SLOT_READ && !g->error.code))
			return false;
	return g->end || g->error.code;
}

static void engine_thread(void *arg)
{
	struct engine *g = arg;

	pthread_mutex_lock(&g->lock);
	for (;;) {
		struct slot *s = slot_choose(g);

		if (s && s->state == SLOT_READ)
			slot_place(g, s);
		else if (s)
			slot_work(g, s);
		else if (engine_idle(g))
			break;
		else {
			pthread_cond_wait(&g->change, &g->lock);
			continue;
		}
		pthread_cond_broadcast(&g->change);
	}
	pthread_cond_broadcast(&g->change);
	pthread_mutex_unlock(&g->lock);
}

static int slots_open(struct engine *g, unsigned threads, struct error *e)
{
	int rc = 0;

	g->slots = threads * 2 + 1;
	g->slot = calloc(g->slots, sizeof(*g->slot));
	if (!g->slot)
		return error_nomem(e, "conversion");
	for (unsigned i = 0; !rc && i < g->slots; i++)
		rc = unit_open(&g->slot[i].unit, &g->transfer, e);
	return rc;
}

static void slots_close(struct engine *g)
{
	for (unsigned i = 0; g->slot && i < g->slots; i++)
		unit_close(&g->slot[i].unit);
	free(g->slot);
	buffer_free(&g->digests);
}

static int engine_finish(struct engine *g, struct convert_result *result, struct error *e)
{
	const struct transfer *t = &g->transfer;
	struct content_summary *c = &result->content;
	le64 size = put_le64(t->source->size);
	int rc = buffer_append(&g->digests, &size, sizeof(size), e);

	if (rc)
		return rc;
	fast_digest(g->digests.data, g->digests.len, c->digest);
	if (t->options->trust)
		memcpy(c->digest, t->options->stand_in, sizeof(c->digest));
	c->data_bytes = g->data_bytes;
	rc = t->writer->ops->finish(t->writer, c, e);
	if (!rc)
		rc = progress_tell(g, t->source->size, e);
	result->file_size = t->writer->file_size;
	return rc;
}

int convert(struct disk *source, struct writer *writer, struct output *file,
	const struct convert_options *o, struct convert_result *result, struct error *e)
{
	unsigned threads = pool_threads(o->threads);
	struct engine g = {
		.transfer = {
			.source = source,
			.writer = writer,
			.file = file,
			.options = o,
			.unit = writer->unit,
			.chunk = writer->unit / BLOCK_CHUNKS,
			.holes = output_is_fresh(file),
			.clones = o->origin != NULL,
		},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.change = PTHREAD_COND_INITIALIZER,
	};
	int rc;

	if (o->trust && writer->ops->encode && !writer->blind)
		return error_set(e, ERR_UNSUPPORTED,
			"this output is made from the data itself, which has to be read");
	rc = slots_open(&g, threads, e);
	if (!rc) {
		pool_run(threads, engine_thread, &g);
		if (g.error.code) {
			if (e)
				*e = g.error;
			rc = -g.error.code;
		}
	}
	if (!rc)
		rc = engine_finish(&g, result, e);
	slots_close(&g);
	return rc;
}
