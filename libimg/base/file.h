/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_FILE_H
#define LIBIMG_BASE_FILE_H

#include "base/buffer.h"

/* Appends all of a file of the host's to `out`.  ERR_RANGE when that has more than `limit` bytes
 * then.  Errors name the path. */
int file_read(const char *path, size_t limit, struct buffer *out, struct error *e);

#endif
