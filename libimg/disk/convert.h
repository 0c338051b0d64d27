/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_CONVERT_H
#define LIBIMG_DISK_CONVERT_H

#include "disk/format.h"

struct convert_options {
	unsigned threads; /* 0: one a processor */
	/* Called from one thread at a time, `done` never falls; non-zero cancels.  May be NULL. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
	/*
	 * When set, called for each block in order once it is placed, and the block's pieces are
	 * not written: whoever asked takes them.  Tables that the writer itself writes still go to
	 * the file.
	 */
	int (*placed)(void *arg, const struct block *b, struct error *e);
	void *placed_arg;
	/* Only what differs from this disk goes to the writer; zeros past its end.  NULL: all. */
	struct disk *parent;
	/*
	 * The host file that the source's plain extents without a file name lie in: they are shared
	 * with the output where the file system can.  NULL: everything is copied.
	 */
	struct disk *origin;
	bool must_share; /* what could be shared and is not makes convert fail */
	/*
	 * The source's extents are believed: nothing is read only to look for zeros, and the
	 * content's digest is `stand_in`.  Not with a parent, nor for a writer whose encode needs
	 * the data.
	 */
	bool trust;
	uint8_t stand_in[FAST_DIGEST_SIZE];
};

struct convert_result {
	uint64_t file_size; /* bytes of the finished container */
	struct content_summary content;
};

/*
 * Copies all of `source` through `writer` into `file` and finishes the container.  The bytes
 * written do not depend on threads, nor on how the source stores its content.  Does not commit
 * `file`.
 */
int convert(struct disk *source, struct writer *writer, struct output *file,
	const struct convert_options *o, struct convert_result *result, struct error *e);

/* Reads both in full; *differ_at is the first differing offset, UINT64_MAX when there is none.
 * A longer tail of zeros counts as equal unless `strict`. */
int compare(struct disk *a, struct disk *b, bool strict, const struct convert_options *o,
	uint64_t *differ_at, struct error *e);

#endif
