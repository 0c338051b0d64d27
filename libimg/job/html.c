/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/html.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static void bytes_put(struct html *h, const void *bytes, size_t len)
{
	if (!h->rc)
		h->rc = buffer_append(h->out, bytes, len, h->e);
}

void html_markup(struct html *h, const char *markup)
{
	bytes_put(h, markup, strlen(markup));
}

/* HTML 13.1.4: not to be in a page even as a reference. */
static bool is_noncharacter(uint32_t c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static bool is_treacherous(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x08 }, { 0x0b, 0x1f }, { 0x7f, 0x9f }, /* controls, but tab and line end */
		{ 0xad, 0xad }, { 0x61c, 0x61c }, /* soft hyphen, Arabic letter mark */
		{ 0x180e, 0x180e }, { 0x200b, 0x200b }, /* no width */
		{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, /* directions, lines */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, /* byte order, annotations */
		{ 0xe0000, 0xe007f } /* tags */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* NULL: it may stand for itself. */
static const char *reference(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return is_noncharacter(c) ? "\xef\xbf\xbd" : NULL;
	}
}

/* `len` bytes that are the character; 0: a byte that is none. */
static void character_put(struct html *h, const uint8_t *s, size_t len, uint32_t c)
{
	const char *instead = len ? reference(c) : "\xef\xbf\xbd";

	if (instead)
		html_markup(h, instead);
	else if (!is_treacherous(c))
		bytes_put(h, s, len);
	else if (!h->rc)
		h->rc = buffer_format(h->out, h->e, "[U+%04X]", (unsigned)c);
}

void html_text(struct html *h, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t left = text ? strlen(text) : 0;

	while (left && !h->rc) {
		uint32_t c = 0;
		size_t len = utf8_read(s, left, &c), step = len ? len : 1;

		character_put(h, s, len, c);
		s += step;
		left -= step;
	}
}

void html_fill(struct html *h, const char *markup, const char *const *text, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(markup, "%");

		bytes_put(h, markup, len);
		markup += len;
		if (*markup)
			markup++;
		html_text(h, text[i]);
	}
	html_markup(h, markup);
}
