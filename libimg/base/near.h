/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_NEAR_H
#define LIBIMG_BASE_NEAR_H

#include <stddef.h>

#include "base/strings.h"

/* What somebody is likely to have meant. */

enum { NEAR_MOST = 2 };

/* Letters to put in, take out, replace or swap with the next; more than `most`: `most` + 1. */
size_t edit_distance(const char *a, const char *b, size_t most);
/* How far away a word may be that was meant: short ones are near to too much. */
size_t near_enough(const char *word);
/* Of the list, the nearest that is near enough; NULL: none is. */
const char *near_name(const struct strings *names, const char *word);

#endif
