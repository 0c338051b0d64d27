/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_SIZE_H
#define LIBIMG_BASE_SIZE_H

#include <stdint.h>

#include "base/error.h"

/* Bytes, or a number with K, M, G or T (powers of 1024, either case). */
int size_parse(const char *text, uint64_t *out, struct error *e);

/* A size for people: "4.00 GiB". */
enum { SIZE_TEXT = 32 };
void size_text(uint64_t bytes, char text[SIZE_TEXT]);

/* A size, or how much more or less than another it is. */
struct size_change {
	char sign; /* 0: `bytes` is the size; '+' or '-' */
	uint64_t bytes;
};

/* As size_parse, with + or - before it; not 0. */
int size_change_parse(const char *text, struct size_change *out, struct error *e);
/* The size that `change` makes of `old`; ERR_USAGE when nothing is left, or too much. */
int size_change_apply(
	const struct size_change *change, uint64_t old, uint64_t *out, struct error *e);

#endif
