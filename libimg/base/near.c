/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/near.h"

#include <string.h>

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b, size_t most)
{
	size_t row[3][WORD_MAX + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > WORD_MAX || n > WORD_MAX || (m > n ? m - n : n - m) > most)
		return most + 1;
	for (size_t j = 0; j <= n; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3], *above = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= n; j++) {
			now[j] = least(
				up[j - 1] + (a[i - 1] != b[j - 1]), least(up[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], above[j - 2] + 1);
		}
	}
	return row[m % 3][n];
}

size_t near_enough(const char *word)
{
	return strlen(word) < 6 ? 1 : NEAR_MOST;
}

const char *near_name(const struct strings *names, const char *word)
{
	size_t best = near_enough(word) + 1;
	const char *found = NULL;

	for (size_t i = 0; i < names->count; i++) {
		size_t d = edit_distance(word, names->item[i], NEAR_MOST);

		if (d < best) {
			best = d;
			found = names->item[i];
		}
	}
	return found;
}
