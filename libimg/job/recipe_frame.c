/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe begins with, and what it makes. */
#include <stdlib.h>
#include <string.h>

#include "cloud/bundle.h"
#include "cloud/http_url.h"
#include "job/recipe_private.h"

static int size_read(const xmlNode *node, const char *name, uint64_t *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (!rc && text)
		rc = size_parse(text, out, e);
	free(text);
	return rc;
}

static bool is_digest(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* An empty one is none. */
static int digest_read(
	const xmlNode *node, const char *name, size_t len, struct recipe_source *s, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc || !text || !*text) {
		free(text);
		return rc;
	}
	s->digest = text;
	if (!is_digest(text, len))
		return error_set(
			e, ERR_CORRUPT, "%s: not %zu lower case hexadecimal digits", name, len);
	s->digest_name = strdup(name);
	return s->digest_name ? 0 : error_nomem(e, "a recipe");
}

/* What stands in an address is not shown: it may be a password. */
static int location_check(const char *location, struct error *e)
{
	size_t scheme = recipe_scheme(location);

	if (!scheme || http_url_is(location))
		return 0;
	return error_set(
		e, ERR_UNSUPPORTED, "%.*s: only http and https are spoken", (int)scheme, location);
}

static int location_read(const struct recipe_reading *r, const xmlNode *node, const char *name,
	struct recipe_source *s, struct error *e)
{
	int rc = xml_attribute(node, name, &s->location, e);

	if (!rc)
		rc = location_check(s->location, e);
	if (!rc)
		rc = recipe_path(r, &s->location, e);
	if (!rc)
		rc = digest_read(node, "sha256", 64, s, e);
	return rc ? rc : digest_read(node, "sha512", 128, s, e);
}

static int packages_read(const xmlNode *node, struct recipe_source *s, struct error *e)
{
	int rc = xml_attribute(node, "suite", &s->suite, e);

	if (!rc)
		rc = xml_attribute(node, "mirror", &s->mirror, e);
	for (xmlNode *n = xml_first(node, "package"); n && !rc; n = xml_next(n, "package")) {
		char *name;

		rc = xml_attribute(n, "name", &name, e);
		if (!rc)
			rc = strings_add_new(&s->packages, name, e);
		free(name);
	}
	return rc;
}

static int source_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct recipe_source *s = &r->recipe->source;
	int rc;

	if (xmlHasProp(node, (const xmlChar *)"image")) {
		s->kind = SOURCE_IMAGE;
		rc = location_read(r, node, "image", s, e);
	} else if (xmlHasProp(node, (const xmlChar *)"tar")) {
		s->kind = SOURCE_TAR;
		rc = location_read(r, node, "tar", s, e);
	} else {
		s->kind = SOURCE_PACKAGES;
		rc = packages_read(node, s, e);
	}
	if (!rc)
		rc = xml_attribute(node, "format", &s->format, e);
	if (!rc)
		rc = xml_attribute(node, "allow-parent", &s->allow_parent, e);
	if (!rc)
		rc = recipe_path(r, &s->allow_parent, e);
	return rc ? rc : size_read(node, "disk-size", &s->disk_size, e);
}

/* An empty size leaves the disk as it is. */
static int resize_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, "size", &text, e);

	if (!rc && *text)
		rc = size_change_parse(text, &r->recipe->size, e);
	if (!rc && *text)
		rc = recipe_flag_read(node, "grow", &r->recipe->grow, e);
	free(text);
	return rc;
}

int recipe_property_read(
	const xmlNode *node, struct recipe_property **list, size_t *count, struct error *e)
{
	struct recipe_property *p = recipe_grow((void **)list, count, sizeof(**list), e);
	int rc = p ? xml_attribute(node, "name", &p->name, e) : -ERR_NOMEM;

	return rc ? rc : xml_attribute(node, "value", &p->value, e);
}

static int output_targets_read(const xmlNode *node, struct recipe_output *o, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, "target"); n && !rc; n = xml_next(n, "target")) {
		char *name;

		rc = xml_attribute(n, "name", &name, e);
		if (!rc)
			rc = strings_add_new(&o->targets, name, e);
		free(name);
	}
	for (xmlNode *n = xml_first(node, "property"); n && !rc; n = xml_next(n, "property"))
		rc = recipe_property_read(n, &o->property, &o->property_count, e);
	return rc;
}

/* Every ".json" is kept for what describes the images. */
static int output_name_check(
	const struct recipe *recipe, const struct recipe_output *o, struct error *e)
{
	const char *dot = strrchr(o->file, '.');

	if (!bundle_name_fits(o->file) || *o->file == '.' || (dot && !strcmp(dot, ".json")))
		return error_set(e, ERR_CORRUPT, "%s: no name for an image of a bundle", o->file);
	for (size_t i = 0; i + 1 < recipe->output_count; i++)
		if (!strcmp(recipe->output[i].file, o->file))
			return error_set(e, ERR_CORRUPT, "there are two outputs %s", o->file);
	return 0;
}

static int image_output_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct recipe *recipe = r->recipe;
	struct recipe_output *o = recipe_grow(
		(void **)&recipe->output, &recipe->output_count, sizeof(*recipe->output), e);
	char *options = NULL;
	int rc = o ? xml_attribute(node, "file", &o->file, e) : -ERR_NOMEM;

	if (!rc)
		o->line = (unsigned)xmlGetLineNo(node);
	if (!rc)
		rc = output_name_check(recipe, o, e);
	if (!rc)
		rc = xml_attribute(node, "format", &o->format, e);
	if (!rc)
		rc = xml_attribute(node, "profile", &o->profile, e);
	if (!rc)
		rc = xml_attribute(node, "options", &options, e);
	if (!rc && options)
		rc = strings_split(&o->options, options, ",", e);
	free(options);
	if (!rc)
		rc = recipe_flag_read(node, "compress", &o->compress, e);
	return rc ? rc : output_targets_read(node, o, e);
}

static int bundle_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	int rc = xml_attribute(node, "kind", &r->recipe->bundle, e);

	r->recipe->bundle_line = (unsigned)xmlGetLineNo(node);
	if (!rc)
		rc = xml_attribute(node, "compress", &r->recipe->bundle_compress, e);
	return rc ? rc : xml_attribute(node, "name", &r->recipe->image_name, e);
}

static int upload_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct recipe_upload *u = calloc(1, sizeof(*u));
	char *keep = NULL;
	int rc;

	if (!u)
		return error_nomem(e, "a recipe");
	r->recipe->upload = u;
	rc = xml_attribute(node, "cloud", &u->cloud, e);
	if (!rc)
		rc = xml_attribute(node, "method", &u->method, e);
	if (!rc)
		rc = xml_attribute(node, "visibility", &u->visibility, e);
	if (!rc)
		rc = recipe_flag_read(node, "rotate", &u->rotate, e);
	if (!rc)
		rc = xml_attribute(node, "keep-versions", &keep, e);
	u->keep_versions = keep ? (unsigned)strtoul(keep, NULL, 10) : 0;
	free(keep);
	return rc;
}

int recipe_frame_read(struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	int rc = 0;

	if (xml_is(node, "title"))
		rc = xml_text(node, &r->recipe->title, e);
	else if (xml_is(node, "source"))
		rc = source_read(r, node, e);
	else if (xml_is(node, "resize"))
		rc = resize_read(r, node, e);
	else if (xml_is(node, "output"))
		rc = image_output_read(r, node, e);
	else if (xml_is(node, "bundle"))
		rc = bundle_read(r, node, e);
	else if (xml_is(node, "upload"))
		rc = upload_read(r, node, e);
	return rc ? recipe_at(r, node, e) : 0;
}
