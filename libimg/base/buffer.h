/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_BUFFER_H
#define LIBIMG_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A growing run of bytes; all zero is an empty one.  `data` is kept NUL-terminated past `len`. */
struct buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
};

int buffer_reserve(struct buffer *b, size_t more, struct error *e);
int buffer_append(struct buffer *b, const void *bytes, size_t len, struct error *e);
int buffer_string(struct buffer *b, const char *text, struct error *e);
int buffer_format(struct buffer *b, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int buffer_zeros(struct buffer *b, size_t count, struct error *e);

/* The bytes as a C string ("" when empty); valid until the next change. */
const char *buffer_text(const struct buffer *b);

/* Frees the bytes and leaves an empty buffer. */
void buffer_free(struct buffer *b);

#endif
