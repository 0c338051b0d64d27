/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/resized.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

struct resized {
	struct disk disk;
	struct disk *below;
};

static int resized_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct disk *below = ((struct resized *)d)->below;
	size_t have = off < below->size ? (size_t)min_u64(len, below->size - off) : 0;

	memset((uint8_t *)buf + have, 0, len - have);
	return disk_read(below, have ? off : 0, buf, have, e);
}

static int resized_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct disk *below = ((struct resized *)d)->below;

	if (off < below->size)
		return disk_extent(below, off, out, e);
	*out = (struct extent){ .length = d->size - off, .zero = true };
	return 0;
}

static void resized_close(struct disk *d)
{
	free(d);
}

static const struct disk_ops resized_ops = {
	.read = resized_read,
	.extent = resized_extent,
	.close = resized_close,
};

int resized_open(struct disk *below, uint64_t size, struct disk **out, struct error *e)
{
	struct resized *r = calloc(1, sizeof(*r));

	if (!r)
		return error_nomem(e, "a resized disk");
	r->disk = *below;
	r->disk.ops = &resized_ops;
	r->disk.size = size;
	r->below = below;
	*out = &r->disk;
	return 0;
}
