/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "disk/host_file.h"
#include "guest/windows_setting.h"

int given_open(const char *path, uint64_t limit, struct disk **out, struct error *e)
{
	struct disk *d = NULL;
	int rc = host_file_open(path, &d, e);

	if (!rc && d->size > limit)
		rc = error_set(e, ERR_RANGE, "%s: %" PRIu64 " bytes, more than %" PRIu64, path,
			d->size, limit);
	if (rc)
		disk_close(d);
	else
		*out = d;
	return rc;
}

int given_read(void *file, uint64_t off, void *buf, size_t len, struct error *e)
{
	return disk_read(file, off, buf, len, e);
}

int given_digest(struct disk *d, char hex[DIGEST_HEX_MAX], struct error *e)
{
	enum { PIECE = 1 << 20 };
	struct digest *sum = NULL;
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? digest_open(&sum, "sha256", e) : error_nomem(e, "a digest");

	for (uint64_t off = 0; off < d->size && !rc; off += PIECE) {
		const size_t len = (size_t)min_u64(PIECE, d->size - off);

		rc = disk_read(d, off, piece, len, e);
		if (!rc)
			digest_add(sum, piece, len);
	}
	if (!rc)
		digest_hex(sum, hex);
	digest_close(sum);
	free(piece);
	return rc;
}

int given_load(const char *path, uint64_t limit, struct buffer *out, struct error *e)
{
	struct disk *d = NULL;
	int rc = given_open(path, limit, &d, e);

	if (rc)
		return rc;
	rc = buffer_zeros(out, (size_t)d->size, e);
	if (!rc && out->len)
		rc = disk_read(d, 0, out->data, out->len, e);
	disk_close(d);
	return rc ? error_prefix(e, "%s", path) : 0;
}
