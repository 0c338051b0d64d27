/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_COPY_H
#define LIBIMG_CLOUD_COPY_H

#include "cloud/sums.h"
#include "disk/convert.h"

/*
 * Copies the file `source` into the empty file `to`, reading each byte once.  Runs of zeros become
 * holes. ERR_CORRUPT when the source changes meanwhile.
 */
int copy_with_sums(const char *source, int to, const struct convert_options *progress,
	uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e);

/* Where a copy goes that is read front to back: told its length first, then the bytes in order. */
struct copy_sink {
	int (*begin)(void *arg, uint64_t size, struct error *e);
	int (*write)(void *arg, const void *bytes, size_t len, struct error *e);
	void *arg;
};
int copy_to_sink(const char *source, const struct copy_sink *sink,
	const struct convert_options *progress, uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX],
	struct error *e);

/* Exactly `len` bytes: ERR_CORRUPT when the file ends before. */
int read_fully(int fd, uint64_t off, void *into, size_t len, struct error *e);
int write_fully(int fd, uint64_t off, const void *bytes, size_t len, struct error *e);

#endif
