/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All index files of a subset of modules; here those about what is built in. */

#include <stdlib.h>
#include <string.h>

#include "guest/kmod_index.h"
#include "guest/kmod_subset.h"

static struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct span buffer_span(const struct buffer *b)
{
	return (struct span){ buffer_text(b), b->len };
}

static int write_builtin(const struct subset *s, struct buffer *out, struct error *e)
{
	return buffer_string(out, s->k->builtin, e);
}

static int write_order(const struct subset *s, struct buffer *out, struct error *e)
{
	return buffer_string(out, s->k->order, e);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int write_builtin_bin(const struct subset *s, struct buffer *out, struct error *e)
{
	const char *at = s->k->builtin;
	struct buffer name = { 0 };
	struct index ix = { 0 };
	struct span line;
	int rc = 0;

	while (!rc && line_next(&at, &line)) {
		if (!line.len || !is_letter(line.text[0]))
			continue;
		rc = name_normalize(span_module(line), &name, e);
		if (!rc)
			rc = index_add(&ix, buffer_span(&name), span_of(""), 0, e);
	}
	if (!rc)
		rc = index_write(&ix, out, e);
	buffer_free(&name);
	index_free(&ix);
	return rc;
}

/* Splits "MODULE.alias=PATTERN"; false when it tells something else. */
static bool modinfo_alias(struct span text, struct span *pattern, struct span *module)
{
	static const char key[] = ".alias=";
	const char *dot = memchr(text.text, '.', text.len);
	size_t len = dot ? (size_t)(dot - text.text) : 0;

	if (!len || text.len - len < sizeof(key) || memcmp(dot, key, sizeof(key) - 1) != 0)
		return false;
	*module = (struct span){ text.text, len };
	*pattern = (struct span){ dot + sizeof(key) - 1, text.len - len - (sizeof(key) - 1) };
	return true;
}

static int write_builtin_alias_bin(const struct subset *s, struct buffer *out, struct error *e)
{
	const char *at = s->k->builtin_modinfo, *end = at + s->k->builtin_modinfo_len;
	struct buffer key = { 0 };
	struct index ix = { 0 };
	struct span pattern, module;
	int rc = 0;

	for (; !rc && at < end; at += strlen(at) + 1) {
		bool fits;

		if (!modinfo_alias(span_of(at), &pattern, &module))
			continue;
		rc = alias_normalize(pattern, &key, &fits, e);
		if (!rc && fits)
			rc = index_add(&ix, buffer_span(&key), module, 0, e);
	}
	if (!rc)
		rc = index_write(&ix, out, e);
	buffer_free(&key);
	index_free(&ix);
	return rc;
}

struct index_file {
	const char *name;
	int (*write)(const struct subset *s, struct buffer *out, struct error *e);
	size_t needs; /* offset in struct kmod of a text without which there is no file; 0: always
			 there */
};

static const struct index_file index_files[] = {
	{ "modules.dep", write_dep, 0 },
	{ "modules.dep.bin", write_dep_bin, 0 },
	{ "modules.alias", write_alias, 0 },
	{ "modules.alias.bin", write_alias_bin, 0 },
	{ "modules.symbols", write_symbols, 0 },
	{ "modules.symbols.bin", write_symbols_bin, 0 },
	{ "modules.softdep", write_softdep, 0 },
	{ "modules.devname", write_devname, 0 },
	{ "modules.builtin", write_builtin, offsetof(struct kmod, builtin) },
	{ "modules.builtin.bin", write_builtin_bin, offsetof(struct kmod, builtin) },
	{ "modules.builtin.alias.bin", write_builtin_alias_bin,
		offsetof(struct kmod, builtin_modinfo) },
	{ "modules.order", write_order, offsetof(struct kmod, order) },
};

enum { INDEX_FILES = sizeof(index_files) / sizeof(*index_files) };

static int subset_open(
	struct subset *s, const struct kmod *k, const struct strings *paths, struct error *e)
{
	uint32_t rank = 0;
	size_t module;

	*s = (struct subset){ .k = k,
		.path = calloc(k->count + 1, sizeof(*s->path)),
		.rank = calloc(k->count + 1, sizeof(*s->rank)) };
	if (!s->path || !s->rank)
		return error_nomem(e, "module list");
	for (size_t i = 0; i < paths->count; i++) {
		if (!kmod_find_file(k, span_of(paths->item[i]), &module))
			return error_set(e, ERR_NOTFOUND, "modules.dep has no %s", paths->item[i]);
		s->path[module] = paths->item[i];
	}
	for (size_t i = 0; i < k->count; i++)
		s->rank[i] = s->path[i] ? rank++ : 0;
	return 0;
}

static int file_write(
	const struct subset *s, const struct index_file *f, struct kmod_file *out, struct error *e)
{
	int rc;

	out->name = strdup(f->name);
	if (!out->name)
		return error_nomem(e, f->name);
	rc = f->write(s, &out->bytes, e);
	if (rc)
		error_prefix(e, "%s", f->name);
	return rc;
}

int kmod_indexes(const struct kmod *k, const struct strings *paths, struct kmod_file **out,
	size_t *count, struct error *e)
{
	struct kmod_file *files = calloc(INDEX_FILES, sizeof(*files));
	struct subset s = { 0 };
	size_t n = 0;
	int rc = files ? subset_open(&s, k, paths, e) : error_nomem(e, "index files");

	for (size_t i = 0; i < INDEX_FILES && !rc; i++) {
		const struct index_file *f = &index_files[i];

		if (f->needs && !*(char *const *)((const char *)k + f->needs))
			continue;
		rc = file_write(&s, f, &files[n++], e);
	}
	free(s.path);
	free(s.rank);
	if (rc) {
		kmod_files_free(files, n);
		return rc;
	}
	*out = files;
	*count = n;
	return 0;
}

void kmod_files_free(struct kmod_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(files[i].name);
		buffer_free(&files[i].bytes);
	}
	free(files);
}
