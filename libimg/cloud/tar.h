/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_TAR_H
#define LIBIMG_CLOUD_TAR_H

#include "base/buffer.h"

/* What comes before and after a plain file in a tar (POSIX.1: ustar; pax where that cannot say it:
 * from 8 GiB, and names of more than 100 bytes or beyond ASCII). */

struct tar_file {
	const char *name;
	uint64_t size; /* bytes */
	unsigned mode; /* permissions */
	uint64_t time; /* seconds since 1970 */
};

/* Appends its headers.  Owner and group are 0 without names. */
int tar_header(const struct tar_file *f, struct buffer *out, struct error *e);
/* Zeros that follow the file's bytes. */
size_t tar_padding(uint64_t size);
enum { TAR_END = 1024 }; /* zeros that end the archive */

#endif
