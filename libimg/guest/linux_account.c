/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_account.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

/* The next line of the text; false at its end. */
static bool line_next(const char **text, struct span *line)
{
	if (!**text)
		return false;
	line->at = *text;
	line->len = strcspn(*text, "\n");
	*text += line->len + ((*text)[line->len] != 0);
	return true;
}

static bool field_of(const struct span *line, unsigned field, struct span *out)
{
	const char *end = line->at + line->len;

	*out = (struct span){ .at = line->at };
	for (;; field--) {
		const char *colon = memchr(out->at, ':', (size_t)(end - out->at));

		out->len = (size_t)((colon ? colon : end) - out->at);
		if (!field)
			return true;
		if (!colon)
			return false;
		out->at = colon + 1;
	}
}

static bool record_of(const struct buffer *text, const char *name, struct span *out)
{
	const char *at = buffer_text(text);
	struct span first;

	while (line_next(&at, out))
		if (field_of(out, 0, &first) && first.len == strlen(name) &&
			first.len != out->len && !memcmp(first.at, name, first.len))
			return true;
	return false;
}

static bool number_of(const struct span *s, uint32_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->len; i++) {
		if (!isdigit((unsigned char)s->at[i]) || n > UINT32_MAX)
			return false;
		n = n * 10 + (uint64_t)(s->at[i] - '0');
	}
	*out = (uint32_t)n;
	return s->len && n <= UINT32_MAX;
}

bool account_has(const struct buffer *text, const char *name)
{
	struct span record;

	return record_of(text, name, &record);
}

int account_field(
	const struct buffer *text, const char *name, unsigned field, char **out, struct error *e)
{
	struct span record, value;

	*out = NULL;
	if (!record_of(text, name, &record) || !field_of(&record, field, &value))
		return 0;
	*out = strndup(value.at, value.len);
	return *out ? 0 : error_nomem(e, "an account");
}

int account_number(const struct buffer *text, const char *name, unsigned field, uint32_t *out,
	bool *found, struct error *e)
{
	struct span record, value;

	(void)e;
	*found = record_of(text, name, &record) && field_of(&record, field, &value) &&
		number_of(&value, out);
	return 0;
}

bool account_number_used(const struct buffer *text, unsigned field, uint32_t number)
{
	const char *at = buffer_text(text);
	struct span line, value;
	uint32_t n;

	while (line_next(&at, &line))
		if (field_of(&line, field, &value) && number_of(&value, &n) && n == number)
			return true;
	return false;
}

int account_number_free(const struct buffer *text, unsigned field, uint32_t min, uint32_t max,
	uint32_t *out, struct error *e)
{
	const char *at = buffer_text(text);
	struct span line, value;
	uint64_t next = min;
	uint32_t n;

	while (line_next(&at, &line))
		if (field_of(&line, field, &value) && number_of(&value, &n) && n <= max &&
			n >= next)
			next = (uint64_t)n + 1;
	/* A gap is found after as many looks as there are records. */
	if (next > max)
		for (next = min; next <= max; next++)
			if (!account_number_used(text, field, (uint32_t)next))
				break;
	if (next > max)
		return error_set(
			e, ERR_RANGE, "no number of %u to %u is free for an account", min, max);
	*out = (uint32_t)next;
	return 0;
}

int account_add(struct buffer *text, const char *record, struct error *e)
{
	int rc = 0;

	if (text->len && text->data[text->len - 1] != '\n')
		rc = buffer_string(text, "\n", e);
	return rc ? rc : buffer_format(text, e, "%s\n", record);
}

int account_set(
	struct buffer *text, const char *name, unsigned field, const char *value, struct error *e)
{
	const char *whole = buffer_text(text);
	struct buffer changed = { 0 };
	struct span record, old;
	int rc;

	if (!record_of(text, name, &record) || !field_of(&record, field, &old))
		return error_set(e, ERR_CORRUPT, "the record of %s has no field %u", name, field);
	rc = buffer_append(&changed, whole, (size_t)(old.at - whole), e);
	if (!rc)
		rc = buffer_string(&changed, value, e);
	if (!rc)
		rc = buffer_string(&changed, old.at + old.len, e);
	if (rc) {
		buffer_free(&changed);
		return rc;
	}
	buffer_free(text);
	*text = changed;
	return 0;
}

int account_join(struct buffer *text, const char *group, const char *member, struct error *e)
{
	struct strings members = { 0 };
	struct buffer list = { 0 };
	char *old = NULL;
	int rc = account_field(text, group, GROUP_MEMBERS, &old, e);

	if (!rc && old)
		rc = strings_split(&members, old, ",", e);
	if (!rc && !strings_have(&members, member)) {
		rc = buffer_format(
			&list, e, "%s%s%s", old ? old : "", members.count ? "," : "", member);
		if (!rc)
			rc = account_set(text, group, GROUP_MEMBERS, buffer_text(&list), e);
	}
	strings_free(&members);
	buffer_free(&list);
	free(old);
	return rc;
}
