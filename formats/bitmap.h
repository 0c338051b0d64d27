/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_BITMAP_H
#define FORMATS_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A bit for each of many units, of which memory holds a part at a time: whoever uses it goes over
 * all units again for each part.
 */
enum { BITMAP_UNITS = 1 << 29 }; /* of a part: 64 MiB */

struct bitmap {
	uint64_t first, count; /* units of the part in memory */
	uint64_t total;
	uint64_t *word;
};

/* The first part, all clear; total may be 0. */
int bitmap_open(struct bitmap *b, uint64_t total, struct error *e);
/* On to the next part, all clear; false when there is none. */
bool bitmap_next(struct bitmap *b);
/* Sets units off..off + len - 1 as far as they are in the part; true when one was set before. */
bool bitmap_set(struct bitmap *b, uint64_t off, uint64_t len);
/* Units of the part, from its first up to unit `end`, that are clear. */
uint64_t bitmap_clear_count(const struct bitmap *b, uint64_t end);
void bitmap_close(struct bitmap *b);

#endif
