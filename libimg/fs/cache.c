/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages of a disk in memory, found by a hash of their number; all leave together when the space is
 * used up. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/cache.h"

enum {
	PAGE = 4096, /* as the overlay's blocks */
	PAGES = 4096, /* 16 MiB */
	BUCKETS = 4096, /* a power of two */
	RUN = 256, /* pages written at once */
	DIRECT = 64 << 10, /* bytes; longer requests go past the cache */
};

struct page {
	uint64_t number;
	uint32_t next; /* in the bucket, index + 1; 0 ends */
	bool dirty;
};

struct cache {
	struct disk *disk;
	uint8_t *bytes; /* of page i at i * PAGE */
	uint8_t *run; /* RUN pages on their way to the disk */
	struct page page[PAGES];
	uint32_t used;
	uint32_t bucket[BUCKETS]; /* first page's index + 1 */
};

static uint32_t *bucket_of(struct cache *c, uint64_t number)
{
	return &c->bucket[(number * UINT64_C(0x9e3779b97f4a7c15) >> 40) % BUCKETS];
}

static struct page *find(struct cache *c, uint64_t number)
{
	for (uint32_t at = *bucket_of(c, number); at; at = c->page[at - 1].next)
		if (c->page[at - 1].number == number)
			return &c->page[at - 1];
	return NULL;
}

static uint8_t *bytes_of(struct cache *c, const struct page *p)
{
	return c->bytes + (size_t)(p - c->page) * PAGE;
}

/* The last page of a disk may be short. */
static size_t page_len(const struct cache *c, uint64_t number)
{
	return (size_t)min_u64(PAGE, c->disk->size - number * PAGE);
}

static int by_number(const void *a, const void *b)
{
	const struct page *const *left = a, *const *right = b;

	return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

/* Writes up to RUN neighbours from the sorted pages; *taken says how many. */
static int write_run(
	struct cache *c, struct page **sorted, size_t count, size_t *taken, struct error *e)
{
	uint64_t first = sorted[0]->number;
	size_t n = 0, len = 0;

	while (n < count && n < RUN && sorted[n]->number == first + n) {
		memcpy(c->run + n * PAGE, bytes_of(c, sorted[n]), PAGE);
		len += page_len(c, sorted[n]->number);
		n++;
	}
	*taken = n;
	return disk_write(c->disk, first * PAGE, c->run, len, e);
}

int cache_flush(struct cache *c, struct error *e)
{
	struct page **sorted = malloc(PAGES * sizeof(struct page *));
	size_t count = 0, taken = 0;
	int rc = 0;

	if (!sorted)
		return error_nomem(e, "the block cache");
	for (uint32_t i = 0; i < c->used; i++)
		if (c->page[i].dirty)
			sorted[count++] = &c->page[i];
	qsort(sorted, count, sizeof(struct page *), by_number);
	for (size_t i = 0; !rc && i < count; i += taken)
		rc = write_run(c, sorted + i, count - i, &taken, e);
	for (size_t i = 0; !rc && i < count; i++)
		sorted[i]->dirty = false;
	free(sorted);
	return rc;
}

static int make_room(struct cache *c, struct error *e)
{
	int rc;

	if (c->used < PAGES)
		return 0;
	rc = cache_flush(c, e);
	if (rc)
		return rc;
	memset(c->bucket, 0, sizeof(c->bucket));
	c->used = 0;
	return 0;
}

/* The page, read from the disk when `fill` and not yet there. */
static int get(struct cache *c, uint64_t number, bool fill, struct page **out, struct error *e)
{
	struct page *p = find(c, number);
	uint32_t *bucket = bucket_of(c, number);
	int rc = 0;

	if (!p) {
		rc = make_room(c, e);
		if (rc)
			return rc;
		p = &c->page[c->used];
		if (fill)
			rc = disk_read(
				c->disk, number * PAGE, bytes_of(c, p), page_len(c, number), e);
		if (rc)
			return rc;
		*p = (struct page){ .number = number, .next = *bucket };
		*bucket = ++c->used;
	}
	*out = p;
	return 0;
}

/* One page's share of a request. */
struct part {
	uint64_t number;
	size_t start, len; /* in the page */
};

static struct part part_at(uint64_t off, size_t left)
{
	struct part p = { .number = off / PAGE, .start = (size_t)(off % PAGE) };

	p.len = (size_t)min_u64(PAGE - p.start, left);
	return p;
}

static int check_range(const struct cache *c, uint64_t off, size_t len, struct error *e)
{
	if (range_fits(off, len, c->disk->size))
		return 0;
	return error_set(e, ERR_RANGE,
		"%zu bytes at %" PRIu64 " are not inside the file system's %" PRIu64, len, off,
		c->disk->size);
}

/* From the disk, then what the cache knows better. */
static int read_direct(struct cache *c, uint64_t off, uint8_t *to, size_t len, struct error *e)
{
	int rc = disk_read(c->disk, off, to, len, e);
	size_t step;

	for (size_t done = 0; !rc && done < len; done += step) {
		struct part part = part_at(off + done, len - done);
		const struct page *p = find(c, part.number);

		step = part.len;
		if (p && p->dirty)
			memcpy(to + done, bytes_of(c, p) + part.start, part.len);
	}
	return rc;
}

int cache_read(struct cache *c, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;
	int rc = check_range(c, off, len, e);
	size_t step;

	if (!rc && len >= DIRECT)
		return read_direct(c, off, to, len, e);
	for (size_t done = 0; !rc && done < len; done += step) {
		struct part part = part_at(off + done, len - done);
		struct page *p;

		step = part.len;
		rc = get(c, part.number, true, &p, e);
		if (!rc)
			memcpy(to + done, bytes_of(c, p) + part.start, part.len);
	}
	return rc;
}

int cache_write(struct cache *c, uint64_t off, const void *buf, size_t len, struct error *e)
{
	const uint8_t *from = buf;
	int rc = check_range(c, off, len, e);
	size_t step;

	for (size_t done = 0; !rc && done < len; done += step) {
		struct part part = part_at(off + done, len - done);
		bool fill = part.len < page_len(c, part.number);
		struct page *p;

		step = part.len;
		rc = get(c, part.number, fill, &p, e);
		if (rc)
			break;
		memcpy(bytes_of(c, p) + part.start, from + done, part.len);
		p->dirty = true;
	}
	return rc;
}

int cache_open(struct disk *d, struct cache **out, struct error *e)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return error_nomem(e, "the block cache");
	c->disk = d;
	c->bytes = calloc(PAGES, PAGE);
	c->run = malloc((size_t)RUN * PAGE);
	if (!c->bytes || !c->run) {
		cache_close(c);
		return error_nomem(e, "the block cache");
	}
	*out = c;
	return 0;
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	free(c->bytes);
	free(c->run);
	free(c);
}
