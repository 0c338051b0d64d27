/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody is likely to have meant. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "cloud/lint_private.h"

enum { WORD_MAX = 64, NEAR = 2 };

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

/* Short words are near to too much. */
static size_t near_enough(const char *word)
{
	return strlen(word) < 6 ? 1 : NEAR;
}

const char *property_near(const char *name)
{
	size_t best = near_enough(name) + 1;
	const char *found = NULL;

	for (const struct known_property *p = known_properties; p->name; p++) {
		size_t d = edit_distance(name, p->name, NEAR);

		if (d < best) {
			best = d;
			found = p->name;
		}
	}
	return found;
}

/* Takes one value off "a|b"; false: there is none that fits. */
static bool next_value(const char **values, char value[VALUE_MAX])
{
	size_t len = *values ? strcspn(*values, "|") : 0;

	if (!len || len >= VALUE_MAX)
		return false;
	memcpy(value, *values, len);
	value[len] = '\0';
	*values += len + ((*values)[len] == '|');
	return true;
}

bool value_listed(const char *values, const char *value, bool fold)
{
	char one[VALUE_MAX];

	while (next_value(&values, one))
		if (!(fold ? strcasecmp(one, value) : strcmp(one, value)))
			return true;
	return false;
}

bool value_near(const char *values, const char *value, char near[VALUE_MAX])
{
	size_t best = near_enough(value) + 1;
	bool found = false;
	char one[VALUE_MAX];

	while (next_value(&values, one)) {
		size_t d = strcasecmp(one, value) ? edit_distance(one, value, NEAR) : 0;

		if (d >= best)
			continue;
		best = d;
		memcpy(near, one, VALUE_MAX);
		found = true;
	}
	return found;
}
