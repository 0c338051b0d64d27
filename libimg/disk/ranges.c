/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { CAPACITY_FIRST = 16 };

/* The first run that ends at or after `at`. */
static size_t run_find(const struct ranges *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->range[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct ranges *r, struct error *e)
{
	size_t capacity = r->capacity ? r->capacity * 2 : CAPACITY_FIRST;
	struct range *range;

	if (r->count < r->capacity)
		return 0;
	range = reallocarray(r->range, capacity, sizeof(*range));
	if (!range)
		return error_nomem(e, "a list of ranges");
	r->range = range;
	r->capacity = capacity;
	return 0;
}

int ranges_add(struct ranges *r, uint64_t start, uint64_t end, struct error *e)
{
	size_t first = run_find(r, start), next = first;
	int rc;

	if (start >= end)
		return 0;
	rc = make_room(r, e);
	if (rc)
		return rc;
	/* Those that touch the new one become part of it. */
	for (; next < r->count && r->range[next].start <= end; next++) {
		start = min_u64(start, r->range[next].start);
		end = max_u64(end, r->range[next].end);
	}
	memmove(r->range + first + 1, r->range + next, (r->count - next) * sizeof(*r->range));
	r->range[first] = (struct range){ start, end };
	r->count = r->count - (next - first) + 1;
	return 0;
}

bool ranges_hold(const struct ranges *r, uint64_t at, uint64_t *until)
{
	size_t i = run_find(r, at);

	if (i < r->count && r->range[i].end == at)
		i++;
	*until = UINT64_MAX;
	if (i == r->count)
		return false;
	if (r->range[i].start > at) {
		*until = r->range[i].start;
		return false;
	}
	*until = r->range[i].end;
	return true;
}

void ranges_free(struct ranges *r)
{
	free(r->range);
	*r = (struct ranges){ 0 };
}
