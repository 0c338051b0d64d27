/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing, at most three quarters full. */
#include "disk/block_table.h"

#include <stdlib.h>

#include "base/checked.h"

enum { PLACES_FIRST = 1024, PLACES_QUICK = 16384 };

static size_t place_find(const struct block_table *t, uint64_t block)
{
	size_t place = (size_t)(block * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->places - 1);

	while (t->key[place] && t->key[place] != block + 1)
		place = (place + 1) & (t->places - 1);
	return place;
}

static int table_grow(struct block_table *t, struct error *e)
{
	struct block_table old = *t;

	t->places = old.places ? old.places * 2 : PLACES_FIRST;
	t->key = calloc(t->places, sizeof(*t->key));
	t->slot = calloc(t->places, sizeof(*t->slot));
	if (!t->key || !t->slot) {
		free(t->key);
		free(t->slot);
		*t = old;
		return error_nomem(e, "the overlay's index");
	}
	for (size_t i = 0; i < old.places; i++) {
		size_t place;

		if (!old.key[i])
			continue;
		place = place_find(t, old.key[i] - 1);
		t->key[place] = old.key[i];
		t->slot[place] = old.slot[i];
	}
	free(old.key);
	free(old.slot);
	return 0;
}

int block_table_open(struct block_table *t, struct error *e)
{
	*t = (struct block_table){ 0 };
	return table_grow(t, e);
}

void block_table_close(struct block_table *t)
{
	free(t->key);
	free(t->slot);
	free(t->sorted);
}

uint32_t *block_table_slot(const struct block_table *t, uint64_t block)
{
	size_t place = place_find(t, block);

	return t->key[place] ? &t->slot[place] : NULL;
}

int block_table_add(struct block_table *t, uint64_t block, uint32_t slot, struct error *e)
{
	size_t place;

	if (t->entries * 4 >= t->places * 3) {
		int rc = table_grow(t, e);

		if (rc)
			return rc;
	}
	place = place_find(t, block);
	t->key[place] = block + 1;
	t->slot[place] = slot;
	t->entries++;
	return 0;
}

void block_table_mark(struct block_table *t, uint64_t first, uint64_t end, uint32_t bits)
{
	if (end - first < t->places) {
		for (; first < end; first++) {
			uint32_t *slot = block_table_slot(t, first);

			if (slot)
				*slot |= bits;
		}
		return;
	}
	for (size_t i = 0; i < t->places; i++)
		if (t->key[i] > first && t->key[i] <= end)
			t->slot[i] |= bits;
}

static int block_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int block_table_sort(struct block_table *t, struct error *e)
{
	size_t count = 0;

	if (t->sorted)
		return 0;
	t->sorted = calloc(t->entries ? t->entries : 1, sizeof(*t->sorted));
	if (!t->sorted)
		return error_nomem(e, "the overlay's list of changes");
	for (size_t i = 0; i < t->places; i++)
		if (t->key[i])
			t->sorted[count++] = t->key[i] - 1;
	qsort(t->sorted, count, sizeof(*t->sorted), block_compare);
	return 0;
}

bool block_table_is_quick(const struct block_table *t)
{
	return t->sorted || t->places <= PLACES_QUICK;
}

static uint64_t next_scan(const struct block_table *t, uint64_t block)
{
	uint64_t next = BLOCK_TABLE_END;

	for (size_t i = 0; i < t->places; i++)
		if (t->key[i] > block)
			next = min_u64(next, t->key[i] - 1);
	return next;
}

uint64_t block_table_next(const struct block_table *t, uint64_t block)
{
	size_t low = 0, high = t->entries;

	if (!t->sorted)
		return next_scan(t, block);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->sorted[middle] < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->entries ? t->sorted[low] : BLOCK_TABLE_END;
}
