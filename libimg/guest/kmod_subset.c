/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The indexes that tell about the modules of a subset, as depmod(8) lays them out. */

#include <string.h>

#include "guest/kmod_index.h"
#include "guest/kmod_subset.h"

int name_normalize(struct span name, struct buffer *out, struct error *e)
{
	int rc;

	out->len = 0;
	rc = buffer_append(out, name.text, name.len, e);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] == '-')
			out->data[i] = '_';
	return rc;
}

int alias_normalize(struct span alias, struct buffer *out, bool *fits, struct error *e)
{
	bool inside = false;
	int rc;

	*fits = true;
	out->len = 0;
	rc = buffer_append(out, alias.text, alias.len, e);
	for (size_t i = 0; i < out->len && *fits; i++) {
		uint8_t c = out->data[i];

		if (c == '-' && !inside)
			out->data[i] = '_';
		else if (c == ']' && !inside)
			*fits = false;
		else if (c == '[')
			inside = true;
		else if (c == ']')
			inside = false;
	}
	*fits = *fits && !inside;
	return rc;
}

static struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct span buffer_span(const struct buffer *b)
{
	return (struct span){ buffer_text(b), b->len };
}

/* Whether the name is that of a module of the subset. */
static bool subset_find(const struct subset *s, struct span name, size_t *module)
{
	size_t count;
	const struct name *found = names_find(&s->k->by_name, name, &count);

	for (size_t i = 0; i < count; i++) {
		*module = found[i].module;
		if (s->path[*module])
			return true;
	}
	return false;
}

static int line_append(struct buffer *out, struct span line, struct error *e)
{
	int rc = buffer_append(out, line.text, line.len, e);

	return rc ? rc : buffer_string(out, "\n", e);
}

/* "path: path path" without a newline. */
static int dep_line(const struct subset *s, size_t module, struct buffer *out, struct error *e)
{
	struct span rest = s->k->module[module].needs, word;
	int rc = buffer_format(out, e, "%s:", s->path[module]);
	size_t need;

	while (!rc && word_next(&rest, &word))
		if (kmod_find_path(s->k, word, &need) && s->path[need])
			rc = buffer_format(out, e, " %s", s->path[need]);
	return rc;
}

int write_dep(const struct subset *s, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->k->count && !rc; i++) {
		if (!s->path[i])
			continue;
		rc = dep_line(s, i, out, e);
		if (!rc)
			rc = buffer_string(out, "\n", e);
	}
	return rc;
}

int write_dep_bin(const struct subset *s, struct buffer *out, struct error *e)
{
	struct buffer line = { 0 }, name = { 0 };
	struct index ix = { 0 };
	int rc = 0;

	for (size_t i = 0; i < s->k->count && !rc; i++) {
		if (!s->path[i])
			continue;
		line.len = 0;
		rc = dep_line(s, i, &line, e);
		if (!rc)
			rc = name_normalize(span_module(span_of(s->path[i])), &name, e);
		if (!rc)
			rc = index_add(&ix, buffer_span(&name), buffer_span(&line), s->rank[i], e);
	}
	if (!rc)
		rc = index_write(&ix, out, e);
	buffer_free(&line);
	buffer_free(&name);
	index_free(&ix);
	return rc;
}

/* Takes the next "alias PATTERN MODULE" line whose module the subset has. */
static bool alias_next(const struct subset *s, const char **at, struct span *line,
	struct span *pattern, size_t *module)
{
	struct span owner;

	while (line_next(at, line))
		if (kmod_alias_line(*line, pattern, &owner) && subset_find(s, owner, module))
			return true;
	return false;
}

static int aliases_write(const struct subset *s, const char *title, const char *text,
	struct buffer *out, struct error *e)
{
	int rc = buffer_string(out, title, e);
	struct span line, pattern;
	size_t module;

	while (!rc && text && alias_next(s, &text, &line, &pattern, &module))
		rc = line_append(out, line, e);
	return rc;
}

int write_alias(const struct subset *s, struct buffer *out, struct error *e)
{
	return aliases_write(
		s, "# Aliases extracted from modules themselves.\n", s->k->alias, out, e);
}

int write_symbols(const struct subset *s, struct buffer *out, struct error *e)
{
	return aliases_write(
		s, "# Aliases for symbols, used by symbol_request().\n", s->k->symbols, out, e);
}

int write_alias_bin(const struct subset *s, struct buffer *out, struct error *e)
{
	struct buffer key = { 0 }, name = { 0 };
	const char *at = s->k->alias ? s->k->alias : "";
	struct index ix = { 0 };
	struct span line, pattern;
	size_t module;
	int rc = 0;

	while (!rc && alias_next(s, &at, &line, &pattern, &module)) {
		bool fits;

		rc = alias_normalize(pattern, &key, &fits, e);
		if (rc || !fits)
			continue;
		rc = name_normalize(span_module(span_of(s->path[module])), &name, e);
		if (!rc)
			rc = index_add(
				&ix, buffer_span(&key), buffer_span(&name), s->rank[module], e);
	}
	if (!rc)
		rc = index_write(&ix, out, e);
	buffer_free(&key);
	buffer_free(&name);
	index_free(&ix);
	return rc;
}

int write_symbols_bin(const struct subset *s, struct buffer *out, struct error *e)
{
	const char *at = s->k->symbols ? s->k->symbols : "";
	struct buffer name = { 0 };
	struct index ix = { 0 };
	struct span line, pattern;
	size_t module;
	int rc = 0;

	while (!rc && alias_next(s, &at, &line, &pattern, &module)) {
		rc = name_normalize(span_module(span_of(s->path[module])), &name, e);
		if (!rc)
			rc = index_add(&ix, pattern, buffer_span(&name), s->rank[module], e);
	}
	if (!rc)
		rc = index_write(&ix, out, e);
	buffer_free(&name);
	index_free(&ix);
	return rc;
}

int write_softdep(const struct subset *s, struct buffer *out, struct error *e)
{
	const char *at = s->k->softdep ? s->k->softdep : "";
	int rc = buffer_string(out, "# Soft dependencies extracted from modules themselves.\n", e);
	struct span line, rest, word;
	size_t module;

	while (!rc && line_next(&at, &line)) {
		rest = line;
		if (word_next(&rest, &word) && span_is(word, "softdep") &&
			word_next(&rest, &word) && subset_find(s, word, &module))
			rc = line_append(out, line, e);
	}
	return rc;
}

/* depmod leaves this one empty when there is nothing to tell. */
int write_devname(const struct subset *s, struct buffer *out, struct error *e)
{
	const char *at = s->k->devname ? s->k->devname : "";
	struct span line, rest, word;
	size_t module;
	int rc = 0;

	while (!rc && line_next(&at, &line)) {
		rest = line;
		if (!word_next(&rest, &word) || !subset_find(s, word, &module))
			continue;
		if (!out->len)
			rc = buffer_string(
				out, "# Device nodes to trigger on-demand module loading.\n", e);
		if (!rc)
			rc = line_append(out, line, e);
	}
	return rc;
}
