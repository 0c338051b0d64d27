/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The characters of names: UTF-8, UTF-16, upper case. */
#include <string.h>

#include "base/utf8.h"
#include "fs/fat.h"

bool fat_name_read(const char *name, uint16_t out[FAT_NAME_UNITS], size_t *units)
{
	const uint8_t *s = (const uint8_t *)name;
	size_t left = strlen(name), used = 0;

	while (left) {
		uint32_t c = 0;
		size_t len = utf8_read(s, left, &c);

		if (!len || used + 1 + (c > 0xffff) > FAT_NAME_UNITS)
			return false;
		if (c > 0xffff) {
			out[used++] = (uint16_t)(0xd7c0 + (c >> 10));
			c = 0xdc00 | (c & 0x3ff);
		}
		out[used++] = (uint16_t)c;
		s += len;
		left -= len;
	}
	*units = used;
	return used != 0;
}

void fat_name_text(const uint16_t *name, size_t units, char out[FAT_NAME_BYTES + 1])
{
	for (size_t i = 0; i < units; i++) {
		uint32_t c = name[i];

		if (c >> 10 == 0x36 && i + 1 < units && name[i + 1] >> 10 == 0x37)
			c = 0x10000 + ((c & 0x3ff) << 10 | (name[++i] & 0x3ff));
		else if (c >> 11 == 0x1b || c == '/')
			c = UTF8_REPLACEMENT;
		out += utf8_write(out, c);
	}
	*out = '\0';
}

/* Where lower case letters lie a fixed distance behind the upper case ones. */
static const struct {
	uint16_t first, last, distance;
} shifted[] = {
	{ 'a', 'z', 0x20 },
	{ 0xe0, 0xf6, 0x20 },
	{ 0xf8, 0xfe, 0x20 },
	{ 0x3ac, 0x3ac, 0x26 },
	{ 0x3ad, 0x3af, 0x25 },
	{ 0x3b1, 0x3c1, 0x20 },
	{ 0x3c3, 0x3cb, 0x20 },
	{ 0x3cc, 0x3cc, 0x40 },
	{ 0x3cd, 0x3ce, 0x3f },
	{ 0x430, 0x44f, 0x20 },
	{ 0x450, 0x45f, 0x50 },
	{ 0x561, 0x586, 0x30 },
	{ 0x2170, 0x217f, 0x10 },
	{ 0x24d0, 0x24e9, 0x1a },
	{ 0xff41, 0xff5a, 0x20 },
};

/* Where upper and lower case alternate; the lower one is the odd one, or the even one. */
static const struct {
	uint16_t first, last, odd;
} paired[] = {
	{ 0x100, 0x12f, 1 },
	{ 0x132, 0x137, 1 },
	{ 0x139, 0x148, 0 },
	{ 0x14a, 0x177, 1 },
	{ 0x179, 0x17e, 0 },
	{ 0x3d8, 0x3ef, 1 },
	{ 0x460, 0x481, 1 },
	{ 0x48a, 0x4bf, 1 },
	{ 0x4c1, 0x4ce, 0 },
	{ 0x4d0, 0x52f, 1 },
	{ 0x1e00, 0x1e95, 1 },
	{ 0x1ea0, 0x1eff, 1 },
};

static uint16_t upper(uint16_t c)
{
	if (c == 0xff)
		return 0x178;
	for (size_t i = 0; i < sizeof(shifted) / sizeof(*shifted); i++)
		if (c >= shifted[i].first && c <= shifted[i].last)
			return (uint16_t)(c - shifted[i].distance);
	for (size_t i = 0; i < sizeof(paired) / sizeof(*paired); i++)
		if (c >= paired[i].first && c <= paired[i].last && c % 2 == paired[i].odd)
			return (uint16_t)(c - 1);
	return c;
}

bool fat_name_same(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units)
{
	if (a_units != b_units)
		return false;
	for (size_t i = 0; i < a_units; i++)
		if (upper(a[i]) != upper(b[i]))
			return false;
	return true;
}
