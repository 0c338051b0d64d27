/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/checked.h"
#include "disk/transfer.h"

/* What file systems that share extents do it in. */
enum { CLONE_UNIT = 4096 };

/* Writes guest bytes from `at` of the unit, which have to be read first when they were not. */
static int bytes_write(struct transfer *t, struct unit *u, size_t at, size_t len, uint64_t file_off,
	struct error *e)
{
	struct block *b = &u->block;
	int rc = 0;

	if (b->unread) {
		/* A cluster may reach past the end of the disk. */
		size_t have = at < b->len ? (size_t)min_u64(len, b->len - at) : 0;

		memset(b->data + at + have, 0, len - have);
		if (have)
			rc = disk_read(t->source, b->off + at, b->data + at, have, e);
	}
	return rc ? rc : output_write(t->file, file_off, b->data + at, len, e);
}

/*
 * The part of [at, at + len) that can be shared with the source's file from *from on: whole units
 * of the file system on both sides.
 */
static bool clone_find(const struct unit *u, size_t at, size_t len, uint64_t file_off, size_t *from,
	size_t *size, uint64_t *offset)
{
	for (size_t i = 0; i < u->runs; i++) {
		const struct plain_run *r = &u->run[i];
		size_t start = (size_t)max_u64(at, r->at);
		size_t end = (size_t)min_u64(at + len, r->at + r->len);
		uint64_t to;

		if (start >= end)
			continue;
		*offset = r->offset + (start - r->at);
		to = file_off + (start - at);
		if (*offset % CLONE_UNIT != to % CLONE_UNIT)
			continue;
		start += (size_t)(round_up(to, CLONE_UNIT) - to);
		*offset = round_up(*offset, CLONE_UNIT);
		if (start + CLONE_UNIT > end)
			continue;
		*from = start;
		*size = (end - start) / CLONE_UNIT * CLONE_UNIT;
		return true;
	}
	return false;
}

/* Shares what can be shared at the start of [at, at + len) or behind what is written; *done is how
 * far it came. */
static int part_write(struct transfer *t, struct unit *u, size_t at, size_t len, uint64_t file_off,
	size_t *done, struct error *e)
{
	size_t from, size;
	uint64_t offset;
	bool cloned = false;
	int rc = 0;

	*done = len;
	if (!atomic_load(&t->clones) || !clone_find(u, at, len, file_off, &from, &size, &offset))
		return bytes_write(t, u, at, len, file_off, e);
	if (from > at)
		rc = bytes_write(t, u, at, from - at, file_off, e);
	if (!rc)
		rc = output_clone(t->file, file_off + (from - at), t->options->origin, offset, size,
			&cloned, e);
	if (!rc && !cloned && t->options->must_share)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the file systems of source and destination do not share extents");
	if (!rc && !cloned) {
		atomic_store(&t->clones, false);
		rc = bytes_write(t, u, from, size, file_off + (from - at), e);
	}
	*done = from - at + size;
	return rc;
}

static int run_write(struct transfer *t, struct unit *u, size_t at, size_t len, uint64_t file_off,
	struct error *e)
{
	size_t done;
	int rc = 0;

	for (; len && !rc; at += done, file_off += done, len -= done)
		rc = part_write(t, u, at, len, file_off, &done, e);
	return rc;
}

/* The end of the run of chunks from `at` on that are alike, at most `end`; *data is what they
 * hold. */
static size_t chunks_end(
	const struct transfer *t, const struct block *b, size_t at, size_t end, bool *data)
{
	size_t i = at / t->chunk;

	*data = b->chunks >> i & 1;
	while (i < BLOCK_CHUNKS && i * t->chunk < end && (b->chunks >> i & 1) == *data)
		i++;
	return (size_t)min_u64(i * t->chunk, end);
}

/* The guest's bytes as they are, without their zero chunks. */
static int data_write(struct transfer *t, struct unit *u, const struct piece *p, struct error *e)
{
	struct block *b = &u->block;
	size_t first = (size_t)(p->bytes - b->data), at = first, end = first + p->len;
	int rc = 0;

	while (at < end && !rc) {
		bool data;
		size_t next = chunks_end(t, b, at, end, &data);

		if (data || !t->holes)
			rc = run_write(t, u, at, next - at, p->file_off + (at - first), e);
		at = next;
	}
	return rc;
}

int unit_write(struct transfer *t, struct unit *u, struct error *e)
{
	const struct block *b = &u->block;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->pieces; i++) {
		const struct piece *p = &b->piece[i];

		if (p->bytes >= b->data && p->bytes + p->len <= b->data + t->unit)
			rc = data_write(t, u, p, e);
		else
			rc = output_write(t->file, p->file_off, p->bytes, p->len, e);
	}
	return rc;
}
