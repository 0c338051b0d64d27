/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The [Strings] of an INF, and putting them in where a line says %NAME%. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/inf_private.h"

int inf_table_add(struct inf_table *t, const char *name, const char *value, struct error *e)
{
	struct inf_pair pair = { .order = t->count };
	int rc = inf_grow((void **)&t->pair, t->count, sizeof(*t->pair), e);

	if (!rc)
		rc = inf_copy(&pair.name, name, e);
	if (!rc)
		rc = inf_copy(&pair.value, value, e);
	if (rc) {
		free(pair.name);
		free(pair.value);
		return rc;
	}
	inf_lower(pair.name);
	t->pair[t->count++] = pair;
	return 0;
}

static int pair_compare(const void *a, const void *b)
{
	const struct inf_pair *x = a, *y = b;
	const int by_name = strcmp(x->name, y->name);

	return by_name ? by_name : (x->order > y->order) - (x->order < y->order);
}

void inf_table_sort(struct inf_table *t)
{
	if (t->count)
		qsort(t->pair, t->count, sizeof(*t->pair), pair_compare);
}

const char *inf_table_find(const struct inf_table *t, const char *name)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(t->pair[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && !strcmp(t->pair[low].name, name) ? t->pair[low].value : NULL;
}

void inf_table_free(struct inf_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->pair[i].name);
		free(t->pair[i].value);
	}
	free(t->pair);
	*t = (struct inf_table){ 0 };
}

static int string_add(void *arg, const struct inf_item *item, struct error *e)
{
	return item->key ? inf_table_add(arg, item->key, inf_field(item, 0), e) : 0;
}

/* A string is not looked for in others: while these are read there is no table. */
int inf_strings_read(struct inf_source *s, struct error *e)
{
	struct inf_table table = { 0 };
	char of_language[32], of_primary[32];
	int rc;

	snprintf(of_language, sizeof(of_language), "strings.%04x", s->platform->lcid);
	/* LANGID: what stands for a language wherever it is spoken, "strings.0009" for English. */
	snprintf(of_primary, sizeof(of_primary), "strings.%04x", s->platform->lcid & 0x3ffU);
	rc = inf_each(s, of_language, string_add, &table, e);
	if (!rc && strcmp(of_language, of_primary))
		rc = inf_each(s, of_primary, string_add, &table, e);
	if (!rc)
		rc = inf_each(s, "strings", string_add, &table, e);
	inf_table_sort(&table);
	s->strings = table;
	return rc;
}

/* *text is at a "%": what comes out, and *text behind it. */
static int token_put(struct inf_source *s, const char **text, struct buffer *out, struct error *e)
{
	const char *const start = *text, *end = strchr(start + 1, '%');
	const char *value;
	char *name;
	int rc;

	if (!end || end == start + 1) {
		*text = end ? end + 1 : start + 1;
		return buffer_append(out, "%", 1, e);
	}
	name = strndup(start + 1, (size_t)(end - start - 1));
	if (!name)
		return error_nomem(e, "an INF");
	inf_lower(name);
	value = inf_table_find(&s->strings, name);
	free(name);
	*text = end + 1;
	/* A folder's number stays as it is, and so does what has no string. */
	rc = value ? buffer_append(out, value, strlen(value), e)
		   : buffer_append(out, start, (size_t)(end + 1 - start), e);
	s->work += value ? strlen(value) : 0;
	return rc;
}

int inf_expand(struct inf_source *s, const char *text, unsigned number, struct buffer *out,
	struct error *e)
{
	int rc = 0;

	while (!rc && *text) {
		const size_t plain = strcspn(text, "%");

		rc = buffer_append(out, text, plain, e);
		text += plain;
		if (!rc && *text)
			rc = token_put(s, &text, out, e);
		if (!rc && (out->len > INF_EXPANDED_LIMIT || s->work > INF_WORK_LIMIT))
			rc = error_set(e, ERR_RANGE,
				"line %u: a value of more than %d bytes, strings put in", number,
				INF_EXPANDED_LIMIT);
	}
	return rc;
}
