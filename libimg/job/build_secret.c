/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "job/build_private.h"

static bool is_secret(const struct recipe *r, const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return recipe_has_secret(r, json_string_value(value));
	if (!json_is_integer(value))
		return false;
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	return recipe_has_secret(r, number);
}

static json_t *hidden(void)
{
	return json_string("(secret)");
}

/* Documents of hvimg's own making, a few levels deep. */
static int hide(const struct recipe *r, json_t *document)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;
	int failed = 0;

	json_array_foreach(document, i, value)
	{
		failed |= is_secret(r, value) ? json_array_set_new(document, i, hidden())
					      : hide(r, value);
	}
	json_object_foreach_safe(document, next, key, value)
	{
		failed |= is_secret(r, value) ? json_object_set_new(document, key, hidden())
					      : hide(r, value);
	}
	return failed;
}

int build_secrets_hide(const struct recipe *r, json_t *document, struct error *e)
{
	return hide(r, document) ? error_nomem(e, "JSON") : 0;
}
