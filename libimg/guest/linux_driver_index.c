/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The indexes of a kernel's modules with some more modules in them. */
#include <stdlib.h>
#include <string.h>

#include "guest/linux_driver.h"

/* The texts, with their tries, that a module more changes. */
static const char *const changed[] = { "modules.dep", "modules.dep.bin", "modules.alias",
	"modules.alias.bin", "modules.symbols", "modules.symbols.bin", "modules.softdep" };
static const char why[] = "a driver that was brought along";

/* The line of modules.dep about the path; NULL: none. */
static const char *dep_line(const struct linux_index_texts *t, const char *path)
{
	size_t len = strlen(path);

	for (const char *line = buffer_text(&t->text[INDEX_DEP]); *line;) {
		size_t whole = strcspn(line, "\n");

		if (whole > len && line[len] == ':' && !memcmp(line, path, len))
			return line;
		line += whole + (line[whole] != 0);
	}
	return NULL;
}

/* All that the path needs, which its line has whole. */
static int needs_of(
	const struct linux_index_texts *t, const char *path, struct strings *out, struct error *e)
{
	const char *line = dep_line(t, path);
	char *words;
	int rc;

	if (!line)
		return 0;
	line += strlen(path) + 1;
	words = strndup(line, strcspn(line, "\n"));
	if (!words)
		return error_nomem(e, "dependencies");
	rc = strings_split(out, words, " ", e);
	free(words);
	return rc;
}

/* Modules are loaded from the last to the first: what needs more stands before what it needs. */
static int sort_needs(const struct linux_index_texts *t, struct strings *all, struct strings *out,
	struct error *e)
{
	size_t *count = calloc(all->count + 1, sizeof(*count));
	int rc = count ? 0 : error_nomem(e, "dependencies");

	strings_sort(all);
	for (size_t i = 0; i < all->count && !rc; i++) {
		struct strings needs = { 0 };

		rc = needs_of(t, all->item[i], &needs, e);
		count[i] = needs.count;
		strings_free(&needs);
	}
	while (!rc && out->count < all->count) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < all->count; i++)
			if (count[i] != SIZE_MAX && (best == SIZE_MAX || count[i] > count[best]))
				best = i;
		rc = strings_add(out, all->item[best], e);
		count[best] = SIZE_MAX;
	}
	free(count);
	return rc;
}

static int add_lines(struct linux_index_texts *t, const struct driver *d,
	const struct strings *needs, struct error *e)
{
	int rc = buffer_format(&t->text[INDEX_DEP], e, "%s:", d->path);

	for (size_t i = 0; i < needs->count && !rc; i++)
		rc = buffer_format(&t->text[INDEX_DEP], e, " %s", needs->item[i]);
	if (!rc)
		rc = buffer_string(&t->text[INDEX_DEP], "\n", e);
	for (size_t i = 0; i < d->info.aliases.count && !rc; i++)
		rc = buffer_format(&t->text[INDEX_ALIAS], e, "alias %s %s\n",
			d->info.aliases.item[i], d->name);
	for (size_t i = 0; i < d->info.exports.count && !rc; i++)
		rc = buffer_format(&t->text[INDEX_SYMBOLS], e, "alias symbol:%s %s\n",
			d->info.exports.item[i], d->name);
	for (size_t i = 0; i < d->info.softdeps.count && !rc; i++)
		rc = buffer_format(&t->text[INDEX_SOFTDEP], e, "softdep %s %s\n", d->name,
			d->info.softdeps.item[i]);
	t->has[INDEX_ALIAS] = t->has[INDEX_SYMBOLS] = t->has[INDEX_SOFTDEP] = true;
	return rc;
}

/* *ready false: it waits for a driver that is still to be added. */
static int add_driver(
	struct linux_index_texts *t, const struct driver *d, bool *ready, struct error *e)
{
	struct strings all = { 0 }, sorted = { 0 };
	struct kmod *k = NULL;
	int rc = linux_index_texts_open(t, &k, e);

	*ready = true;
	for (size_t i = 0; i < d->info.depends.count && !rc && *ready; i++) {
		const char *name = d->info.depends.item[i], *path = kmod_path(k, name);
		struct strings more = { 0 };

		if (!path) {
			*ready = kmod_builtin(k, name);
			continue;
		}
		rc = needs_of(t, path, &more, e);
		if (!rc)
			rc = strings_add_new(&all, path, e);
		for (size_t j = 0; j < more.count && !rc; j++)
			rc = strings_add_new(&all, more.item[j], e);
		strings_free(&more);
	}
	kmod_close(k);
	if (!rc && *ready)
		rc = sort_needs(t, &all, &sorted, e);
	if (!rc && *ready)
		rc = add_lines(t, d, &sorted, e);
	strings_free(&all);
	strings_free(&sorted);
	return rc;
}

static bool is_changed(const char *name)
{
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (!strcmp(changed[i], name))
			return true;
	return false;
}

static int put_below(struct guest_image *g, const char *modules, const char *name,
	const void *bytes, size_t len, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", modules, name);

	if (!rc)
		rc = linux_put(g, buffer_text(&path), bytes, len, why, e);
	buffer_free(&path);
	return rc;
}

static int put_indexes(struct guest_image *g, const char *modules,
	const struct linux_index_texts *t, struct error *e)
{
	struct kmod_file *files = NULL;
	struct strings paths = { 0 };
	struct kmod *k = NULL;
	size_t count = 0;
	int rc = linux_index_texts_open(t, &k, e);

	for (const char *line = buffer_text(&t->text[INDEX_DEP]); *line && !rc;) {
		size_t whole = strcspn(line, "\n"), end = strcspn(line, ":\n");

		if (end < whole)
			rc = strings_add_len(&paths, line, end, e);
		line += whole + (line[whole] != 0);
	}
	if (!rc)
		rc = kmod_indexes(k, &paths, &files, &count, e);
	for (size_t i = 0; i < count && !rc; i++)
		if (is_changed(files[i].name))
			rc = put_below(g, modules, files[i].name, files[i].bytes.data,
				files[i].bytes.len, e);
	kmod_files_free(files, count);
	strings_free(&paths);
	kmod_close(k);
	return rc;
}

/* Whether the guest has that very file already; another of that name is in the way. */
static int is_there(struct guest_image *g, const char *modules, const struct kmod *k,
	const struct driver *d, bool *there, struct error *e)
{
	const char *path = kmod_path(k, d->name);
	struct buffer full = { 0 }, bytes = { 0 };
	int rc = 0;

	*there = false;
	if (kmod_builtin(k, d->name))
		return error_set(e, ERR_REFUSED, "--drivers: %s is built into the kernel of %s",
			d->name, modules);
	if (!path)
		return 0;
	rc = buffer_format(&full, e, "%s/%s", modules, path);
	if (!rc)
		rc = tree_read(g->tree, buffer_text(&full), MODULE_LIMIT, &bytes, e);
	*there = !rc && !strcmp(path, d->path) && bytes.len == d->bytes.len &&
		!memcmp(bytes.data, d->bytes.data, bytes.len);
	if (!rc && !*there)
		rc = error_set(e, ERR_REFUSED,
			"--drivers: %s would stand beside %s, which the guest has", d->source,
			buffer_text(&full));
	buffer_free(&full);
	buffer_free(&bytes);
	return rc;
}

/* Adds all that are not there; a driver comes after those it needs. */
static int add_drivers(struct guest_image *g, const char *modules, struct linux_index_texts *t,
	struct driver *const *chosen, bool *done, size_t count, struct error *e)
{
	const struct driver *waiting = NULL;
	bool moved = true;
	int rc = 0;

	while (moved && !rc) {
		moved = false;
		waiting = NULL;
		for (size_t i = 0; i < count && !rc; i++) {
			if (done[i])
				continue;
			rc = add_driver(t, chosen[i], &done[i], e);
			if (!rc && done[i])
				rc = put_below(g, modules, chosen[i]->path, chosen[i]->bytes.data,
					chosen[i]->bytes.len, e);
			moved = moved || done[i];
			waiting = done[i] ? waiting : chosen[i];
		}
	}
	for (size_t i = 0; waiting && !rc && i < waiting->info.depends.count; i++) {
		struct kmod *k = NULL;
		const char *name = waiting->info.depends.item[i];

		rc = linux_index_texts_open(t, &k, e);
		if (!rc && !kmod_path(k, name) && !kmod_builtin(k, name))
			rc = error_set(e, ERR_NOTREADY,
				"--drivers: %s needs %s, which neither the kernel of %s nor "
				"--drivers has",
				waiting->source, name, modules);
		kmod_close(k);
	}
	return rc;
}

int drivers_put(struct guest_image *g, const char *modules, struct driver *const *chosen,
	size_t count, struct error *e)
{
	bool *done = calloc(count, sizeof(*done));
	struct linux_index_texts t = { 0 };
	struct kmod *k = NULL;
	bool all = true;
	int rc = done ? linux_index_texts_read(g->tree, modules, &t, e) : error_nomem(e, "drivers");

	if (!rc)
		rc = linux_index_texts_open(&t, &k, e);
	for (size_t i = 0; i < count && !rc; i++) {
		rc = is_there(g, modules, k, chosen[i], &done[i], e);
		all = all && done[i];
	}
	if (!rc && !all)
		rc = add_drivers(g, modules, &t, chosen, done, count, e);
	if (!rc && !all)
		rc = put_indexes(g, modules, &t, e);
	kmod_close(k);
	linux_index_texts_free(&t);
	free(done);
	return rc;
}
