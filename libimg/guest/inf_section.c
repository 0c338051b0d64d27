/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of an INF, and the sections that they are in. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

/* A section's name where it begins in the file. */
struct heading {
	const char *name;
	size_t order;
};

struct scan {
	struct inf_source *source;
	struct heading *heading;
	size_t heading_count;
	char *at; /* what is not read yet */
	unsigned number; /* of the line read last */
};

int inf_grow(void **array, size_t count, size_t size, struct error *e)
{
	void *grown;

	/* Full at every power of two from 8 on. */
	if (count && (count < 8 || count & (count - 1)))
		return 0;
	grown = reallocarray(*array, count ? count * 2 : 8, size);
	if (!grown)
		return error_nomem(e, "an INF");
	*array = grown;
	return 0;
}

int inf_copy(char **out, const char *text, struct error *e)
{
	char *copy = strdup(text);

	if (!copy)
		return error_nomem(e, "an INF");
	free(*out);
	*out = copy;
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Moves the next line of the file, without its comment and the space around it, to `to`; false at
 * the end.  *more: it goes on in the next one. */
static bool piece_read(struct scan *s, char **to, bool *more)
{
	char *line = s->at, *start, *end;
	bool quoted = false;

	if (!*line)
		return false;
	s->number++;
	s->at += strcspn(line, "\n");
	end = s->at;
	s->at += *end != 0;
	for (char *c = line; c < end; c++) {
		quoted ^= *c == '"';
		if (*c == ';' && !quoted)
			end = c;
	}
	for (start = line; start < end && is_space(*start); start++)
		;
	while (end > start && is_space(end[-1]))
		end--;
	/* A path may end so inside quotes. */
	*more = end > start && end[-1] == '\\' && !quoted;
	end -= *more;
	memmove(*to, start, (size_t)(end - start));
	*to += end - start;
	return true;
}

static int heading_add(struct scan *s, char *text, struct error *e)
{
	char *end = strchr(text, ']'), *name = text + 1;
	int rc;

	if (!end)
		return error_set(e, ERR_CORRUPT, "line %u: a section without \"]\"", s->number);
	while (end > name && is_space(end[-1]))
		end--;
	*end = 0;
	while (is_space(*name))
		name++;
	rc = inf_grow((void **)&s->heading, s->heading_count, sizeof(*s->heading), e);
	if (!rc) {
		s->heading[s->heading_count] = (struct heading){ name, s->heading_count };
		s->heading_count++;
	}
	return rc;
}

static int line_add(struct scan *s, char *text, unsigned number, struct error *e)
{
	struct inf_source *source = s->source;
	int rc;

	if (*text == '[')
		return heading_add(s, text, e);
	if (!*text)
		return 0;
	if (!s->heading_count)
		return error_set(e, ERR_CORRUPT, "line %u is in no section", number);
	rc = inf_grow((void **)&source->line, source->line_count, sizeof(*source->line), e);
	if (!rc)
		source->line[source->line_count++] = (struct inf_line){ text, number,
			s->heading_count - 1 };
	return rc;
}

/* In place: what is read is never shorter than what is kept. */
static int lines_read(struct scan *s, struct error *e)
{
	char *to = s->at;
	int rc = 0;

	while (!rc) {
		char *const text = to;
		const unsigned number = s->number + 1;
		bool more = true, any = false;

		while (more && piece_read(s, &to, &more))
			any = true;
		if (!any)
			break;
		/* The line's end made room for it. */
		*to++ = 0;
		rc = s->number > INF_LINE_LIMIT
			? error_set(e, ERR_RANGE, "more than %d lines", INF_LINE_LIMIT)
			: line_add(s, text, number, e);
	}
	return rc;
}

static int heading_compare(const void *a, const void *b)
{
	const struct heading *x = a, *y = b;
	const int by_name = strcasecmp(x->name, y->name);

	return by_name ? by_name : (x->order > y->order) - (x->order < y->order);
}

static int line_compare(const void *a, const void *b)
{
	const struct inf_line *x = a, *y = b;

	if (x->section != y->section)
		return x->section > y->section ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Gives each line the number of its section among the sorted ones, and puts them in that order. */
static int sections_sort(struct scan *s, struct error *e)
{
	struct inf_source *source = s->source;
	size_t *rank = calloc(s->heading_count + 1, sizeof(*rank));
	size_t at = 0;

	source->section = calloc(s->heading_count + 1, sizeof(*source->section));
	source->device = calloc(s->heading_count + 1, sizeof(*source->device));
	if (!rank || !source->section || !source->device) {
		free(rank);
		return error_nomem(e, "an INF");
	}
	if (s->heading_count)
		qsort(s->heading, s->heading_count, sizeof(*s->heading), heading_compare);
	for (size_t i = 0; i < s->heading_count; i++) {
		if (!i || strcasecmp(s->heading[i].name, s->heading[i - 1].name))
			source->section[source->section_count++].name = s->heading[i].name;
		rank[s->heading[i].order] = source->section_count - 1;
	}
	for (size_t i = 0; i < source->line_count; i++)
		source->line[i].section = rank[source->line[i].section];
	free(rank);
	if (source->line_count)
		qsort(source->line, source->line_count, sizeof(*source->line), line_compare);
	for (size_t i = 0; i < source->section_count; i++) {
		const size_t first = at;

		while (at < source->line_count && source->line[at].section == i)
			at++;
		source->section[i].line = at > first ? source->line + first : NULL;
		source->section[i].count = at - first;
	}
	return 0;
}

int inf_sections_read(struct inf_source *source, struct error *e)
{
	struct scan s = { .source = source, .at = (char *)source->text.data };
	int rc = lines_read(&s, e);

	if (!rc)
		rc = sections_sort(&s, e);
	free(s.heading);
	return rc;
}

size_t inf_section_from(const struct inf_source *s, const char *name)
{
	size_t low = 0, high = s->section_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcasecmp(s->section[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct inf_section *inf_section_find(const struct inf_source *s, const char *name)
{
	const size_t at = inf_section_from(s, name);

	if (at == s->section_count || strcasecmp(s->section[at].name, name))
		return NULL;
	return &s->section[at];
}
