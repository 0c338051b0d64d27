/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/zero.h"

enum { CHUNK = 1 << 20, HOLE = 64 << 10 };

struct spool {
	struct output *file;
	struct buffer path;
};

/* Reads until `bytes` is full or the pipe ends. */
static int chunk_read(int descriptor, uint8_t *bytes, size_t *len, struct error *e)
{
	*len = 0;
	while (*len < CHUNK) {
		ssize_t n = read(descriptor, bytes + *len, CHUNK - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "cannot read from the pipe");
		if (!n)
			break;
		*len += (size_t)n;
	}
	return 0;
}

static int chunk_keep(
	struct spool *s, uint64_t off, const uint8_t *bytes, size_t len, struct error *e)
{
	int rc = 0;

	for (size_t at = 0; at < len && !rc; at += HOLE) {
		size_t part = (size_t)min_u64(HOLE, len - at);

		if (!bytes_are_zero(bytes + at, part))
			rc = output_write(s->file, off + at, bytes + at, part, e);
	}
	return rc;
}

static int all_keep(struct spool *s, int descriptor, const struct convert_options *o,
	uint64_t *size, struct error *e)
{
	uint8_t *bytes = malloc(CHUNK);
	size_t len = CHUNK;
	int rc = bytes ? 0 : error_nomem(e, "what a pipe sends");

	for (*size = 0; !rc && len == CHUNK; *size += len) {
		rc = chunk_read(descriptor, bytes, &len, e);
		if (!rc)
			rc = chunk_keep(s, *size, bytes, len, e);
		if (!rc && o->progress && o->progress(o->progress_arg, *size + len, 0))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	free(bytes);
	return rc;
}

int spool_open(int descriptor, const char *tmpdir, const struct convert_options *o,
	struct spool **out, struct error *e)
{
	struct spool *s = calloc(1, sizeof(*s));
	uint64_t size;
	int rc = s ? output_scratch_open(tmpdir, &s->file, e) : error_nomem(e, "a spool");

	if (!rc)
		rc = all_keep(s, descriptor, o, &size, e);
	if (!rc)
		rc = output_reopen_path(s->file, size, &s->path, e);
	if (rc)
		spool_close(s);
	else
		*out = s;
	return rc;
}

const char *spool_path(const struct spool *s)
{
	return buffer_text(&s->path);
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	output_close(s->file);
	buffer_free(&s->path);
	free(s);
}
