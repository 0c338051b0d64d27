/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/guid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"

/* Where each byte of the text lies in the stored form. */
static const uint8_t stored_at[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

void guid_text(struct guid g, char text[GUID_TEXT_SIZE])
{
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += snprintf(p, 3, "%02x", g.b[stored_at[i]]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool guid_parse(const char *text, struct guid *out)
{
	bool brace = *text == '{';
	struct guid g;

	text += brace;
	for (int i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_value(text[0]);
		low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0)
			return false;
		g.b[stored_at[i]] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (brace && *text++ != '}')
		return false;
	if (*text)
		return false;
	*out = g;
	return true;
}

bool guid_equal(struct guid a, struct guid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

/* The version and the RFC's variant, in the stored order of the fields. */
static void guid_mark(struct guid *g, uint8_t version)
{
	g->b[7] = (uint8_t)((g->b[7] & 0x0f) | version << 4);
	g->b[8] = (uint8_t)((g->b[8] & 0x3f) | 0x80);
}

int guid_random(struct guid *out, struct error *e)
{
	if (getentropy(out->b, sizeof(out->b)))
		return error_errno(e, errno, "cannot get random bytes");
	guid_mark(out, 4);
	return 0;
}

struct guid guid_derive(const uint8_t digest[16], const char *purpose)
{
	uint8_t seed[16 + 64] = { 0 };
	struct guid g;
	size_t len = strlen(purpose);

	if (len > sizeof(seed) - 16)
		len = sizeof(seed) - 16;
	memcpy(seed, digest, 16);
	memcpy(seed + 16, purpose, len);
	fast_digest(seed, 16 + len, g.b);
	guid_mark(&g, 8);
	return g;
}
