/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/convert.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/pool.h"
#include "base/zero.h"

/*
 * The guest is cut into units.  Every thread does whatever is next: place the oldest finished unit,
 * write a placed one, or read a new one.  Only placing is ordered, and it alone decides where bytes
 * go.
 */

enum {
	CHUNKS = 64, /* of a unit: zero runs of whole chunks are left as holes */
	PARTS = UNIT_MAX / UNIT_SIZE,
	ALIGNMENT = 4096,
};

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READ, SLOT_PLACING, SLOT_PLACED, SLOT_WRITING };

struct slot {
	struct block block;
	enum slot_state state;
	uint64_t sequence;
	uint64_t chunks; /* bit set: the chunk is not all zero */
	uint8_t digest[PARTS][FAST_DIGEST_SIZE]; /* of each UNIT_SIZE bytes that are not all zero */
};

struct engine {
	/* Constant while threads run. */
	struct disk *source;
	struct writer *writer;
	struct output *file;
	const struct convert_options *options;
	struct slot *slot;
	unsigned slots;
	size_t unit, chunk; /* bytes */
	bool holes;

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

	while (g->pos < g->source->size && !g->error.code) {
		struct extent x;

		if (disk_extent(g->source, g->pos, &x, &e)) {
			engine_fail(g, g->next_read, &e);
			return false;
		}
		if (!x.zero) {
			*off = g->pos / g->unit * g->unit;
			g->pos = *off + g->unit;
			return true;
		}
		g->pos += x.length;
	}
	g->end = true;
	return false;
}

static uint64_t chunks_with_data(const uint8_t *data, size_t len, size_t chunk)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < CHUNKS && i * chunk < len; i++) {
		size_t at = i * chunk;

		if (!bytes_are_zero(data + at, len - at < chunk ? len - at : chunk))
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

/* Whether the part of the unit that has its own digest holds data. */
static bool part_has_data(const struct engine *g, const struct slot *s, size_t part)
{
	size_t each = UNIT_SIZE / g->chunk; /* chunks */
	uint64_t mask = each == CHUNKS ? UINT64_MAX : (UINT64_C(1) << each) - 1;

	return s->chunks >> part * each & mask;
}

static int slot_read(struct engine *g, struct slot *s, struct error *e)
{
	struct block *b = &s->block;
	int rc = disk_read(g->source, b->off, b->data, b->len, e);

	if (rc)
		return rc;
	s->chunks = chunks_with_data(b->data, b->len, g->chunk);
	if (!s->chunks)
		return 0;
	memset(b->data + b->len, 0, g->unit - b->len);
	for (size_t i = 0; i < g->unit / UNIT_SIZE; i++)
		if (part_has_data(g, s, i))
			fast_digest(b->data + i * UNIT_SIZE, UNIT_SIZE, s->digest[i]);
	b->piece[0] = (struct piece){ .bytes = b->data, .len = b->len };
	b->pieces = 1;
	return g->writer->ops->encode ? g->writer->ops->encode(g->writer, b, e) : 0;
}

/* The guest's bytes as they are, without their zero chunks. */
static int data_write(struct engine *g, struct slot *s, struct error *e)
{
	const struct piece *p = s->block.piece;
	unsigned i = 0;

	while (i < CHUNKS) {
		size_t at = i * g->chunk, end;
		int rc;

		if (!(s->chunks >> i & 1)) {
			i++;
			continue;
		}
		while (i < CHUNKS && s->chunks >> i & 1)
			i++;
		end = i * g->chunk < p->len ? i * g->chunk : p->len;
		rc = output_write(g->file, p->file_off + at, p->bytes + at, end - at, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int slot_write(struct engine *g, struct slot *s, struct error *e)
{
	const struct block *b = &s->block;
	int rc = 0;

	if (g->holes && b->pieces == 1 && b->piece->bytes == b->data && b->piece->len == b->len)
		return data_write(g, s, e);
	for (size_t i = 0; !rc && i < b->pieces; i++)
		rc = output_write(
			g->file, b->piece[i].file_off, b->piece[i].bytes, b->piece[i].len, e);
	return rc;
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
static int digest_note(struct engine *g, const struct slot *s, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < g->unit / UNIT_SIZE; i++) {
		uint64_t off = s->block.off + i * UNIT_SIZE;

		if (!part_has_data(g, s, i))
			continue;
		g->data_bytes += min_u64(UNIT_SIZE, g->source->size - off);
		rc = digest_add_part(g, off, s->digest[i], e);
	}
	return rc;
}

static int progress_tell(struct engine *g, uint64_t done, struct error *e)
{
	const struct convert_options *o = g->options;

	if (o->progress && o->progress(o->progress_arg, done, g->source->size))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* What is done for each unit in order, by one thread at a time, while the others go on. */
static int unit_place(struct engine *g, struct slot *s, struct error *e)
{
	const struct convert_options *o = g->options;
	int rc = progress_tell(g, s->block.off, e);

	if (rc || !s->chunks)
		return rc;
	rc = digest_note(g, s, e);
	if (!rc)
		rc = g->writer->ops->place(g->writer, &s->block, e);
	if (!rc && o->placed)
		rc = o->placed(o->placed_arg, &s->block, e);
	return rc;
}

/* Lock held before and after. */
static void slot_place(struct engine *g, struct slot *s)
{
	bool write = s->chunks && !g->options->placed;
	struct error e = { 0 };
	int rc;

	s->state = SLOT_PLACING;
	pthread_mutex_unlock(&g->lock);
	rc = unit_place(g, s, &e);
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
	idle->block.off = off;
	idle->block.len = (size_t)min_u64(g->unit, g->source->size - off);
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
	rc = done == SLOT_READ ? slot_read(g, s, &e) : slot_write(g, s, &e);
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

static int block_open(struct block *b, const struct writer *w, struct error *e)
{
	size_t scratch = w->scratch_size;

	b->data = aligned_alloc(ALIGNMENT, w->unit);
	b->piece = calloc(w->pieces_max ? w->pieces_max : 1, sizeof(*b->piece));
	if (scratch)
		b->scratch = aligned_alloc(ALIGNMENT, round_up(scratch, ALIGNMENT));
	if (!b->data || !b->piece || (scratch && !b->scratch))
		return error_nomem(e, "conversion");
	return 0;
}

static int slots_open(struct engine *g, unsigned threads, struct error *e)
{
	int rc = 0;

	g->slots = threads * 2 + 1;
	g->slot = calloc(g->slots, sizeof(*g->slot));
	if (!g->slot)
		return error_nomem(e, "conversion");
	for (unsigned i = 0; !rc && i < g->slots; i++)
		rc = block_open(&g->slot[i].block, g->writer, e);
	return rc;
}

static void slots_close(struct engine *g)
{
	for (unsigned i = 0; g->slot && i < g->slots; i++) {
		free(g->slot[i].block.data);
		free(g->slot[i].block.piece);
		free(g->slot[i].block.scratch);
	}
	free(g->slot);
	buffer_free(&g->digests);
}

static int engine_finish(struct engine *g, struct convert_result *result, struct error *e)
{
	struct content_summary *c = &result->content;
	le64 size = put_le64(g->source->size);
	int rc = buffer_append(&g->digests, &size, sizeof(size), e);

	if (rc)
		return rc;
	fast_digest(g->digests.data, g->digests.len, c->digest);
	c->data_bytes = g->data_bytes;
	rc = g->writer->ops->finish(g->writer, c, e);
	if (!rc)
		rc = progress_tell(g, g->source->size, e);
	result->file_size = g->writer->file_size;
	return rc;
}

int convert(struct disk *source, struct writer *writer, struct output *file,
	const struct convert_options *o, struct convert_result *result, struct error *e)
{
	unsigned threads = pool_threads(o->threads);
	struct engine g = {
		.source = source,
		.writer = writer,
		.file = file,
		.options = o,
		.unit = writer->unit,
		.chunk = writer->unit / CHUNKS,
		.holes = output_is_fresh(file),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.change = PTHREAD_COND_INITIALIZER,
	};
	int rc = slots_open(&g, threads, e);

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
