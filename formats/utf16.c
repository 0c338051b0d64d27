/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and paths as Windows stores them, as UTF-8. */
#include "formats/utf16.h"

enum { REPLACEMENT = 0xfffd };

static char *utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

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
		return REPLACEMENT;
	return c;
}

bool utf16_is_text(const le16 *text, size_t units)
{
	size_t i = 0;

	while (i < units && get_le16(text[i]))
		if (utf16_next(text, units, &i) == REPLACEMENT)
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
		out = utf8_put(out, c);
	}
	*out = 0;
}
