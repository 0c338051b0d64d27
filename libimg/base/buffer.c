/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int buffer_reserve(struct buffer *b, size_t more, struct error *e)
{
	size_t want, grown;
	uint8_t *data;

	/* One byte is for the NUL past the end. */
	if (more >= SIZE_MAX - 1 - b->len)
		return error_nomem(e, "a buffer");
	want = b->len + more + 1;
	if (want <= b->capacity)
		return 0;
	grown = b->capacity > SIZE_MAX / 2 ? want : b->capacity * 2;
	if (grown < want)
		grown = want < 64 ? 64 : want;
	data = realloc(b->data, grown);
	if (!data)
		return error_set(e, ERR_NOMEM, "out of memory for a buffer of %zu bytes", grown);
	b->data = data;
	b->capacity = grown;
	b->data[b->len] = 0;
	return 0;
}

int buffer_append(struct buffer *b, const void *bytes, size_t len, struct error *e)
{
	int rc = buffer_reserve(b, len, e);

	if (rc)
		return rc;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buffer_string(struct buffer *b, const char *text, struct error *e)
{
	return buffer_append(b, text, strlen(text), e);
}

int buffer_format(struct buffer *b, struct error *e, const char *format, ...)
{
	va_list args;
	char *text;
	int len, rc;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return error_nomem(e, "a text");
	rc = buffer_append(b, text, (size_t)len, e);
	free(text);
	return rc;
}

int buffer_zeros(struct buffer *b, size_t count, struct error *e)
{
	int rc = buffer_reserve(b, count, e);

	if (rc)
		return rc;
	memset(b->data + b->len, 0, count + 1);
	b->len += count;
	return 0;
}

const char *buffer_text(const struct buffer *b)
{
	return b->data ? (const char *)b->data : "";
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}
