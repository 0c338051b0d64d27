/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_GUID_H
#define LIBIMG_BASE_GUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { GUID_TEXT_SIZE = 37 };

/* A GUID as Microsoft stores it: the first three fields little endian. */
struct guid {
	uint8_t b[16];
};

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", lower case. */
void guid_text(struct guid g, char text[GUID_TEXT_SIZE]);
/* Accepts upper and lower case, with or without braces. */
bool guid_parse(const char *text, struct guid *out);
bool guid_equal(struct guid a, struct guid b);
/* A version 4 GUID. */
int guid_random(struct guid *out, struct error *e);
/* A version 8 (RFC 9562) GUID from a digest and a word that says what it is for. */
struct guid guid_derive(const uint8_t digest[16], const char *purpose);

#endif
