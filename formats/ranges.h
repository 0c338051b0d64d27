/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_RANGES_H
#define FORMATS_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Ranges that may lie over one another, told as pieces that do not: tables that overlap a thousand
 * times are looked at once.  All zero is an empty set.
 */
struct ranges {
	struct range_edge {
		uint64_t at;
		int32_t step; /* one more range from here on, or one less */
	} * edge;
	size_t count, capacity;
};

/* `len` may be 0; off + len fits. */
int ranges_add(struct ranges *r, uint64_t off, uint64_t len, struct error *e);
/* To be called between the last ranges_add and the first ranges_next. */
void ranges_sort(struct ranges *r);

struct ranges_piece {
	uint64_t off, end;
	uint32_t weight; /* ranges that cover it */
	size_t next;
};
/* The next piece, in rising order; all zero at the start.  False at the end. */
bool ranges_next(const struct ranges *r, struct ranges_piece *p);
void ranges_free(struct ranges *r);

#endif
