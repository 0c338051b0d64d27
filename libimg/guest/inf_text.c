/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an INF as UTF-8 text. */
#include <string.h>

#include "base/utf8.h"
#include "guest/inf_private.h"

/* Windows-1252 from 0x80; what it leaves out stays a control character. */
static const uint16_t western[32] = { 0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c,
	0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178 };

struct decoder {
	const uint8_t *bytes;
	size_t len, at;
	bool big;
};

typedef uint32_t (*next_character)(struct decoder *d);

static uint32_t western_next(struct decoder *d)
{
	const uint8_t c = d->bytes[d->at++];

	return c >= 0x80 && c < 0xa0 ? western[c - 0x80] : c;
}

static uint32_t unit(const struct decoder *d, size_t at)
{
	const unsigned first = d->bytes[at], second = d->bytes[at + 1];

	return d->big ? first << 8 | second : second << 8 | first;
}

static uint32_t utf16_next(struct decoder *d)
{
	const uint32_t c = unit(d, d->at);
	uint32_t low;

	d->at += 2;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	low = c < 0xdc00 && d->at + 2 <= d->len ? unit(d, d->at) : 0;
	if (low < 0xdc00 || low > 0xdfff)
		return UTF8_REPLACEMENT;
	d->at += 2;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* Of a faulty byte only that one is passed over. */
static uint32_t utf8_next(struct decoder *d)
{
	uint32_t c = UTF8_REPLACEMENT;
	const size_t len = utf8_read(d->bytes + d->at, d->len - d->at, &c);

	d->at += len ? len : 1;
	return c;
}

static next_character decoder_start(struct decoder *d)
{
	const uint8_t *b = d->bytes;

	if (d->len >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
		d->big = b[0] == 0xfe;
		d->at = 2;
		return utf16_next;
	}
	if (d->len >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) {
		d->at = 3;
		return utf8_next;
	}
	return western_next;
}

int inf_text_decode(const void *bytes, size_t len, struct buffer *out, struct error *e)
{
	struct decoder d = { .bytes = bytes, .len = len };
	const next_character next = decoder_start(&d);
	unsigned number = 1;
	int rc;

	if (len > INF_LIMIT)
		return error_set(
			e, ERR_RANGE, "%zu bytes; no INF has more than %d", len, INF_LIMIT);
	if (next == utf16_next && len % 2)
		return error_set(e, ERR_CORRUPT, "UTF-16 of an odd number of bytes, %zu", len);
	/* No character takes more than three times its bytes, and one of two units takes four. */
	rc = buffer_reserve(out, len * 3 + UTF8_MAX, e);
	while (!rc && d.at < len) {
		const uint32_t c = next(&d);

		/* Ctrl-Z ends a text file of DOS. */
		if (c == 0x1a)
			break;
		if (!c)
			rc = error_set(e, ERR_CORRUPT,
				"line %u: a NUL character: no INF, or UTF-16 without its mark",
				number);
		number += c == '\n';
		out->len += utf8_write((char *)out->data + out->len, c);
	}
	if (out->data)
		out->data[out->len] = 0;
	return rc;
}

int inf_utf16_append(struct buffer *out, const char *text, struct error *e)
{
	struct decoder d = { .bytes = (const uint8_t *)text, .len = strlen(text) };
	int rc = buffer_reserve(out, d.len * 2, e);

	while (!rc && d.at < d.len) {
		const uint32_t c = utf8_next(&d), high = 0xd7c0 + (c >> 10),
			       low = 0xdc00 | (c & 0x3ff);
		const uint8_t one[] = { (uint8_t)c, (uint8_t)(c >> 8) };
		const uint8_t two[] = { (uint8_t)high, (uint8_t)(high >> 8), (uint8_t)low,
			(uint8_t)(low >> 8) };

		rc = c < 0x10000 ? buffer_append(out, one, sizeof(one), e)
				 : buffer_append(out, two, sizeof(two), e);
	}
	return rc;
}

/* Names in INF files are of ASCII letters where case matters. */
void inf_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}
