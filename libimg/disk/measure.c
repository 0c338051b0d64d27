/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { ALIGNMENT = 4096, CANCEL_UNITS = 4096 };

/* A unit of data, encoded once for all places that it goes to. */
struct sample {
	struct block block;
	uint8_t *changed; /* of a child: everything differs from its parent */
	struct piece *piece; /* as encode left them: place changes those of the block */
	size_t pieces;
};

static int sample_open(struct sample *s, const struct writer *w, struct error *e)
{
	size_t pieces = w->pieces_max ? w->pieces_max : 1;
	size_t changes = div_up(w->unit, (size_t)CHANGE_SIZE * 8);
	uint64_t noise = UINT64_C(0x9e3779b97f4a7c15);

	s->block.data = aligned_alloc(ALIGNMENT, w->unit);
	s->block.piece = calloc(pieces, sizeof(*s->block.piece));
	s->block.changed = s->changed = malloc(changes);
	s->piece = calloc(pieces, sizeof(*s->piece));
	if (w->scratch_size)
		s->block.scratch = aligned_alloc(ALIGNMENT, round_up(w->scratch_size, ALIGNMENT));
	if (!s->block.data || !s->block.piece || !s->changed || !s->piece ||
		(w->scratch_size && !s->block.scratch))
		return error_nomem(e, "a measurement");
	memset(s->changed, 0xff, changes);
	/* Marsaglia's xorshift64: nothing that a compressor makes smaller. */
	for (size_t i = 0; i < w->unit; i += sizeof(noise)) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		memcpy(s->block.data + i, &noise, sizeof(noise));
	}
	return 0;
}

static void sample_close(struct sample *s)
{
	free(s->block.data);
	free(s->block.piece);
	free(s->block.scratch);
	free(s->changed);
	free(s->piece);
}

static int sample_encode(struct sample *s, const struct writer *w, size_t len, struct error *e)
{
	struct block *b = &s->block;
	int rc;

	b->len = len;
	b->chunks = UINT64_MAX;
	memset(b->data + len, 0, w->unit - len);
	b->piece[0] = (struct piece){ .bytes = b->data, .len = len };
	b->pieces = 1;
	rc = w->ops->encode ? w->ops->encode(w, b, e) : 0;
	if (rc)
		return rc;
	s->pieces = b->pieces;
	memcpy(s->piece, b->piece, b->pieces * sizeof(*b->piece));
	return 0;
}

static int sample_place(struct sample *s, struct writer *w, uint64_t off, struct error *e)
{
	struct block *b = &s->block;

	b->off = off;
	b->pieces = s->pieces;
	memcpy(b->piece, s->piece, s->pieces * sizeof(*s->piece));
	return w->ops->place(w, b, e);
}

static int cancel_check(
	const struct convert_options *o, uint64_t unit, uint64_t total, struct error *e)
{
	if (unit % CANCEL_UNITS == 0 && o->progress && o->progress(o->progress_arg, 0, total))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

int measure_full(struct writer *w, uint64_t size, const struct convert_options *o,
	uint64_t *file_size, struct error *e)
{
	const struct content_summary all = { .data_bytes = size };
	struct sample s = { 0 };
	int rc = sample_open(&s, w, e);

	for (uint64_t off = 0; !rc && off < size; off += w->unit) {
		size_t len = (size_t)min_u64(w->unit, size - off);

		rc = cancel_check(o, off / w->unit, size, e);
		if (!rc && len != s.block.len)
			rc = sample_encode(&s, w, len, e);
		if (!rc)
			rc = sample_place(&s, w, off, e);
	}
	if (!rc)
		rc = w->ops->finish(w, &all, e);
	if (!rc)
		*file_size = w->file_size;
	sample_close(&s);
	return rc;
}
