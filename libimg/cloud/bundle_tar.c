/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bundle as a tar, written front to back. */
#include <stdlib.h>

#include "cloud/bundle_private.h"
#include "cloud/copy.h"
#include "cloud/tar.h"

struct tar {
	struct bundle bundle;
	struct output *file;
	struct pack *pack;
	uint64_t time;
	const char *name; /* of the file that is being copied */
};

static int header_write(
	struct tar *t, const char *name, uint64_t size, unsigned mode, struct error *e)
{
	const struct tar_file f = { .name = name, .size = size, .mode = mode, .time = t->time };
	struct buffer header = { 0 };
	int rc = tar_header(&f, &header, e);

	if (!rc)
		rc = pack_write(t->pack, header.data, header.len, e);
	buffer_free(&header);
	return rc;
}

static int zeros_write(struct tar *t, size_t len, struct error *e)
{
	static const char zeros[TAR_END];

	return len ? pack_write(t->pack, zeros, len, e) : 0;
}

static int copy_begin(void *arg, uint64_t size, struct error *e)
{
	struct tar *t = arg;

	return header_write(t, t->name, size, 0644, e);
}

static int copy_write(void *arg, const void *bytes, size_t len, struct error *e)
{
	return pack_write(((struct tar *)arg)->pack, bytes, len, e);
}

static int tar_copy(struct bundle *b, const char *source, const char *name,
	const struct convert_options *progress, uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX],
	struct error *e)
{
	struct tar *t = (struct tar *)b;
	const struct copy_sink sink = { copy_begin, copy_write, t };
	int rc;

	t->name = name;
	rc = copy_to_sink(source, &sink, progress, size, hex, e);
	return rc ? rc : zeros_write(t, tar_padding(*size), e);
}

static int tar_add(struct bundle *b, const char *name, const void *bytes, size_t len, unsigned mode,
	struct error *e)
{
	struct tar *t = (struct tar *)b;
	int rc = header_write(t, name, len, mode, e);

	if (!rc)
		rc = pack_write(t->pack, bytes, len, e);
	return rc ? rc : zeros_write(t, tar_padding(len), e);
}

static int tar_commit(struct bundle *b, struct error *e)
{
	struct tar *t = (struct tar *)b;
	uint64_t size;
	int rc = zeros_write(t, TAR_END, e);

	if (!rc)
		rc = pack_finish(t->pack, &size, e);
	return rc ? rc : output_commit(t->file, size, e);
}

static void tar_close(struct bundle *b)
{
	struct tar *t = (struct tar *)b;

	pack_close(t->pack);
	output_close(t->file);
	free(t);
}

static const struct bundle_ops tar_ops = {
	.copy = tar_copy,
	.add = tar_add,
	.commit = tar_commit,
	.close = tar_close,
};

int bundle_tar_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e)
{
	const struct output_options output = { .no_sync = o->no_sync };
	struct tar *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(e, "a bundle");
	t->bundle.ops = &tar_ops;
	t->time = o->time;
	rc = output_open(destination, &output, &t->file, e);
	if (!rc)
		rc = pack_open(o->pack, o->threads, t->file, &t->pack, e);
	if (rc)
		tar_close(&t->bundle);
	else
		*out = &t->bundle;
	return rc;
}
