/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of an INF taken apart ("General syntax rules for INF files"). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

enum {
	FIELDS_MAX = 65536, /* of a line: binary values have one for each byte */
	LINE_COST = 256, /* what looking at a line takes beside its bytes, and what it leaves */
};

/* How far it is to one of `stops` that is not quoted, or to the end. */
static size_t unquoted_span(const char *text, const char *stops)
{
	bool quoted = false;
	size_t i;

	for (i = 0; text[i]; i++) {
		quoted ^= text[i] == '"';
		if (!quoted && strchr(stops, text[i]))
			break;
	}
	return i;
}

/* Without the space around it and its quotes; doubled ones stand for one. */
static int text_clean(const char *text, size_t len, struct buffer *out, struct error *e)
{
	bool quoted = false;
	int rc = buffer_reserve(out, len, e);

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	for (size_t i = 0; !rc && i < len; i++) {
		if (text[i] != '"') {
			rc = buffer_append(out, text + i, 1, e);
		} else if (quoted && i + 1 < len && text[i + 1] == '"') {
			rc = buffer_append(out, text + i++, 1, e);
		} else {
			quoted = !quoted;
		}
	}
	return rc;
}

/* Appends a part of a line, strings put in. */
static int part_read(struct inf_source *s, const char *text, size_t len, unsigned number,
	struct strings *out, struct error *e)
{
	struct buffer clean = { 0 }, full = { 0 };
	int rc = text_clean(text, len, &clean, e);

	if (!rc)
		rc = inf_expand(s, buffer_text(&clean), number, &full, e);
	if (!rc)
		rc = strings_add(out, buffer_text(&full), e);
	buffer_free(&clean);
	buffer_free(&full);
	return rc;
}

static bool is_token(const char *text)
{
	const size_t len = strlen(text);

	return len > 2 && *text == '%' && strchr(text + 1, '%') == text + len - 1;
}

static int key_read(
	struct inf_source *s, const char *text, size_t len, struct inf_item *item, struct error *e)
{
	struct buffer clean = { 0 };
	struct strings key = { 0 };
	int rc = part_read(s, text, len, item->number, &key, e);

	if (!rc)
		rc = text_clean(text, len, &clean, e);
	if (!rc && is_token(buffer_text(&clean)))
		rc = inf_copy(&item->key_token, buffer_text(&clean), e);
	if (!rc)
		rc = inf_copy(&item->key, key.item[0], e);
	strings_free(&key);
	buffer_free(&clean);
	return rc;
}

static int fields_read(
	struct inf_source *s, const char *text, struct inf_item *item, struct error *e)
{
	int rc = 0;

	while (*text == ' ' || *text == '\t')
		text++;
	if (!*text)
		return 0;
	for (;;) {
		const size_t len = unquoted_span(text, ",");

		if (item->field.count == FIELDS_MAX)
			return error_set(e, ERR_RANGE, "line %u: more than %d values", item->number,
				FIELDS_MAX);
		rc = part_read(s, text, len, item->number, &item->field, e);
		if (rc || !text[len])
			return rc;
		text += len + 1;
	}
}

static int work_count(struct inf_source *s, const struct inf_line *line, struct error *e)
{
	s->work += strlen(line->text) + LINE_COST;
	if (s->work <= INF_WORK_LIMIT)
		return 0;
	return error_set(e, ERR_RANGE,
		"line %u: it takes more than %d bytes of text to follow its sections", line->number,
		INF_WORK_LIMIT);
}

int inf_item_read(
	struct inf_source *s, const struct inf_line *line, struct inf_item *out, struct error *e)
{
	struct inf_item item = { .number = line->number };
	const char *text = line->text;
	/* Behind the first "," a "=" is a part of a value. */
	const size_t len = unquoted_span(text, "=,");
	int rc = work_count(s, line, e);

	if (!rc && text[len] == '=') {
		rc = key_read(s, text, len, &item, e);
		text += len + 1;
	}
	if (!rc)
		rc = fields_read(s, text, &item, e);
	if (rc)
		inf_item_free(&item);
	else
		*out = item;
	return rc;
}

void inf_item_free(struct inf_item *item)
{
	free(item->key);
	free(item->key_token);
	strings_free(&item->field);
	*item = (struct inf_item){ 0 };
}

const char *inf_field(const struct inf_item *item, size_t index)
{
	return index < item->field.count ? item->field.item[index] : "";
}

bool inf_key_is(const struct inf_item *item, const char *key)
{
	return item->key && !strcasecmp(item->key, key);
}

bool inf_number_read(const char *text, uint32_t *out)
{
	const bool negative = *text == '-';
	const char *digits = text + (negative || *text == '+');
	const bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	unsigned long long n;
	char *end;

	digits += hex ? 2 : 0;
	if (!*digits ||
		strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(digits))
		return false;
	n = strtoull(digits, &end, hex ? 16 : 10);
	if (n > UINT32_MAX || strlen(digits) > 20)
		return false;
	*out = negative ? 0 - (uint32_t)n : (uint32_t)n;
	return true;
}

int inf_number(
	const struct inf_item *item, size_t index, uint32_t empty, uint32_t *out, struct error *e)
{
	const char *text = inf_field(item, index);

	if (!*text) {
		*out = empty;
		return 0;
	}
	if (!inf_number_read(text, out))
		return error_set(
			e, ERR_CORRUPT, "line %u: \"%.100s\" is no number", item->number, text);
	return 0;
}

int inf_each(struct inf_source *s, const char *name, inf_visit visit, void *arg, struct error *e)
{
	const struct inf_section *section = inf_section_find(s, name);
	int rc = 0;

	for (size_t i = 0; !rc && section && i < section->count; i++) {
		struct inf_item item;

		rc = inf_item_read(s, &section->line[i], &item, e);
		if (rc)
			break;
		rc = visit(arg, &item, e);
		inf_item_free(&item);
	}
	return rc;
}
