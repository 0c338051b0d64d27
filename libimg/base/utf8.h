/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_UTF8_H
#define LIBIMG_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_MAX = 4, UTF8_REPLACEMENT = 0xfffd };

/* The code point at the start of `len` bytes, and how many it takes; 0: they begin with none
 * (RFC 3629: no surrogate, no longer form than needed, nothing above 0x10ffff). */
size_t utf8_read(const uint8_t *s, size_t len, uint32_t *out);
/* Writes the code point, at most UTF8_MAX bytes; how many. */
size_t utf8_write(char *out, uint32_t c);

#endif
