/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_SIZE_H
#define LIBIMG_BASE_SIZE_H

#include <stdint.h>

#include "base/error.h"

/* Bytes, or a number with K, M, G or T (powers of 1024, either case). */
int size_parse(const char *text, uint64_t *out, struct error *e);

#endif
