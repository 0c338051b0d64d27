/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and text of a hive: Latin-1 or UTF-16, compared in any case. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "guest/hive_private.h"

struct hive_name hive_key_name(const struct hive *h, uint32_t key)
{
	const struct hive_key *k = hive_cell(h, key);

	return (struct hive_name){ k->name, get_le16(k->name_len),
		(get_le16(k->flags) & HIVE_KEY_COMPACT) != 0 };
}

struct hive_name hive_value_name(const struct hive *h, uint32_t value)
{
	const struct hive_data *v = hive_cell(h, value);

	return (struct hive_name){ v->name, get_le16(v->name_len),
		(get_le16(v->flags) & HIVE_VALUE_COMPACT) != 0 };
}

size_t hive_name_units(const struct hive_name *n)
{
	return n->compact ? n->len : n->len / 2;
}

uint16_t hive_name_unit(const struct hive_name *n, size_t i)
{
	return n->compact ? n->bytes[i] : get_le16(((const le16 *)(const void *)n->bytes)[i]);
}

/* Letters that have their other case at a fixed distance, or (0) beside it, capitals even or odd.
 */
static const struct {
	uint16_t first, last, distance;
} letters[] = {
	{ 'a', 'z', 32 },
	{ 0xe0, 0xf6, 32 },
	{ 0xf8, 0xfe, 32 },
	{ 0x100, 0x12f, 0 },
	{ 0x132, 0x137, 0 },
	{ 0x139, 0x148, 1 },
	{ 0x14a, 0x177, 0 },
	{ 0x179, 0x17e, 1 },
	{ 0x3ad, 0x3af, 37 },
	{ 0x3b1, 0x3c1, 32 },
	{ 0x3c3, 0x3cb, 32 },
	{ 0x3cd, 0x3ce, 63 },
	{ 0x430, 0x44f, 32 },
	{ 0x450, 0x45f, 80 },
	{ 0x460, 0x481, 0 },
	{ 0x48a, 0x4bf, 0 },
	{ 0x561, 0x586, 48 },
	{ 0xff41, 0xff5a, 32 },
};

uint16_t hive_unit_upper(uint16_t unit)
{
	if (unit < 0x80)
		return unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 32) : unit;
	for (size_t i = 1; i < sizeof(letters) / sizeof(*letters); i++) {
		if (unit < letters[i].first || unit > letters[i].last)
			continue;
		if (letters[i].distance > 1)
			return (uint16_t)(unit - letters[i].distance);
		return unit % 2 != letters[i].distance ? (uint16_t)(unit - 1) : unit;
	}
	switch (unit) {
	case 0xff:
		return 0x178;
	case 0x3ac:
		return 0x386;
	case 0x3c2:
		return 0x3a3;
	case 0x3cc:
		return 0x38c;
	default:
		return unit;
	}
}

/* Whether the unit at *i is the code point, any case; moves on.  U+FFFD is also what has no UTF-8.
 */
static bool unit_is(const struct hive_name *n, size_t *i, uint32_t c)
{
	size_t left = hive_name_units(n) - *i;
	uint16_t unit = left ? hive_name_unit(n, *i) : 0;

	if (left < 1u + (c > 0xffff))
		return false;
	if (c > 0xffff) {
		*i += 2;
		return unit == 0xd7c0 + (c >> 10) &&
			hive_name_unit(n, *i - 1) == (0xdc00 | (c & 0x3ff));
	}
	++*i;
	if (c == 0xfffd && (!unit || unit >> 11 == 0x1b))
		return true;
	return hive_unit_upper(unit) == hive_unit_upper((uint16_t)c);
}

bool hive_name_is(const struct hive_name *n, const char *text, size_t len)
{
	size_t i = 0;

	while (len) {
		uint32_t c;
		size_t used = utf8_read((const uint8_t *)text, len, &c);

		if (!used || !unit_is(n, &i, c))
			return false;
		text += used;
		len -= used;
	}
	return i == hive_name_units(n);
}

int hive_name_text(const struct hive_name *n, char **out, struct error *e)
{
	size_t units = hive_name_units(n);
	char *text = malloc(units * 3 + 1), *p = text;

	if (!text)
		return error_nomem(e, "text of a registry hive");
	for (size_t i = 0; i < units; i++) {
		uint32_t c = hive_name_unit(n, i);
		uint32_t low = i + 1 < units ? hive_name_unit(n, i + 1) : 0;

		if (c >> 10 == 0x36 && low >> 10 == 0x37) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i++;
		} else if (c >> 11 == 0x1b || !c) {
			c = 0xfffd;
		}
		p += utf8_write(p, c);
	}
	*p = 0;
	*out = text;
	return 0;
}

int hive_utf16(const char *text, size_t len, struct buffer *out, struct error *e)
{
	int rc = buffer_reserve(out, len * 2, e);

	while (!rc && len) {
		uint32_t c;
		size_t used = utf8_read((const uint8_t *)text, len, &c);
		le16 unit[2];

		if (!used)
			return error_set(e, ERR_USAGE, "byte 0x%02x is no UTF-8", (uint8_t)*text);
		unit[0] = put_le16((uint16_t)(c > 0xffff ? 0xd7c0 + (c >> 10) : c));
		unit[1] = put_le16((uint16_t)(0xdc00 | (c & 0x3ff)));
		rc = buffer_append(out, unit, c > 0xffff ? 4 : 2, e);
		text += used;
		len -= used;
	}
	return rc;
}
