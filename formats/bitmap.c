/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "formats/bitmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { BITS = 64 };

static size_t words(uint64_t units)
{
	return (size_t)div_up(units, BITS);
}

int bitmap_open(struct bitmap *b, uint64_t total, struct error *e)
{
	uint64_t count = min_u64(total, BITMAP_UNITS);

	*b = (struct bitmap){ .count = count, .total = total };
	b->word = calloc(words(count) + 1, sizeof(*b->word));
	return b->word ? 0 : error_nomem(e, "a bitmap");
}

bool bitmap_next(struct bitmap *b)
{
	b->first += b->count;
	b->count = min_u64(b->total - b->first, BITMAP_UNITS);
	memset(b->word, 0, words(b->count) * sizeof(*b->word));
	return b->count;
}

bool bitmap_set(struct bitmap *b, uint64_t off, uint64_t len)
{
	uint64_t from = max_u64(off, b->first), to = min_u64(off + len, b->first + b->count);
	bool before = false;

	for (uint64_t i = from; i < to; i++) {
		uint64_t bit = i - b->first, mask = UINT64_C(1) << bit % BITS;

		before |= (b->word[bit / BITS] & mask) != 0;
		b->word[bit / BITS] |= mask;
	}
	return before;
}

uint64_t bitmap_clear_count(const struct bitmap *b, uint64_t end)
{
	uint64_t units = end > b->first ? min_u64(end - b->first, b->count) : 0, clear = 0;

	for (uint64_t i = 0; i < units; i++)
		clear += !(b->word[i / BITS] >> i % BITS & 1);
	return clear;
}

void bitmap_close(struct bitmap *b)
{
	free(b->word);
	*b = (struct bitmap){ 0 };
}
