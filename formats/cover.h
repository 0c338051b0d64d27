/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_COVER_H
#define FORMATS_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Ranges that may lie over one another, told as pieces that do not: tables that overlap a thousand
 * times are looked at once.  All zero is an empty set.
 */
struct cover {
	struct cover_edge {
		uint64_t at;
		int32_t step; /* one more range from here on, or one less */
	} * edge;
	size_t count, capacity;
};

/* `len` may be 0; off + len fits. */
int cover_add(struct cover *r, uint64_t off, uint64_t len, struct error *e);
/* To be called between the last cover_add and the first cover_next. */
void cover_sort(struct cover *r);

struct cover_piece {
	uint64_t off, end;
	uint32_t weight; /* ranges that cover it */
	size_t next;
};
/* The next piece, in rising order; all zero at the start.  False at the end. */
bool cover_next(const struct cover *r, struct cover_piece *p);
void cover_free(struct cover *r);

#endif
