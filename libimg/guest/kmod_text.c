/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines, words and name tables over the texts of depmod. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/kmod_text.h"

bool line_next(const char **at, struct span *line)
{
	const char *end;

	if (!**at)
		return false;
	end = strchr(*at, '\n');
	*line = (struct span){ *at, end ? (size_t)(end - *at) : strlen(*at) };
	*at += line->len + (end != NULL);
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool word_next(struct span *line, struct span *word)
{
	size_t start = 0, end;

	while (start < line->len && blank(line->text[start]))
		start++;
	for (end = start; end < line->len && !blank(line->text[end]);)
		end++;
	*word = (struct span){ line->text + start, end - start };
	*line = (struct span){ line->text + end, line->len - end };
	return word->len > 0;
}

bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

struct span span_module(struct span path)
{
	const char *slash = memrchr(path.text, '/', path.len);
	const char *dot;

	if (slash)
		path = (struct span){ slash + 1, path.len - (size_t)(slash + 1 - path.text) };
	dot = memchr(path.text, '.', path.len);
	if (dot)
		path.len = (size_t)(dot - path.text);
	return path;
}

struct span span_uncompressed(struct span path)
{
	struct span name = span_module(path);
	size_t stem = (size_t)(name.text - path.text) + name.len;

	if (path.len - stem >= 3 && memcmp(path.text + stem, ".ko", 3) == 0)
		path.len = stem + 3;
	return path;
}

static int span_compare(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < len; i++) {
		char x = a.text[i] == '-' ? '_' : a.text[i];
		char y = b.text[i] == '-' ? '_' : b.text[i];

		if (x != y)
			return (unsigned char)x < (unsigned char)y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

int names_add(struct names *n, struct span span, size_t module, struct error *e)
{
	if (n->count == n->capacity) {
		size_t capacity = n->capacity ? n->capacity * 2 : 256;
		struct name *grown = reallocarray(n->item, capacity, sizeof(*grown));

		if (!grown)
			return error_nomem(e, "module names");
		n->item = grown;
		n->capacity = capacity;
	}
	n->item[n->count++] = (struct name){ span, module };
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = span_compare(x->span, y->span);

	if (order)
		return order;
	/* All spans of a table point into one text, so their addresses tell the order of insertion.
	 */
	return ((uintptr_t)x->span.text > (uintptr_t)y->span.text) -
		((uintptr_t)x->span.text < (uintptr_t)y->span.text);
}

void names_sort(struct names *n)
{
	if (n->count)
		qsort(n->item, n->count, sizeof(*n->item), name_compare);
}

const struct name *names_find(const struct names *n, struct span wanted, size_t *count)
{
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(n->item[middle].span, wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < n->count && high - low < NAMES_EQUAL_LIMIT &&
		!span_compare(n->item[high].span, wanted);)
		high++;
	*count = high - low;
	return *count ? &n->item[low] : NULL;
}

void names_free(struct names *n)
{
	free(n->item);
	*n = (struct names){ 0 };
}
