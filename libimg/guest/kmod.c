/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The modules of one kernel: reading depmod's texts, finding a module and what it needs. */

#include <stdlib.h>
#include <string.h>

#include "guest/kmod_private.h"

static int text_copy(char **out, const char *text, size_t len, const char *name, struct error *e)
{
	if (!text)
		return 0;
	if (len > KMOD_TEXT_LIMIT)
		return error_set(
			e, ERR_RANGE, "%s has %zu bytes, more than %d", name, len, KMOD_TEXT_LIMIT);
	*out = malloc(len + 1);
	if (!*out)
		return error_nomem(e, name);
	memcpy(*out, text, len);
	(*out)[len] = '\0';
	return 0;
}

static int texts_copy(struct kmod *k, const struct kmod_texts *t, struct error *e)
{
	const struct {
		const char *name, *text;
		char **copy;
	} texts[] = {
		{ "modules.dep", t->dep, &k->dep },
		{ "modules.alias", t->alias, &k->alias },
		{ "modules.symbols", t->symbols, &k->symbols },
		{ "modules.softdep", t->softdep, &k->softdep },
		{ "modules.builtin", t->builtin, &k->builtin },
		{ "modules.devname", t->devname, &k->devname },
		{ "modules.order", t->order, &k->order },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t len = texts[i].text ? strlen(texts[i].text) : 0;
		int rc = text_copy(texts[i].copy, texts[i].text, len, texts[i].name, e);

		if (rc)
			return rc;
	}
	k->builtin_modinfo_len = t->builtin_modinfo_len;
	return text_copy(&k->builtin_modinfo, t->builtin_modinfo, t->builtin_modinfo_len,
		"modules.builtin.modinfo", e);
}

static int module_add(struct kmod *k, struct span line, struct error *e)
{
	const char *colon = memchr(line.text, ':', line.len);
	size_t len = colon ? (size_t)(colon - line.text) : 0;
	struct span path = { line.text, len }, rest, word;
	struct kmod_module m = { 0 };

	if (!len || !span_module(path).len)
		return error_set(
			e, ERR_CORRUPT, "line %zu of modules.dep names no module", k->count + 1);
	rest = (struct span){ colon + 1, line.len - len - 1 };
	m = (struct kmod_module){ .path = k->dep + (line.text - k->dep), .needs = rest };
	while (word_next(&rest, &word))
		m.need_count++;
	k->module[k->count] = m;
	return names_add(&k->by_name, span_module(path), k->count++, e);
}

static int modules_parse(struct kmod *k, struct error *e)
{
	const char *at = k->dep;
	struct span line;
	size_t lines = 0;

	while (line_next(&at, &line))
		lines++;
	k->module = calloc(lines ? lines : 1, sizeof(*k->module));
	if (!k->module)
		return error_nomem(e, "module list");

	for (at = k->dep; line_next(&at, &line);) {
		int rc = module_add(k, line, e);

		if (rc)
			return rc;
	}
	for (size_t i = 0; i < k->count; i++)
		*strchr(k->module[i].path, ':') = '\0';
	names_sort(&k->by_name);
	return 0;
}

static int builtin_parse(struct kmod *k, struct error *e)
{
	const char *at = k->builtin ? k->builtin : "";
	struct span line;

	while (line_next(&at, &line)) {
		int rc = names_add(&k->built_in, span_module(line), 0, e);

		if (rc)
			return rc;
	}
	names_sort(&k->built_in);
	return 0;
}

bool kmod_alias_line(struct span line, struct span *pattern, struct span *module)
{
	static const char word[] = "alias ";
	size_t skip = sizeof(word) - 1;
	const char *space;

	if (line.len <= skip || memcmp(line.text, word, skip) != 0)
		return false;
	line = (struct span){ line.text + skip, line.len - skip };
	/* Only the module's name is sure to have no space in it. */
	space = memrchr(line.text, ' ', line.len);
	if (!space || space == line.text)
		return false;
	*pattern = (struct span){ line.text, (size_t)(space - line.text) };
	*module = (struct span){ space + 1, line.len - pattern->len - 1 };
	return module->len > 0;
}

static bool is_literal(struct span pattern)
{
	return !memchr(pattern.text, '*', pattern.len) && !memchr(pattern.text, '?', pattern.len) &&
		!memchr(pattern.text, '[', pattern.len);
}

static int aliases_parse(struct kmod *k, struct error *e)
{
	const char *at = k->alias ? k->alias : "";
	struct span line, pattern, module;

	while (line_next(&at, &line)) {
		const struct name *found;
		size_t count;
		int rc;

		if (!kmod_alias_line(line, &pattern, &module) || !is_literal(pattern))
			continue;
		found = names_find(&k->by_name, module, &count);
		if (!found)
			continue;
		rc = names_add(&k->by_alias, pattern, found->module, e);
		if (rc)
			return rc;
	}
	names_sort(&k->by_alias);
	return 0;
}

static int softdeps_parse(struct kmod *k, struct error *e)
{
	const char *at = k->softdep ? k->softdep : "";
	struct span line, word;

	while (line_next(&at, &line)) {
		int rc;

		if (!word_next(&line, &word) || !span_is(word, "softdep") ||
			!word_next(&line, &word))
			continue;
		rc = names_add(&k->soft, word, 0, e);
		if (rc)
			return rc;
	}
	names_sort(&k->soft);
	return 0;
}

int kmod_open(const struct kmod_texts *texts, struct kmod **out, struct error *e)
{
	struct kmod *k;
	int rc;

	if (!texts->dep)
		return error_set(e, ERR_NOTFOUND, "the kernel has no modules.dep");
	k = calloc(1, sizeof(*k));
	if (!k)
		return error_nomem(e, "module indexes");

	rc = texts_copy(k, texts, e);
	if (!rc)
		rc = modules_parse(k, e);
	if (!rc)
		rc = builtin_parse(k, e);
	if (!rc)
		rc = aliases_parse(k, e);
	if (!rc)
		rc = softdeps_parse(k, e);
	if (rc) {
		kmod_close(k);
		return rc;
	}
	*out = k;
	return 0;
}

void kmod_close(struct kmod *k)
{
	if (!k)
		return;
	names_free(&k->by_name);
	names_free(&k->built_in);
	names_free(&k->by_alias);
	names_free(&k->soft);
	free(k->module);
	free(k->dep);
	free(k->alias);
	free(k->symbols);
	free(k->softdep);
	free(k->builtin);
	free(k->builtin_modinfo);
	free(k->devname);
	free(k->order);
	free(k);
}

const char *kmod_path(const struct kmod *k, const char *name)
{
	size_t count;
	const struct name *found = names_find(
		&k->by_name, (struct span){ name, strlen(name) }, &count);

	return found ? k->module[found->module].path : NULL;
}

bool kmod_builtin(const struct kmod *k, const char *name)
{
	size_t count;

	return names_find(&k->built_in, (struct span){ name, strlen(name) }, &count) != NULL;
}

bool kmod_find_path(const struct kmod *k, struct span path, size_t *module)
{
	struct span stem = span_uncompressed(path);
	size_t count;
	const struct name *found = names_find(&k->by_name, span_module(path), &count);

	for (size_t i = 0; i < count; i++) {
		const char *known = k->module[found[i].module].path;
		struct span have = span_uncompressed((struct span){ known, strlen(known) });

		if (have.len == stem.len && memcmp(have.text, stem.text, stem.len) == 0) {
			*module = found[i].module;
			return true;
		}
	}
	return false;
}

bool kmod_find_file(const struct kmod *k, struct span path, size_t *module)
{
	const struct name *found;
	size_t count;

	if (kmod_find_path(k, path, module))
		return true;
	found = names_find(&k->by_name, span_module(path), &count);
	if (found)
		*module = found->module;
	return found != NULL;
}
