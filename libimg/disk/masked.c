/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/masked.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum {
	ROOM_FIRST = 256,
	/* What is hidden between two parts that are read is read too when it is shorter: a read
	 * below may cost a compressed cluster each. */
	GAP = 128 << 10,
};

struct part {
	uint64_t off, end;
};

struct masked {
	struct disk disk;
	struct disk *below;
	struct part *part; /* rising and apart from each other, once frozen */
	size_t count, room, limit;
	uint64_t least; /* bytes; shorter parts are not hidden */
};

/* Index of the first part that ends after `off`. */
static size_t part_find(const struct masked *m, uint64_t off)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->part[mid].end <= off)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Where the next part of at least `least` bytes begins, at or after part `i`, no further than
 * `end`. */
static uint64_t visible_end(const struct masked *m, size_t i, uint64_t least, uint64_t end)
{
	for (; i < m->count && m->part[i].off < end; i++)
		if (m->part[i].end - m->part[i].off >= least)
			return m->part[i].off;
	return end;
}

/* Reads what is visible and overwrites the short parts in between. */
static int span_read(
	struct masked *m, size_t i, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	int rc = disk_read(m->below, off, buf, len, e);

	for (; !rc && i < m->count && m->part[i].off < off + len; i++)
		memset(buf + (m->part[i].off - off), 0,
			(size_t)(min_u64(m->part[i].end, off + len) - m->part[i].off));
	return rc;
}

static int masked_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct masked *m = (struct masked *)d;
	uint8_t *to = buf;
	int rc = 0;

	while (!rc && len) {
		size_t i = part_find(m, off), n;

		if (i < m->count && m->part[i].off <= off) {
			n = (size_t)min_u64(len, m->part[i].end - off);
			memset(to, 0, n);
		} else {
			n = (size_t)(visible_end(m, i, GAP, off + len) - off);
			rc = span_read(m, i, off, to, n, e);
		}
		off += n;
		to += n;
		len -= n;
	}
	return rc;
}

static int masked_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct masked *m = (struct masked *)d;
	size_t i = part_find(m, off);
	int rc;

	if (i < m->count && m->part[i].off <= off) {
		*out = (struct extent){ .length = m->part[i].end - off, .zero = true };
		return 0;
	}
	rc = disk_extent(m->below, off, out, e);
	if (!rc && i < m->count)
		out->length = min_u64(out->length, m->part[i].off - off);
	return rc;
}

static void masked_close(struct disk *d)
{
	free(((struct masked *)d)->part);
	free(d);
}

static const struct disk_ops masked_ops = {
	.read = masked_read,
	.extent = masked_extent,
	.close = masked_close,
};

int masked_open(struct disk *below, size_t limit, struct disk **out, struct error *e)
{
	struct masked *m = calloc(1, sizeof(*m));

	if (!m)
		return error_nomem(e, "a mask");
	m->disk = *below;
	m->disk.ops = &masked_ops;
	m->below = below;
	m->limit = limit;
	*out = &m->disk;
	return 0;
}

static int by_length(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	uint64_t m = x->end - x->off, n = y->end - y->off;

	if (m != n)
		return m > n ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* Gives up the shorter half, and from now on what is as short as the longest of these.  As that
 * grows each time, and all lie on one disk, it does not happen often. */
static void parts_thin(struct masked *m)
{
	const struct part *last;

	qsort(m->part, m->count, sizeof(*m->part), by_length);
	m->count = m->limit / 2;
	last = &m->part[m->count];
	m->least = last->end - last->off + 1;
}

static int parts_grow(struct masked *m, struct error *e)
{
	size_t room = m->room ? m->room * 2 : ROOM_FIRST;
	struct part *part;

	room = (size_t)min_u64(room, m->limit);
	part = reallocarray(m->part, room, sizeof(*part));
	if (!part)
		return error_nomem(e, "a mask");
	m->part = part;
	m->room = room;
	return 0;
}

int masked_hide(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	struct masked *m = (struct masked *)d;
	int rc;

	if (!range_fits(off, len, d->size))
		return error_set(e, ERR_RANGE,
			"%llu bytes at %llu are past the end of the disk at %llu",
			(unsigned long long)len, (unsigned long long)off,
			(unsigned long long)d->size);
	if (!len || len < m->least)
		return 0;
	if (m->count == m->limit)
		parts_thin(m);
	if (len < m->least)
		return 0;
	if (m->count == m->room) {
		rc = parts_grow(m, e);
		if (rc)
			return rc;
	}
	m->part[m->count++] = (struct part){ off, off + len };
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

void masked_freeze(struct disk *d)
{
	struct masked *m = (struct masked *)d;
	size_t kept = 0;

	if (m->count)
		qsort(m->part, m->count, sizeof(*m->part), by_offset);
	for (size_t i = 0; i < m->count; i++) {
		if (kept && m->part[kept - 1].end >= m->part[i].off)
			m->part[kept - 1].end = max_u64(m->part[kept - 1].end, m->part[i].end);
		else
			m->part[kept++] = m->part[i];
	}
	m->count = kept;
}

uint64_t masked_bytes(const struct disk *d, uint64_t off, uint64_t len)
{
	const struct masked *m = (const struct masked *)d;
	uint64_t sum = 0;

	for (size_t i = part_find(m, off); i < m->count && m->part[i].off < off + len; i++)
		sum += min_u64(m->part[i].end, off + len) - max_u64(m->part[i].off, off);
	return sum;
}
