/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/empty.h"

#include <stdlib.h>
#include <string.h>

static int empty_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)d;
	(void)off;
	(void)e;
	memset(buf, 0, len);
	return 0;
}

static int empty_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	(void)e;
	*out = (struct extent){ .length = d->size - off, .zero = true };
	return 0;
}

static void empty_close(struct disk *d)
{
	free(d);
}

static const struct disk_ops empty_ops = {
	.read = empty_read,
	.extent = empty_extent,
	.close = empty_close,
};

int empty_disk_open(uint64_t size, struct disk **out, struct error *e)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return error_nomem(e, "an empty disk");
	*d = (struct disk){ .ops = &empty_ops, .size = size, .logical_sector = 512 };
	*out = d;
	return 0;
}
