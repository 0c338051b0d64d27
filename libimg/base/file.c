/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>

int file_read(const char *path, size_t limit, struct buffer *out, struct error *e)
{
	FILE *f = fopen(path, "rbe");
	uint8_t piece[1 << 16];
	size_t got;
	int rc = 0;

	if (!f)
		return error_errno(e, errno, "%s", path);
	while (!rc && (got = fread(piece, 1, sizeof(piece), f)) > 0)
		rc = out->len + got > limit
			? error_set(e, ERR_RANGE, "%s: larger than %zu bytes", path, limit)
			: buffer_append(out, piece, got, e);
	if (!rc && ferror(f))
		rc = error_errno(e, errno, "%s", path);
	fclose(f);
	return rc;
}
