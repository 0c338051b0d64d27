/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/mapped.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

struct piece {
	uint64_t off, len; /* in the mapped disk */
	uint64_t stripe;
	size_t columns;
	uint64_t *at;
};

struct mapped {
	struct disk disk;
	struct disk *below;
	struct piece *piece; /* rising */
	size_t count;
};

/* The piece that has `off`, which lies inside the disk. */
static const struct piece *piece_find(const struct mapped *m, uint64_t off)
{
	size_t low = 0, high = m->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (m->piece[mid].off <= off)
			low = mid;
		else
			high = mid;
	}
	return &m->piece[low];
}

/* Where `off` lies below; *run gets how many bytes follow each other there. */
static uint64_t place_of(const struct mapped *m, uint64_t off, uint64_t *run)
{
	const struct piece *p = piece_find(m, off);
	uint64_t stripe;

	off -= p->off;
	if (p->columns == 1) {
		*run = p->len - off;
		return p->at[0] + off;
	}
	stripe = off / p->stripe;
	*run = p->stripe - off % p->stripe;
	return p->at[stripe % p->columns] + stripe / p->columns * p->stripe + off % p->stripe;
}

static int mapped_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct mapped *m = (struct mapped *)d;
	uint8_t *to = buf;
	int rc = 0;

	while (!rc && len) {
		uint64_t run, at = place_of(m, off, &run);
		size_t n = (size_t)min_u64(run, len);

		rc = disk_read(m->below, at, to, n, e);
		off += n;
		to += n;
		len -= n;
	}
	return rc;
}

static int mapped_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct mapped *m = (struct mapped *)d;
	const uint8_t *from = buf;
	int rc = 0;

	while (!rc && len) {
		uint64_t run, at = place_of(m, off, &run);
		size_t n = (size_t)min_u64(run, len);

		rc = disk_write(m->below, at, from, n, e);
		off += n;
		from += n;
		len -= n;
	}
	return rc;
}

static int mapped_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct mapped *m = (struct mapped *)d;
	uint64_t run, at = place_of(m, off, &run);
	int rc = disk_extent(m->below, at, out, e);

	out->length = min_u64(out->length, run);
	return rc;
}

static int zero_run(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	return disk_zero(arg, off, len, e);
}

static int mapped_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	return mapped_places(d, off, len, zero_run, ((struct mapped *)d)->below, e);
}

static void mapped_close(struct disk *d)
{
	struct mapped *m = (struct mapped *)d;

	for (size_t i = 0; i < m->count; i++)
		free(m->piece[i].at);
	free(m->piece);
	free(m);
}

static const struct disk_ops mapped_ops = {
	.read = mapped_read,
	.write = mapped_write,
	.extent = mapped_extent,
	.close = mapped_close,
	.zero = mapped_zero,
};

static const struct disk_ops mapped_read_only_ops = {
	.read = mapped_read,
	.extent = mapped_extent,
	.close = mapped_close,
};

static int piece_check(const struct mapped *m, const struct mapped_piece *p, struct error *e)
{
	if (!p->len || !p->columns ||
		(p->columns > 1 &&
			(!p->stripe || p->len / p->columns % p->stripe || p->len % p->columns)))
		return error_set(e, ERR_RANGE, "%llu bytes can't be parted in %zu stripes of %llu",
			(unsigned long long)p->len, p->columns, (unsigned long long)p->stripe);
	for (size_t i = 0; i < p->columns; i++)
		if (!range_fits(p->at[i], p->len / p->columns, m->below->size))
			return error_set(e, ERR_RANGE,
				"%llu bytes at %llu reach past the end of the disk at %llu",
				(unsigned long long)(p->len / p->columns),
				(unsigned long long)p->at[i], (unsigned long long)m->below->size);
	return 0;
}

static int piece_add(struct mapped *m, const struct mapped_piece *p, struct error *e)
{
	struct piece *to = &m->piece[m->count];
	int rc = piece_check(m, p, e);

	if (rc)
		return rc;
	*to = (struct piece){ m->disk.size, p->len, p->stripe, p->columns, NULL };
	if (!add_fits(m->disk.size, p->len, &m->disk.size))
		return error_set(e, ERR_RANGE, "pieces of more bytes than a disk can have");
	to->at = calloc(p->columns, sizeof(*to->at));
	if (!to->at)
		return error_nomem(e, "a map");
	memcpy(to->at, p->at, p->columns * sizeof(*to->at));
	m->count++;
	return 0;
}

int mapped_open(struct disk *below, const struct mapped_piece *piece, size_t count, bool writable,
	struct disk **out, struct error *e)
{
	struct mapped *m = calloc(1, sizeof(*m));
	int rc = 0;

	if (!m)
		return error_nomem(e, "a map");
	m->disk = (struct disk){
		.ops = writable ? &mapped_ops : &mapped_read_only_ops,
		.logical_sector = below->logical_sector,
		.physical_sector = below->physical_sector,
	};
	m->below = below;
	m->piece = calloc(count + 1, sizeof(*m->piece));
	if (!m->piece)
		rc = error_nomem(e, "a map");
	for (size_t i = 0; !rc && i < count; i++)
		rc = piece_add(m, &piece[i], e);
	if (rc)
		mapped_close(&m->disk);
	else
		*out = &m->disk;
	return rc;
}

int mapped_places(const struct disk *mapped, uint64_t off, uint64_t len,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	const struct mapped *m = (const struct mapped *)mapped;
	int rc = 0;

	while (!rc && len) {
		uint64_t run, at = place_of(m, off, &run);
		uint64_t n = min_u64(run, len);

		rc = each(arg, at, n, e);
		off += n;
		len -= n;
	}
	return rc;
}
