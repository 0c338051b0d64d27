/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_ZERO_H
#define LIBIMG_BASE_ZERO_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all bytes are zero. */
bool bytes_are_zero(const void *bytes, size_t len);

#endif
