/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SUMS_H
#define LIBIMG_CLOUD_SUMS_H

#include <stddef.h>

#include "base/digest.h"

/* The three digests of one run of bytes, each computed in a thread of its own while the caller
 * reads on. */
enum sum { SUM_SHA512, SUM_SHA256, SUM_MD5, SUM_COUNT };

extern const char *const sum_algorithm[SUM_COUNT];
extern const char *const sum_file[SUM_COUNT]; /* "SHA512SUMS" ... */

struct sums;
int sums_open(struct sums **out, struct error *e);
/* `bytes` must stay as they are until the next call. */
void sums_add(struct sums *s, const void *bytes, size_t len);
/* The hexadecimal values; nothing can be added afterwards. */
void sums_finish(struct sums *s, char hex[SUM_COUNT][DIGEST_HEX_MAX]);
void sums_close(struct sums *s);

#endif
