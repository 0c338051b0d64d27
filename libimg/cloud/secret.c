/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/secret.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_LIMIT = 16 };

void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void secret_buffer_free(struct buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->capacity);
	buffer_free(b);
}

static void wipe(json_t *value, unsigned depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		explicit_bzero(
			(char *)(uintptr_t)json_string_value(value), json_string_length(value));
	if (depth == DEPTH_LIMIT)
		return;
	json_array_foreach(value, i, item) wipe(item, depth + 1);
	json_object_foreach(value, key, item) wipe(item, depth + 1);
}

void secret_json_free(json_t *value)
{
	if (!value)
		return;
	wipe(value, 0);
	json_decref(value);
}
