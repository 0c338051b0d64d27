/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance is told of an image, before any byte of it is sent. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "cloud/properties.h"
#include "job/upload_private.h"

struct look {
	struct disk *disk;
	const struct format *format; /* of the file */
	struct image_info info;
	struct guest_image *guest;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *image_name(const struct upload *u, const struct format *f)
{
	const char *file = base_name(buffer_text(&u->path));
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && dot != file && f->endings && f->endings[i]; i++)
		if (!strcasecmp(dot + 1, f->endings[i]))
			return strndup(file, (size_t)(dot - file));
	return strdup(file);
}

static int look_open(struct upload *u, struct look *l, struct error *e)
{
	const struct upload_job *j = u->job;
	const char *path = buffer_text(&u->path);
	struct open_options o = { .allow_dir = j->allow_parent };
	int rc = image_open_with(path, j->source_format, &o, &l->disk, &l->format, e);

	if (!rc) {
		rc = l->format->info(l->disk, &l->info, e);
		if (rc)
			error_prefix(e, "%s", path);
	}
	u->format = j->as ? j->as : l->format;
	if (!rc && u->format == l->format && !j->options.count &&
		(l->info.parent_path || l->info.references.count))
		rc = error_set(e, ERR_REFUSED,
			"%s: refers to %s: Glance takes only images of their own: convert it", path,
			l->info.parent_path ? l->info.parent_path : l->info.references.item[0]);
	if (!rc && !u->format->glance_name)
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s: Glance has no disk_format for %s: choose another with --as", path,
			u->format->name);
	return rc;
}

/* The value of an option that is a size. */
static int option_size(const struct upload_job *j, const char *key, uint64_t *out, struct error *e)
{
	size_t len = strlen(key);
	int rc = 0;

	for (size_t i = 0; !rc && i < j->options.count; i++)
		if (!strncmp(j->options.item[i], key, len) && j->options.item[i][len] == '=')
			rc = size_parse(j->options.item[i] + len + 1, out, e);
	return rc;
}

static int facts_take(
	const struct upload *u, const struct look *l, struct image_facts *f, struct error *e)
{
	bool as_is = u->format == l->format;
	int rc;

	*f = (struct image_facts){
		.format = u->format,
		.subformat = as_is ? l->info.subformat : NULL,
		.virtual_size = l->disk->size,
		.block_size = as_is ? l->info.block_size : 0,
		.log_size = as_is ? l->info.log_size : 0,
		.logical_sector = l->disk->logical_sector,
		.guest = l->guest ? guest_image_guest(l->guest) : NULL,
		.properties = &u->job->properties,
	};
	rc = option_size(u->job, "block_size", &f->block_size, e);
	return rc ? rc : option_size(u->job, "log_size", &f->log_size, e);
}

/* A bundle says what the image is; only what changes on the way and what the user wants differs. */
static int bundle_amend(struct upload *u, const struct look *l, json_t *bundled, struct error *e)
{
	struct image_facts f;
	const char *key, *was = json_string_value(json_object_get(bundled, "disk_format"));
	json_t *value, *changes = NULL;
	int rc = facts_take(u, l, &f, e);

	if (!rc && !u->job->as && (!was || strcmp(was, u->format->glance_name) != 0))
		rc = error_set(e, ERR_CORRUPT, "the bundle says disk_format %s, but %s is a %s",
			was ? was : "(nothing)", buffer_text(&u->path), l->format->name);
	if (!rc)
		rc = image_properties(&f, &changes, e);
	if (rc)
		return rc;
	/* What the container decides comes from what is sent, not from what was packed. */
	if (u->job->as && u->job->as != l->format) {
		json_object_set(bundled, "disk_format", json_object_get(changes, "disk_format"));
		json_object_set(bundled, "min_disk", json_object_get(changes, "min_disk"));
	}
	for (size_t i = 0; i < u->job->properties.count; i++) {
		const char *pair = u->job->properties.item[i];
		size_t len = strcspn(pair, "=");

		json_object_foreach(changes, key, value)
		{
			if (strlen(key) == len && !strncmp(key, pair, len))
				json_object_set(bundled, key, value);
		}
		if (pair[len] && !pair[len + 1]) {
			char *name = strndup(pair, len);

			if (name)
				json_object_del(bundled, name);
			free(name);
		}
	}
	json_decref(changes);
	u->body = json_incref(bundled);
	return 0;
}

static int image_describe(struct upload *u, struct look *l, struct error *e)
{
	struct image_facts f;
	char *name;
	int rc = guest_image_open(
		l->disk, &(struct guest_options){ .known = u->job->known }, &l->guest, e);

	if (!rc)
		rc = facts_take(u, l, &f, e);
	if (rc)
		return rc;
	name = image_name(u, l->format);
	if (!name)
		return error_nomem(e, "the image's name");
	f.name = name;
	rc = image_properties(&f, &u->body, e);
	free(name);
	return rc;
}

static int put(json_t *body, const char *key, json_t *value, struct error *e)
{
	return json_object_set_new(body, key, value)
		? error_set(e, ERR_USAGE, "%s: is not UTF-8", key)
		: 0;
}

static int tags_put(struct upload *u, struct error *e)
{
	json_t *tags = json_object_get(u->body, "tags");
	int rc = 0;

	if (!json_is_array(tags))
		rc = put(u->body, "tags", tags = json_array(), e);
	for (size_t i = 0; !rc && i < u->job->tags.count; i++)
		if (json_array_append_new(tags, json_string(u->job->tags.item[i])))
			rc = error_set(e, ERR_USAGE, "tag %s: is not UTF-8", u->job->tags.item[i]);
	return rc;
}

static int wishes_put(struct upload *u, struct error *e)
{
	const struct upload_job *j = u->job;
	const char *name = j->rotate ? j->rotate : j->name;
	int rc = name ? put(u->body, "name", json_string(name), e) : 0;

	if (!rc && j->id)
		rc = put(u->body, "id", json_string(j->id), e);
	if (!rc && j->visibility)
		rc = put(u->body, "visibility", json_string(j->visibility), e);
	/* Not before it is verified: a protected image that failed could not be deleted. */
	u->protect = j->protect || json_is_true(json_object_get(u->body, "protected"));
	json_object_del(u->body, "protected");
	if (!rc && j->rotate)
		rc = put(u->body, "os_hidden", json_true(), e);
	return rc || !j->tags.count ? rc : tags_put(u, e);
}

int upload_describe(struct upload *u, struct error *e)
{
	struct look l = { 0 };
	json_t *bundled = NULL;
	bool is_bundle = false;
	int rc = upload_bundle_open(u, &is_bundle, &bundled, e);

	if (!rc && !is_bundle)
		rc = buffer_string(&u->path, u->job->source, e);
	if (!rc)
		rc = look_open(u, &l, e);
	if (!rc)
		rc = is_bundle ? bundle_amend(u, &l, bundled, e) : image_describe(u, &l, e);
	if (!rc) {
		u->result->virtual_size = l.disk->size;
		rc = wishes_put(u, e);
	}
	json_decref(bundled);
	guest_image_close(l.guest);
	image_info_free(&l.info);
	disk_close(l.disk);
	return rc;
}
