/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much a VHDX stores.  The BAT of a 64 TiB disk has 64 million entries, and somebody waits for
 * the number: plain ones are counted without a call, in parts that several threads take.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/pool.h"
#include "formats/vhdx.h"

enum {
	THREADS_MAX = 4,
	PART = 4 << 20, /* bytes of the BAT that a thread takes at a time */
	WINDOW = 128 << 10, /* of them in memory */
	GROUP = 256, /* entries that are looked at together */
};

struct count {
	struct disk *file;
	const struct vhdx_image *image;
	struct vhdx_bat *bat;
	bool lenient; /* a block whose entry is wrong counts as stored */
	uint64_t end; /* bytes of the BAT that matter */
	/* A whole block at an offset of `low` to `low + span` lies in the file and over nothing. */
	uint64_t low, span;
	pthread_mutex_t lock; /* for what follows */
	uint64_t next; /* byte of the BAT */
	uint64_t bytes; /* counted */
	uint64_t failed; /* the part that failed first in the BAT; UINT64_MAX: none */
	struct error error;
};

static uint64_t block_length(const struct vhdx_image *m, uint64_t block)
{
	return min_u64(m->block_size, m->size - block * m->block_size);
}

/* Bytes of a partially present block that are in the file. */
static int partial_allocated(struct count *c, uint64_t block, uint64_t *out, struct error *e)
{
	uint64_t len = block_length(c->image, block), run = 0;
	bool present = false;

	*out = 0;
	for (uint64_t at = 0; at < len; at += run) {
		int rc = vhdx_bat_run(c->bat, block, at, len - at, &present, &run, e);

		if (rc)
			return rc;
		*out += present ? run : 0;
	}
	return 0;
}

/* Any block, by all the rules. */
static int block_allocated(struct count *c, uint64_t block, uint64_t *out, struct error *e)
{
	struct vhdx_place place = { 0 };
	int rc = vhdx_bat_find(c->bat, block, &place, e);

	*out = 0;
	if (!rc && place.partial)
		rc = partial_allocated(c, block, out, e);
	else if (!rc && !place.zero && !place.parent)
		*out = block_length(c->image, block);
	if (!rc || !c->lenient)
		return rc;
	*out = block_length(c->image, block);
	return 0;
}

/* Whether all of these are whole blocks in the file.  Without a branch: this is where the time is
 * spent. */
static bool all_present(const struct count *c, const le64 *entry, size_t count)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t off = get_le64(entry[i]) - VHDX_FULLY_PRESENT - c->low;

		wrong |= off % VHDX_MIB | (off > c->span);
	}
	return !wrong;
}

/* A group of payload blocks from `block`. */
static int count_group(struct count *c, const le64 *entry, uint64_t block, size_t count,
	uint64_t *bytes, struct error *e)
{
	const struct vhdx_image *m = c->image;

	if ((block + count) * m->block_size <= m->size && all_present(c, entry, count)) {
		*bytes += count * (uint64_t)m->block_size;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t stored;
		int rc;

		/* States that need no room in the file. */
		if ((get_le64(entry[i]) & 7) < VHDX_RESERVED_4)
			continue;
		rc = block_allocated(c, block + i, &stored, e);
		if (rc)
			return rc;
		*bytes += stored;
	}
	return 0;
}

/* The entries from `index`; those of sector bitmaps are passed over. */
static int count_entries(struct count *c, const le64 *entry, uint64_t index, size_t count,
	uint64_t *bytes, struct error *e)
{
	uint64_t chunk = c->image->chunk_ratio + UINT64_C(1);
	int rc = 0;

	while (count && !rc) {
		uint64_t payload = chunk - 1 - index % chunk;
		size_t now = (size_t)min_u64(min_u64(count, GROUP), payload);

		rc = count_group(c, entry, index - index / chunk, now, bytes, e);
		if (!payload)
			now = 1;
		entry += now;
		index += now;
		count -= now;
	}
	return rc;
}

/* The BAT from `at` to `end`, in bytes; holes of the file are entries of 0. */
static int count_part(
	struct count *c, uint64_t at, uint64_t end, le64 *window, uint64_t *bytes, struct error *e)
{
	uint64_t known = at; /* no hole before this */
	int rc = 0;

	while (at < end && !rc) {
		size_t now = (size_t)min_u64(WINDOW, end - at);
		struct extent x = { 0 };

		if (at >= known) {
			rc = disk_extent(c->file, c->image->bat.offset + at, &x, e);
			x.length -= x.length % sizeof(*window);
			known = at + x.length;
		}
		if (!rc && x.zero && x.length) {
			at = known;
			continue;
		}
		if (!rc)
			rc = disk_read(c->file, c->image->bat.offset + at, window, now, e);
		if (!rc)
			rc = count_entries(
				c, window, at / sizeof(*window), now / sizeof(*window), bytes, e);
		at += now;
	}
	return rc;
}

static uint64_t part_take(struct count *c)
{
	uint64_t at;

	pthread_mutex_lock(&c->lock);
	at = c->failed == UINT64_MAX ? c->next : c->end;
	c->next += PART;
	pthread_mutex_unlock(&c->lock);
	return at;
}

static void part_done(struct count *c, uint64_t at, uint64_t bytes, int rc, const struct error *e)
{
	pthread_mutex_lock(&c->lock);
	c->bytes += bytes;
	if (rc && at < c->failed) {
		c->failed = at;
		c->error = *e;
	}
	pthread_mutex_unlock(&c->lock);
}

static void count_parts(void *arg)
{
	struct count *c = arg;
	le64 *window = malloc(WINDOW);
	uint64_t at;

	while ((at = part_take(c)) < c->end) {
		struct error e = { 0 };
		uint64_t bytes = 0;
		int rc = window ? count_part(c, at, min_u64(at + PART, c->end), window, &bytes, &e)
				: error_nomem(&e, "a part of the BAT");

		part_done(c, at, bytes, rc, &e);
	}
	free(window);
}

/* Where a block can be without touching header, log, BAT or metadata. */
static void bounds_set(struct count *c)
{
	const struct vhdx_image *m = c->image;
	uint64_t low = max_u64(VHDX_MIB, m->log.offset + m->log.length), last;

	low = max_u64(low, m->bat.offset + m->bat.length);
	low = max_u64(low, m->metadata.offset + m->metadata.length);
	c->low = round_up(low, VHDX_MIB);
	last = c->file->size > m->block_size ? c->file->size - m->block_size : 0;
	/* In a file too short for any, no offset is a multiple of a MiB and in the span. */
	if (last < c->low)
		c->low = last = 1;
	c->span = last - c->low;
}

int vhdx_count_allocated(struct disk *file, const struct vhdx_image *image, struct vhdx_bat *bat,
	bool lenient, uint64_t *out, struct error *e)
{
	struct count c = { .file = file, .image = image, .bat = bat, .lenient = lenient };
	uint64_t blocks = vhdx_block_count(image->size, image->block_size);

	if (blocks)
		c.end = (vhdx_bat_index(blocks - 1, image->chunk_ratio) + 1) * sizeof(le64);
	c.failed = UINT64_MAX;
	bounds_set(&c);
	pthread_mutex_init(&c.lock, NULL);
	pool_run((unsigned)min_u64(min_u64(pool_threads(0), THREADS_MAX), div_up(c.end, PART)),
		count_parts, &c);
	pthread_mutex_destroy(&c.lock);
	if (c.failed != UINT64_MAX)
		return error_set(e, (enum error_code)c.error.code, "%s", c.error.text);
	*out = c.bytes;
	return 0;
}
