/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_STREAM_H
#define LIBIMG_DISK_STREAM_H

#include "disk/convert.h"
#include "disk/hash.h"

/* Where a stream goes: called with the container's bytes strictly in order. */
struct stream_sink {
	/* Called once, before the first byte, with the number of all of them.  May be NULL. */
	int (*begin)(void *arg, uint64_t size, struct error *e);
	int (*write)(void *arg, const void *bytes, size_t len, struct error *e);
	void *arg;
};

/*
 * Sends the container that convert would make to a sink, in order, the same bytes.  A first pass
 * over the source fixes tables, size and identifiers, a second one sends; in between only tables
 * are kept, in a scratch file in `tmpdir`.  ERR_UNSUPPORTED when the writer encodes its blocks.
 * Digests of what was sent are taken on the way (`algorithms` may be empty).
 */
int stream(struct disk *source, const struct format *format, const struct image_spec *spec,
	const char *tmpdir, const struct stream_sink *sink, const struct convert_options *o,
	const struct strings *algorithms, struct convert_result *result, struct hash_values *hash,
	struct error *e);

#endif
