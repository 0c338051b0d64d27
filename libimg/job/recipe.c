/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/recipe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/recipe_private.h"

void *recipe_grow(void **array, size_t *count, size_t size, struct error *e)
{
	uint8_t *bigger = realloc(*array, (*count + 1) * size);

	if (!bigger) {
		error_nomem(e, "a recipe");
		return NULL;
	}
	*array = bigger;
	memset(bigger + *count * size, 0, size);
	return bigger + (*count)++ * size;
}

int recipe_flag_read(const xmlNode *node, const char *name, bool *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	*out = !rc && text && (!strcmp(text, "true") || !strcmp(text, "1"));
	free(text);
	return rc;
}

int recipe_at(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	return error_prefix(e, "%s:%ld", r->path, xmlGetLineNo(node));
}

int recipe_fault(const struct recipe_reading *r, const xmlNode *node, enum error_code code,
	struct error *e, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(e, code, "%s:%ld: %s", r->path, xmlGetLineNo(node), text);
}

/* The children of a file's root, those of a recipe that is included only as far as they are steps.
 */
static int contents_read(struct recipe_reading *r, const xmlNode *root, struct error *e)
{
	static const char *const frame[] = { "title", "source", "resize", "output", "bundle",
		"upload" };
	int rc = 0;

	for (xmlNode *n = xml_first(root, NULL); n && !rc; n = xml_next(n, NULL)) {
		bool is_frame = false;

		for (size_t i = 0; i < sizeof(frame) / sizeof(*frame); i++)
			is_frame |= xml_is(n, frame[i]);
		if (xml_is(n, "parameter"))
			continue;
		if (xml_is(n, "include"))
			rc = recipe_include(r, n, e);
		else if (!is_frame)
			rc = recipe_step_read(r, n, e);
		else if (r->depth == 1)
			rc = recipe_frame_read(r, n, e);
	}
	return rc;
}

static int document_read(struct recipe_reading *r, xmlDoc *doc, struct error *e)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	int rc = 0;

	if (r->depth == 1 && !xml_is(root, "recipe"))
		return error_set(e, ERR_CORRUPT,
			"%s:1: is a part of recipes, not a recipe: it can be included", r->path);
	if (r->depth == 1)
		rc = xml_attribute(root, "name", &r->recipe->name, e);
	if (!rc && r->depth == 1)
		rc = xml_attribute(root, "tested", &r->recipe->tested, e);
	if (!rc)
		rc = recipe_parameters_read(r, root, e);
	if (!rc)
		rc = recipe_expand_all(r, root, e);
	if (!rc)
		rc = xml_validate(r->path, doc, r->schema, e);
	return rc ? rc : contents_read(r, root, e);
}

/* The file `path`, whose includes come back here: RECIPE_DEPTH and RECIPE_FILES bound that. */
static int file_read(struct recipe_reading *r, const char *path, struct error *e)
{
	const char *before = r->path;
	xmlDoc *doc = NULL;
	int rc = 0;

	if (r->recipe->files.count >= RECIPE_FILES)
		return error_set(e, ERR_RANGE, "more than %d files", RECIPE_FILES);
	rc = strings_add(&r->recipe->files, path, e);
	if (!rc)
		rc = xml_load(path, r->schema, &doc, e);
	if (rc)
		return rc;
	r->path = r->stack[r->depth++] = path;
	rc = document_read(r, doc, e);
	r->depth--;
	r->path = before;
	xmlFreeDoc(doc);
	return rc;
}

static int include_check(const struct recipe_reading *r, const char *path, struct error *e)
{
	for (size_t i = 0; i < r->depth; i++)
		if (!strcmp(r->stack[i], path))
			return error_set(
				e, ERR_CORRUPT, "includes %s, which includes this file", path);
	if (r->depth == RECIPE_DEPTH)
		return error_set(
			e, ERR_RANGE, "more than %d files that include each other", RECIPE_DEPTH);
	return 0;
}

int recipe_include(struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	char real[PATH_MAX];
	char *path = NULL;
	int rc = xml_attribute(node, "file", &path, e);

	if (!rc)
		rc = recipe_path(r, &path, e);
	if (!rc && !realpath(path, real))
		rc = error_set(e, ERR_NOTFOUND, "there is no file %s", path);
	if (!rc)
		rc = include_check(r, real, e);
	free(path);
	if (rc)
		return recipe_at(r, node, e);
	return file_read(r, real, e);
}

/* A name is that of a shipped recipe unless there is a slash or an ending. */
static int recipe_find(const char *recipes, const char *name, char real[PATH_MAX], struct error *e)
{
	struct buffer path = { 0 };
	bool shipped = !strchr(name, '/') && !strchr(name, '.');
	int rc = shipped ? buffer_format(&path, e, "%s/%s.xml", recipes, name)
			 : buffer_string(&path, name, e);

	if (!rc && !realpath(buffer_text(&path), real))
		rc = shipped ? error_set(e, ERR_NOTFOUND,
				       "%s: no shipped recipe has that name (hvimg build --list "
				       "shows them); a file is named with its folder or ending",
				       name)
			     : error_set(e, ERR_NOTFOUND, "%s: there is no such file", name);
	buffer_free(&path);
	return rc;
}

static int settings_check(const struct recipe *recipe, const struct strings *set, struct error *e)
{
	for (size_t i = 0; set && i < set->count; i++) {
		size_t len = strcspn(set->item[i], "=");
		bool known = false;

		for (size_t k = 0; k < recipe->parameter_count; k++)
			known |= strlen(recipe->parameter[k].name) == len &&
				!strncmp(recipe->parameter[k].name, set->item[i], len);
		if (!set->item[i][len])
			return error_set(
				e, ERR_USAGE, "--set %s: has to be NAME=VALUE", set->item[i]);
		if (!known)
			return error_set(e, ERR_USAGE, "--set %.*s: %s has no such parameter",
				(int)len, set->item[i], recipe->path);
	}
	return 0;
}

/* What was not said. */
static int defaults_put(struct recipe *r, struct error *e)
{
	if (!r->bundle)
		r->bundle = strdup("dir");
	if (!r->bundle_compress)
		r->bundle_compress = strdup("none");
	if (!r->image_name && r->name)
		r->image_name = strdup(r->name);
	if (r->upload && !r->upload->method)
		r->upload->method = strdup("put");
	if (!r->bundle || !r->bundle_compress || !r->image_name ||
		(r->upload && !r->upload->method))
		return error_nomem(e, "a recipe");
	return 0;
}

/* Texts may have been cut into lines, and digits changed their case. */
static bool has_value(const char *text, const char *secret)
{
	while (*secret) {
		size_t len = strcspn(secret, "\r\n");
		char *line = strndup(secret, len);
		bool there = !line || (len >= RECIPE_SECRET_LEAST && strcasestr(text, line));

		free(line);
		if (there)
			return true;
		secret += len;
		secret += strspn(secret, "\r\n");
	}
	return false;
}

bool recipe_has_secret(const struct recipe *r, const char *text)
{
	for (size_t i = 0; i < r->parameter_count; i++) {
		const struct recipe_parameter *p = &r->parameter[i];

		if (p->secret && p->value && has_value(text, p->value))
			return true;
	}
	return false;
}

/* A text that was cut may hold the beginning of one. */
static bool may_tell(const struct recipe *r, const struct error *e)
{
	bool any = false;

	for (size_t i = 0; i < r->parameter_count; i++)
		any |= r->parameter[i].secret;
	return any && (strlen(e->text) + 1 >= sizeof(e->text) || recipe_has_secret(r, e->text));
}

int recipe_error_hide(const struct recipe *r, struct error *e)
{
	int code = e->code;

	if (may_tell(r, e))
		error_set(e, (enum error_code)code,
			"%s: failed where a secret parameter is put in: the message would tell it",
			r->path ? r->path : "the recipe");
	return -code;
}

int recipe_load(const char *recipes, const char *name, const struct strings *set,
	struct recipe *out, struct error *e)
{
	struct recipe recipe = { 0 };
	struct recipe_reading r = { .recipe = &recipe, .set = set };
	struct buffer schema = { 0 };
	char real[PATH_MAX];
	int rc = recipe_find(recipes, name, real, e);

	if (!rc)
		rc = buffer_format(&schema, e, "%s/recipe.rng", recipes);
	if (!rc) {
		r.schema = buffer_text(&schema);
		recipe.path = strdup(real);
		rc = recipe.path ? file_read(&r, real, e) : error_nomem(e, name);
	}
	if (!rc)
		rc = settings_check(&recipe, set, e);
	if (!rc)
		rc = defaults_put(&recipe, e);
	buffer_free(&schema);
	if (rc) {
		rc = recipe_error_hide(&recipe, e);
		recipe_free(&recipe);
		return rc;
	}
	*out = recipe;
	return 0;
}
