/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/slice.h"

#include <stdlib.h>

#include "base/checked.h"

struct slice {
	struct disk disk;
	struct disk *below;
	uint64_t off;
};

static int slice_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct slice *s = (struct slice *)d;

	return disk_read(s->below, s->off + off, buf, len, e);
}

static int slice_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct slice *s = (struct slice *)d;

	return disk_write(s->below, s->off + off, buf, len, e);
}

static int slice_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct slice *s = (struct slice *)d;

	return disk_extent(s->below, s->off + off, out, e);
}

static int slice_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	struct slice *s = (struct slice *)d;

	return disk_zero(s->below, s->off + off, len, e);
}

static void slice_close(struct disk *d)
{
	free(d);
}

static const struct disk_ops slice_ops = {
	.read = slice_read,
	.write = slice_write,
	.extent = slice_extent,
	.close = slice_close,
	.zero = slice_zero,
};

int slice_open(struct disk *below, uint64_t off, uint64_t len, struct disk **out, struct error *e)
{
	struct slice *s;

	if (!range_fits(off, len, below->size))
		return error_set(e, ERR_RANGE,
			"%llu bytes at %llu reach past the end of the disk at %llu",
			(unsigned long long)len, (unsigned long long)off,
			(unsigned long long)below->size);
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_nomem(e, "a partition");
	s->disk = (struct disk){
		.ops = &slice_ops,
		.size = len,
		.logical_sector = below->logical_sector,
		.physical_sector = below->physical_sector,
	};
	s->below = below;
	s->off = off;
	*out = &s->disk;
	return 0;
}
