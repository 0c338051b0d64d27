/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody is likely to have meant. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "cloud/lint_private.h"

const char *property_near(const char *name)
{
	size_t best = near_enough(name) + 1;
	const char *found = NULL;

	for (const struct known_property *p = known_properties; p->name; p++) {
		size_t d = edit_distance(name, p->name, NEAR_MOST);

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
		size_t d = strcasecmp(one, value) ? edit_distance(one, value, NEAR_MOST) : 0;

		if (d >= best)
			continue;
		best = d;
		memcpy(near, one, VALUE_MAX);
		found = true;
	}
	return found;
}
