/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SUMS_H
#define LIBIMG_CLOUD_SUMS_H

#include "base/digest.h"

/* The digest files of a bundle. */
enum sum { SUM_SHA512, SUM_SHA256, SUM_MD5, SUM_COUNT };

extern const char *const sum_algorithm[SUM_COUNT];
extern const char *const sum_file[SUM_COUNT]; /* "SHA512SUMS" ... */

#endif
