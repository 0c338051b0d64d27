/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "formats/hole.h"

#include <string.h>

int hole_covers(
	struct hole *h, struct disk *file, uint64_t off, uint64_t len, bool *out, struct error *e)
{
	struct extent x;
	int rc;

	if (off < h->start || off >= h->end) {
		rc = disk_extent(file, off, &x, e);
		if (rc)
			return rc;
		*h = (struct hole){ .start = off, .end = off + x.length, .zero = x.zero };
	}
	*out = h->zero && off < h->end && len <= h->end - off;
	return 0;
}

int hole_read(struct hole *h, struct disk *file, uint64_t off, void *buf, size_t len, bool *zero,
	struct error *e)
{
	int rc = hole_covers(h, file, off, len, zero, e);

	if (rc)
		return rc;
	if (!*zero)
		return disk_read(file, off, buf, len, e);
	memset(buf, 0, len);
	return 0;
}
