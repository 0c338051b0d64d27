/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and paths as Windows stores them, from and to UTF-8. */
#include "formats/utf16.h"

#include <string.h>

#include "base/utf8.h"

/* The character at text[*i], which is moved past it.  Half a surrogate pair has no character, and
 * control characters stand in no path or name: they could only confuse a terminal. */
static uint32_t utf16_next(const le16 *text, size_t units, size_t *i)
{
	uint32_t c = get_le16(text[(*i)++]);
	uint32_t low = *i < units ? get_le16(text[*i]) : 0;

	if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
		++*i;
		return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if ((c >= 0xd800 && c < 0xe000) || (c && c < 0x20) || (c >= 0x7f && c < 0xa0))
		return UTF8_REPLACEMENT;
	return c;
}

bool utf16_is_text(const le16 *text, size_t units)
{
	size_t i = 0;

	while (i < units && get_le16(text[i]))
		if (utf16_next(text, units, &i) == UTF8_REPLACEMENT)
			return false;
	return true;
}

void utf16_text(const le16 *text, size_t units, char *out)
{
	size_t i = 0;

	while (i < units) {
		uint32_t c = utf16_next(text, units, &i);

		if (!c)
			break;
		out += utf8_write(out, c);
	}
	*out = 0;
}

static int unit_add(struct buffer *out, uint32_t unit, struct error *e)
{
	le16 stored = put_le16((uint16_t)unit);

	return buffer_append(out, &stored, sizeof(stored), e);
}

int utf16_make(const char *text, struct buffer *out, struct error *e)
{
	size_t left = strlen(text);
	int rc = 0;

	while (!rc && left) {
		uint32_t c;
		size_t len = utf8_read((const uint8_t *)text, left, &c);

		if (!len)
			return error_set(e, ERR_USAGE, "byte %#x is not part of UTF-8",
				(unsigned char)*text);
		if (c >= 0x10000)
			rc = unit_add(out, 0xd800 + ((c - 0x10000) >> 10), e);
		if (!rc)
			rc = unit_add(out, c >= 0x10000 ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c, e);
		text += len;
		left -= len;
	}
	return rc;
}
