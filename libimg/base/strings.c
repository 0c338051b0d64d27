/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

int strings_add_len(struct strings *s, const char *text, size_t len, struct error *e)
{
	char *copy;

	if (s->count == s->capacity) {
		size_t grown = s->capacity ? s->capacity * 2 : 8;
		char **item = reallocarray(s->item, grown, sizeof(*item));

		if (!item)
			return error_nomem(e, "a list");
		s->item = item;
		s->capacity = grown;
	}
	copy = strndup(text, len);
	if (!copy)
		return error_nomem(e, "a text");
	s->item[s->count++] = copy;
	return 0;
}

int strings_add(struct strings *s, const char *text, struct error *e)
{
	return strings_add_len(s, text, strlen(text), e);
}

bool strings_have(const struct strings *s, const char *text)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->item[i], text) == 0)
			return true;
	return false;
}

int strings_add_new(struct strings *s, const char *text, struct error *e)
{
	return strings_have(s, text) ? 0 : strings_add(s, text, e);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *s)
{
	if (s->count)
		qsort(s->item, s->count, sizeof(*s->item), text_compare);
}

int strings_split(struct strings *s, const char *text, const char *separators, struct error *e)
{
	while (*text) {
		size_t len = strcspn(text, separators);
		int rc = len ? strings_add_len(s, text, len, e) : 0;

		if (rc)
			return rc;
		text += len + (text[len] != 0);
	}
	return 0;
}

void strings_free(struct strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->item[i]);
	free(s->item);
	*s = (struct strings){ 0 };
}
