/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bundle's folder as a source: the images that its digests name, and what describes them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cloud/bundle.h"
#include "cloud/sums.h"
#include "job/upload_private.h"

enum { TEXT_LIMIT = 1 << 20 };

static bool ends_in(const char *text, const char *with)
{
	size_t len = strlen(text), n = strlen(with);

	return len > n && !strcmp(text + len - n, with);
}

static const char stem[] = "image", json_ending[] = ".json";

/* "image.json", or "image-", the image's name or a target's or both, and ".json". */
static bool is_description(const char *name)
{
	const size_t len = sizeof(stem) - 1;

	return !strncmp(name, stem, len) && ends_in(name, json_ending) &&
		(name[len] == '-' || !strcmp(name + len, json_ending));
}

/* What bundles hold beside images. */
static bool is_companion(const char *name)
{
	return ends_in(name, json_ending) || ends_in(name, ".sh") || ends_in(name, ".html") ||
		ends_in(name, ".css") || ends_in(name, ".xml");
}

/* A line of SHA512SUMS; it points into the text. */
struct listed {
	const char *name, *hex;
};

struct contents {
	const char *folder;
	struct buffer text;
	struct listed *file; /* in their order */
	size_t count, images;
};

/* "HEX  NAME"; *next is the line after it, NULL when there is none. */
static int line_take(char *line, struct listed *out, char **next, struct error *e)
{
	char *end = strchr(line, '\n');

	*next = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	if (strspn(line, "0123456789abcdef") != DIGEST_HEX_MAX - 1 || line[128] != ' ' ||
		!line[129] || !bundle_name_fits(line + 130))
		return error_set(e, ERR_CORRUPT, "%s: \"%.80s\" is no digest and name",
			sum_file[SUM_SHA512], line);
	line[128] = 0;
	*out = (struct listed){ .name = line + 130, .hex = line };
	return 0;
}

static int contents_split(struct contents *c, struct error *e)
{
	char *line = c->text.len ? (char *)c->text.data : NULL;

	while (line && *line) {
		struct listed *grown = realloc(c->file, (c->count + 1) * sizeof(*grown));
		int rc;

		if (!grown)
			return error_nomem(e, "a bundle");
		c->file = grown;
		rc = line_take(line, &grown[c->count], &line, e);
		if (rc)
			return rc;
		c->images += !is_companion(grown[c->count++].name);
	}
	return c->images ? 0 : error_set(e, ERR_CORRUPT, "%s names no image", sum_file[SUM_SHA512]);
}

static int sums_read(const char *folder, enum sum sum, struct buffer *text, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", folder, sum_file[sum]);

	if (!rc)
		rc = file_read(buffer_text(&path), TEXT_LIMIT, text, e);
	buffer_free(&path);
	return rc;
}

static int contents_read(struct contents *c, struct error *e)
{
	int rc = sums_read(c->folder, SUM_SHA512, &c->text, e);

	if (rc)
		return rc;
	rc = contents_split(c, e);
	return rc ? error_prefix(e, "%s", c->folder) : 0;
}

/* The other digests of an image, where they are there; SHA512SUMS alone decides what it is. */
static void announced_find(const char *folder, enum sum sum, const char *name, char hex[])
{
	struct buffer text = { 0 };
	struct error why = { 0 };
	const char *line = sums_read(folder, sum, &text, &why) ? "" : buffer_text(&text);
	const size_t len = strlen(name);

	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const size_t digits = strspn(line, "0123456789abcdef");

		if (digits >= DIGEST_HEX_MAX || line[digits] != ' ' || line[digits + 1] != ' ' ||
			strcspn(line + digits + 2, "\n") != len ||
			memcmp(line + digits + 2, name, len) != 0)
			continue;
		memcpy(hex, line, digits);
		hex[digits] = 0;
		break;
	}
	buffer_free(&text);
}

static void announced_take(
	const struct contents *c, const struct listed *image, struct hash_values *out)
{
	for (size_t i = 0; i < UPLOAD_SUMS; i++)
		for (unsigned sum = 0; sum < SUM_COUNT; sum++) {
			if (strcmp(upload_algorithm[i], sum_algorithm[sum]) != 0)
				continue;
			if (sum == SUM_SHA512)
				strcpy(out->hex[i], image->hex);
			else
				announced_find(c->folder, (enum sum)sum, image->name, out->hex[i]);
		}
}

/* Where the name says after the image's that it is this one: "-TARGET.json" or ".json"; or NULL. */
static const char *named_after(const char *description, const char *image)
{
	const size_t at = sizeof(stem), len = strlen(image);
	const char *rest = description + at + len;

	if (strlen(description) <= at + len || strncmp(description + at, image, len) != 0)
		return NULL;
	return *rest == '-' || !strcmp(rest, json_ending) ? rest : NULL;
}

/* The image after whose name a description is called, of several the longest name; else the only
 * one.  *rest is what the description's name says of the target. */
static const struct listed *image_of(
	const struct contents *c, const char *description, const char **rest)
{
	const struct listed *best = NULL, *only = NULL;
	size_t longest = 0;

	*rest = description + sizeof(stem) - 1;
	for (size_t i = 0; i < c->count; i++) {
		const char *name = c->file[i].name, *after;

		if (is_companion(name))
			continue;
		only = &c->file[i];
		after = named_after(description, name);
		if (after && strlen(name) > longest) {
			best = only;
			longest = strlen(name);
			*rest = after;
		}
	}
	return best ? best : c->images == 1 ? only : NULL;
}

static int body_read(
	const struct contents *c, const struct listed *f, json_t **body, struct error *e)
{
	char got[DIGEST_HEX_MAX] = "";
	struct buffer path = { 0 }, text = { 0 };
	json_error_t why;
	int rc = buffer_format(&path, e, "%s/%s", c->folder, f->name);

	if (!rc)
		rc = file_read(buffer_text(&path), TEXT_LIMIT, &text, e);
	if (!rc)
		rc = digest_bytes("sha512", text.data, text.len, got, e);
	if (!rc && strcmp(got, f->hex) != 0)
		rc = error_set(e, ERR_CORRUPT, "%s: is not what %s says: it was changed",
			buffer_text(&path), sum_file[SUM_SHA512]);
	if (!rc) {
		*body = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(*body))
			rc = error_set(e, ERR_CORRUPT, "%s: line %d: %s", buffer_text(&path),
				*body ? 1 : why.line, *body ? "is no object" : why.text);
	}
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}

static bool says(const json_t *body, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text && !strcmp(text, value);
}

/* A description is for a target when its name says so, or what it tells of the machine is it. */
static bool is_for(const struct target *t, const json_t *body, const char *rest)
{
	static const char machine[] = "hw_machine_type";
	const size_t len = strcspn(rest + (*rest == '-'), ".");
	const char *word = rest + (*rest == '-');

	if (*rest == '-' &&
		((strlen(t->name) == len && !strncmp(word, t->name, len)) ||
			(strlen(t->family) == len && !strncmp(word, t->family, len) &&
				t->by_family)))
		return true;
	if (!t->hypervisor || !says(body, "hypervisor_type", t->hypervisor))
		return false;
	for (size_t i = 0; i < t->property_count; i++)
		if (!strcmp(t->property[i].name, machine) &&
			!says(body, machine, t->property[i].value))
			return false;
	return true;
}

static bool is_wanted(const struct uploading *u, const json_t *body, const char *rest)
{
	const struct target_list *l = u->job->targets;

	for (size_t i = 0; l && i < l->count; i++)
		if (is_for(&l->target[i], body, rest))
			return true;
	return !l;
}

static int image_add(
	struct uploading *u, const struct contents *c, const struct listed *f, struct error *e)
{
	const char *rest;
	const struct listed *image = image_of(c, f->name, &rest);
	struct upload *added;
	json_t *body = NULL;
	int rc;

	if (!image)
		return error_set(e, ERR_CORRUPT,
			"%s: %s is called after none of the images that %s names", c->folder,
			f->name, sum_file[SUM_SHA512]);
	rc = body_read(c, f, &body, e);
	if (rc || !is_wanted(u, body, rest)) {
		json_decref(body);
		return rc;
	}
	rc = upload_add(u, f->name, &added, e);
	if (rc) {
		json_decref(body);
		return rc;
	}
	added->bundled = body;
	announced_take(c, image, &added->announced);
	return buffer_format(&added->path, e, "%s/%s", c->folder, image->name);
}

/* The names of the descriptions, for whoever has to choose. */
static int refuse(const struct contents *c, const char *why, struct error *e)
{
	struct buffer list = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < c->count; i++)
		if (is_description(c->file[i].name))
			rc = buffer_format(&list, e, " %s", c->file[i].name);
	if (!rc)
		rc = error_set(e, ERR_USAGE, "%s: %s, only%.700s", c->folder, why,
			list.len ? buffer_text(&list) : " images without description");
	buffer_free(&list);
	return rc;
}

/* `only`: the one description that is meant; NULL: all. */
static int folder_find(struct uploading *u, const char *folder, const char *only, struct error *e)
{
	struct contents c = { .folder = folder };
	int rc = contents_read(&c, e);

	for (size_t i = 0; !rc && i < c.count; i++)
		if (is_description(c.file[i].name) && (!only || !strcmp(c.file[i].name, only)))
			rc = image_add(u, &c, &c.file[i], e);
	if (!rc && !u->results->count)
		rc = refuse(&c,
			u->job->targets ? "holds no description for that target"
				: only  ? "holds no description of that name"
					: "holds no description",
			e);
	free(c.file);
	buffer_free(&c.text);
	return rc;
}

static int bundle_find(struct uploading *u, const char *json, struct error *e)
{
	const char *slash = strrchr(json, '/');
	char *folder = slash ? strndup(json, (size_t)(slash - json) + (slash == json))
			     : strdup(".");
	int rc = folder ? folder_find(u, folder, slash ? slash + 1 : json, e)
			: error_nomem(e, "a file name");

	free(folder);
	return rc;
}

static int tar_find(struct uploading *u, struct error *e)
{
	const struct upload_job *j = u->job;
	int rc = unpacked_open(j->source, j->tmpdir, j->stop, j->stop_arg, &u->bundle, e);

	return rc ? rc : folder_find(u, u->bundle.folder, NULL, e);
}

int upload_find(struct uploading *u, struct error *e)
{
	const char *source = u->job->source;
	struct upload *image;
	struct stat st;
	int rc;

	if (!stat(source, &st) && S_ISDIR(st.st_mode))
		return folder_find(u, source, NULL, e);
	if (ends_in(source, json_ending))
		return bundle_find(u, source, e);
	if (!u->job->source_format && unpacked_is_wanted(source))
		return tar_find(u, e);
	rc = upload_add(u, source, &image, e);
	return rc ? rc : buffer_string(&image->path, source, e);
}
