/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Short names: what they stand for, and how one is made of a long name.  Sections 6 and 7. */
#include <stdio.h>
#include <string.h>

#include "fs/fat.h"

enum {
	BASE = 8,
	NAME = 11,
	E5 = 0x05, /* stands for a first byte of 0xe5 */
};

/* Code page 437, which Linux and UEFI take short names to be in, from 0x80 on. */
static const uint16_t code_page[128] = {
	0x00c7,
	0x00fc,
	0x00e9,
	0x00e2,
	0x00e4,
	0x00e0,
	0x00e5,
	0x00e7,
	0x00ea,
	0x00eb,
	0x00e8,
	0x00ef,
	0x00ee,
	0x00ec,
	0x00c4,
	0x00c5,
	0x00c9,
	0x00e6,
	0x00c6,
	0x00f4,
	0x00f6,
	0x00f2,
	0x00fb,
	0x00f9,
	0x00ff,
	0x00d6,
	0x00dc,
	0x00a2,
	0x00a3,
	0x00a5,
	0x20a7,
	0x0192,
	0x00e1,
	0x00ed,
	0x00f3,
	0x00fa,
	0x00f1,
	0x00d1,
	0x00aa,
	0x00ba,
	0x00bf,
	0x2310,
	0x00ac,
	0x00bd,
	0x00bc,
	0x00a1,
	0x00ab,
	0x00bb,
	0x2591,
	0x2592,
	0x2593,
	0x2502,
	0x2524,
	0x2561,
	0x2562,
	0x2556,
	0x2555,
	0x2563,
	0x2551,
	0x2557,
	0x255d,
	0x255c,
	0x255b,
	0x2510,
	0x2514,
	0x2534,
	0x252c,
	0x251c,
	0x2500,
	0x253c,
	0x255e,
	0x255f,
	0x255a,
	0x2554,
	0x2569,
	0x2566,
	0x2560,
	0x2550,
	0x256c,
	0x2567,
	0x2568,
	0x2564,
	0x2565,
	0x2559,
	0x2558,
	0x2552,
	0x2553,
	0x256b,
	0x256a,
	0x2518,
	0x250c,
	0x2588,
	0x2584,
	0x258c,
	0x2590,
	0x2580,
	0x03b1,
	0x00df,
	0x0393,
	0x03c0,
	0x03a3,
	0x03c3,
	0x00b5,
	0x03c4,
	0x03a6,
	0x0398,
	0x03a9,
	0x03b4,
	0x221e,
	0x03c6,
	0x03b5,
	0x2229,
	0x2261,
	0x00b1,
	0x2265,
	0x2264,
	0x2320,
	0x2321,
	0x00f7,
	0x2248,
	0x00b0,
	0x2219,
	0x00b7,
	0x221a,
	0x207f,
	0x00b2,
	0x25a0,
	0x00a0,
};

static uint16_t letter(uint8_t c, bool lower)
{
	if (lower && c >= 'A' && c <= 'Z')
		return (uint16_t)(c + 0x20);
	return c < 0x80 ? c : code_page[c - 0x80];
}

static size_t length(const uint8_t *text, size_t len)
{
	while (len && text[len - 1] == ' ')
		len--;
	return len;
}

size_t fat_short_text(const struct fat_raw *raw, bool lower, uint16_t out[FAT_SHORT_UNITS])
{
	size_t base = length(raw->name, BASE), extension = length(raw->name + BASE, NAME - BASE);
	size_t used = 0;

	for (size_t i = 0; i < base; i++) {
		uint8_t c = !i && raw->name[0] == E5 ? FAT_DELETED : raw->name[i];

		out[used++] = letter(c, lower && raw->lower & 0x08);
	}
	if (extension)
		out[used++] = '.';
	for (size_t i = 0; i < extension; i++)
		out[used++] = letter(raw->name[BASE + i], lower && raw->lower & 0x10);
	return used;
}

uint8_t fat_short_sum(const uint8_t name[NAME])
{
	uint8_t sum = 0;

	for (size_t i = 0; i < NAME; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + name[i]);
	return sum;
}

/* One character of a short name; *exact and *plain are cleared when it is another than the long
 * name's. */
static uint8_t short_letter(uint16_t c, struct fat_short *s)
{
	if (c >= 'a' && c <= 'z') {
		s->plain = false;
		return (uint8_t)(c - 0x20);
	}
	if (c > ' ' && c < 0x7f && !strchr("+,;=[].", c))
		return (uint8_t)c;
	s->exact = false;
	return '_';
}

/* Up to `room` characters of a part of the name, without spaces and dots. */
static size_t part_make(
	const uint16_t *from, const uint16_t *end, uint8_t *to, size_t room, struct fat_short *s)
{
	size_t used = 0;

	for (; from < end; from++) {
		if (*from == ' ' || *from == '.' || used == room)
			s->exact = false;
		else
			to[used++] = short_letter(*from, s);
	}
	return used;
}

void fat_short_make(const uint16_t *name, size_t units, struct fat_short *out)
{
	const uint16_t *end = name + units, *dot = end;

	*out = (struct fat_short){ .exact = true, .plain = true };
	memset(out->name, ' ', NAME);
	/* Dots in front begin no extension. */
	while (name < end && (*name == '.' || *name == ' ')) {
		out->exact = false;
		name++;
	}
	for (const uint16_t *at = name; at < end; at++)
		if (*at == '.')
			dot = at;
	out->base = part_make(name, dot, out->name, BASE, out);
	if (dot < end)
		(void)part_make(dot + 1, end, out->name + BASE, NAME - BASE, out);
	if (!out->base) {
		out->exact = false;
		out->name[out->base++] = '_';
	}
	out->plain = out->plain && out->exact;
}

void fat_short_numbered(const struct fat_short *s, uint32_t number, uint8_t out[NAME])
{
	char tail[BASE + 1];
	size_t len, at;

	memcpy(out, s->name, NAME);
	if (!number)
		return;
	len = (size_t)snprintf(tail, sizeof(tail), "~%u", number);
	at = s->base < BASE - len ? s->base : BASE - len;
	memcpy(out + at, tail, len);
}

uint32_t fat_short_number(const struct fat_short *s, const uint8_t name[NAME])
{
	const uint8_t *tilde = memrchr(name, '~', BASE);
	uint8_t same[NAME];
	uint32_t number = 0;

	if (!tilde)
		return 0;
	for (const uint8_t *at = tilde + 1; at < name + BASE && *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint32_t)(*at - '0');
	if (!number || number > 999999)
		return 0;
	fat_short_numbered(s, number, same);
	return memcmp(same, name, NAME) ? 0 : number;
}
