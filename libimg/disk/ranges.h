/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_RANGES_H
#define LIBIMG_DISK_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A set of offsets as runs from `start` to before `end`; all zero is an empty one. */
struct range {
	uint64_t start, end;
};

struct ranges {
	struct range *range; /* rising; none touches the next */
	size_t count;
	size_t capacity;
};

/* Adds start .. end - 1; nothing when they are no run. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t end, struct error *e);
/* Whether `at` is in the set.  *until gets the first offset after it where that changes, UINT64_MAX
 * when it does not. */
bool ranges_hold(const struct ranges *r, uint64_t at, uint64_t *until);
void ranges_free(struct ranges *r);

#endif
