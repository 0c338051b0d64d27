/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/disk.h"

#include "base/checked.h"

static int range_check(const struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	if (range_fits(off, len, d->size))
		return 0;
	return error_set(e, ERR_RANGE, "%llu bytes at %llu reach past the end of the disk at %llu",
		(unsigned long long)len, (unsigned long long)off, (unsigned long long)d->size);
}

int disk_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	int rc = range_check(d, off, len, e);

	return rc || !len ? rc : d->ops->read(d, off, buf, len, e);
}

int disk_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	int rc = range_check(d, off, len, e);

	if (rc || !len)
		return rc;
	if (!d->ops->write)
		return error_set(e, ERR_REFUSED, "the disk is read-only");
	return d->ops->write(d, off, buf, len, e);
}

int disk_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	static const uint8_t zeros[65536];
	int rc = range_check(d, off, len, e);

	if (!rc && len && d->ops->zero)
		return d->ops->zero(d, off, len, e);
	while (!rc && len) {
		size_t part = (size_t)min_u64(len, sizeof(zeros));

		rc = disk_write(d, off, zeros, part, e);
		off += part;
		len -= part;
	}
	return rc;
}

int disk_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	int rc = 0;

	*out = (struct extent){ .stored = true };
	if (off >= d->size)
		return 0;
	out->length = d->size - off;
	if (d->ops->extent)
		rc = d->ops->extent(d, off, out, e);
	out->length = min_u64(out->length, d->size - off);
	return rc;
}

void disk_close(struct disk *d)
{
	if (d)
		d->ops->close(d);
}
