/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"
#include "disk/transfer.h"

enum { ALIGNMENT = 4096 };

int unit_open(struct unit *u, const struct transfer *t, struct error *e)
{
	const struct writer *w = t->writer;
	struct block *b = &u->block;
	size_t scratch = w->scratch_size;

	b->data = aligned_alloc(ALIGNMENT, w->unit);
	b->piece = calloc(w->pieces_max ? w->pieces_max : 1, sizeof(*b->piece));
	if (scratch)
		b->scratch = aligned_alloc(ALIGNMENT, round_up(scratch, ALIGNMENT));
	if (t->options->parent) {
		u->parent = aligned_alloc(ALIGNMENT, w->unit);
		u->changed = malloc(w->unit / CHANGE_SIZE / 8);
	}
	if (!b->data || !b->piece || (scratch && !b->scratch) ||
		(t->options->parent && (!u->parent || !u->changed)))
		return error_nomem(e, "conversion");
	return 0;
}

void unit_close(struct unit *u)
{
	free(u->block.data);
	free(u->block.piece);
	free(u->block.scratch);
	free(u->parent);
	free(u->changed);
}

/* The extent at `off` of what there is to transfer: zero where neither side has anything else. */
static int transfer_extent(
	const struct transfer *t, uint64_t off, struct extent *out, struct error *e)
{
	struct disk *parent = t->options->parent;
	struct extent below;
	int rc = disk_extent(t->source, off, out, e);

	if (rc || !out->zero || !parent || off >= parent->size)
		return rc;
	rc = disk_extent(parent, off, &below, e);
	if (rc)
		return rc;
	out->zero = below.zero;
	/* Past its end a parent reads as zeros, as the source does here. */
	if (!below.zero || off + below.length < parent->size)
		out->length = min_u64(out->length, below.length);
	return 0;
}

int unit_find(const struct transfer *t, uint64_t *pos, uint64_t *off, bool *found, struct error *e)
{
	*found = false;
	while (*pos < t->source->size) {
		struct extent x;
		int rc = transfer_extent(t, *pos, &x, e);

		if (rc)
			return rc;
		if (!x.zero) {
			*off = *pos / t->unit * t->unit;
			*pos = *off + t->unit;
			*found = true;
			return 0;
		}
		*pos += x.length;
	}
	return 0;
}

static uint64_t chunks_with_data(const struct transfer *t, const struct block *b)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BLOCK_CHUNKS && i * t->chunk < b->len; i++) {
		size_t at = i * t->chunk;

		if (!bytes_are_zero(b->data + at, min_u64(t->chunk, b->len - at)))
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

static void chunks_mark(const struct transfer *t, struct block *b, size_t at, size_t len)
{
	for (size_t i = at / t->chunk; i <= (at + len - 1) / t->chunk; i++)
		b->chunks |= UINT64_C(1) << i;
}

static void run_add(struct unit *u, size_t at, size_t len, const struct extent *x)
{
	struct plain_run *last = u->runs ? &u->run[u->runs - 1] : NULL;

	if (last && last->at + last->len == at && last->offset + last->len == x->offset)
		last->len += len;
	else if (u->runs < TRANSFER_RUNS)
		u->run[u->runs++] = (struct plain_run){ at, len, x->offset };
}

/* Notes what the source says of the unit: what lies in its own file, and for `mark` what is there
 * at all. */
static int extents_note(const struct transfer *t, struct unit *u, bool mark, struct error *e)
{
	struct block *b = &u->block;
	size_t at = 0;

	u->runs = 0;
	while (at < b->len) {
		struct extent x;
		size_t len;
		int rc = disk_extent(t->source, b->off + at, &x, e);

		if (rc)
			return rc;
		len = (size_t)min_u64(x.length, b->len - at);
		if (x.stored && x.plain && !x.zero && !x.file)
			run_add(u, at, len, &x);
		if (mark && !x.zero)
			chunks_mark(t, b, at, len);
		at += len;
	}
	return 0;
}

/* Reads the parent's bytes and sets a bit where the source has others. */
static int changes_find(const struct transfer *t, struct unit *u, struct error *e)
{
	struct disk *parent = t->options->parent;
	struct block *b = &u->block;
	size_t have = 0;
	int rc = 0;

	if (b->off < parent->size)
		have = (size_t)min_u64(b->len, parent->size - b->off);
	if (have)
		rc = disk_read(parent, b->off, u->parent, have, e);
	if (rc)
		return rc;
	memset(u->parent + have, 0, t->unit - have);
	memset(u->changed, 0, t->unit / CHANGE_SIZE / 8);
	for (size_t i = 0; i < t->unit / CHANGE_SIZE; i++) {
		size_t at = i * CHANGE_SIZE;
		bool changed = memcmp(b->data + at, u->parent + at, CHANGE_SIZE) != 0;

		u->changed[i / 8] = (uint8_t)(u->changed[i / 8] | changed << i % 8);
		u->part_kept[at / UNIT_SIZE] |= changed;
	}
	b->changed = u->changed;
	return 0;
}

/* What of the unit goes to the writer. */
static int parts_keep(const struct transfer *t, struct unit *u, struct error *e)
{
	size_t each = UNIT_SIZE / t->chunk; /* chunks */
	uint64_t mask = each == BLOCK_CHUNKS ? UINT64_MAX : (UINT64_C(1) << each) - 1;
	int rc = 0;

	memset(u->part_kept, 0, sizeof(u->part_kept));
	if (t->options->parent)
		rc = changes_find(t, u, e);
	u->kept = false;
	for (size_t i = 0; i < t->unit / UNIT_SIZE; i++) {
		if (!t->options->parent)
			u->part_kept[i] = u->block.chunks >> i * each & mask;
		u->kept |= u->part_kept[i];
	}
	return rc;
}

static int data_read(struct transfer *t, struct unit *u, struct error *e)
{
	struct block *b = &u->block;
	int rc = disk_read(t->source, b->off, b->data, b->len, e);

	if (rc)
		return rc;
	memset(b->data + b->len, 0, t->unit - b->len);
	b->chunks = chunks_with_data(t, b);
	rc = parts_keep(t, u, e);
	for (size_t i = 0; i < t->unit / UNIT_SIZE && !rc; i++)
		if (u->part_kept[i])
			fast_digest(b->data + i * UNIT_SIZE, UNIT_SIZE, u->digest[i]);
	if (!rc && u->kept && t->options->origin && atomic_load(&t->clones))
		rc = extents_note(t, u, false, e);
	return rc;
}

/* The source is taken at its word. */
static int data_trust(struct transfer *t, struct unit *u, struct error *e)
{
	int rc;

	u->block.chunks = 0;
	u->block.unread = true;
	rc = extents_note(t, u, true, e);
	return rc ? rc : parts_keep(t, u, e);
}

int unit_read(struct transfer *t, struct unit *u, struct error *e)
{
	struct block *b = &u->block;
	int rc;

	u->runs = 0;
	rc = t->options->trust ? data_trust(t, u, e) : data_read(t, u, e);
	if (rc || !u->kept)
		return rc;
	b->piece[0] = (struct piece){ .bytes = b->data, .len = b->len };
	b->pieces = 1;
	return t->writer->ops->encode ? t->writer->ops->encode(t->writer, b, e) : 0;
}
