/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance is told of an image, before any byte of it is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "cloud/properties.h"
#include "job/package_private.h"
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

/* What the user says of one property. */
static void property_amend(json_t *bundled, json_t *changes, const char *pair)
{
	const size_t len = strcspn(pair, "=");
	char *key = strndup(pair, len);
	json_t *value = key ? json_object_get(changes, key) : NULL;

	if (value)
		json_object_set(bundled, key, value);
	else if (key && pair[len] && !pair[len + 1])
		json_object_del(bundled, key);
	free(key);
}

/* A bundle says what the image is; only what changes on the way and what the user wants differs. */
static int bundle_amend(struct upload *u, const struct look *l, struct error *e)
{
	struct image_facts f;
	json_t *bundled = u->bundled, *changes = NULL;
	const char *was = json_string_value(json_object_get(bundled, "disk_format"));
	int rc = facts_take(u, l, &f, e);

	if (!rc && !u->job->as && (!was || strcmp(was, u->format->glance_name) != 0))
		rc = error_set(e, ERR_CORRUPT, "%s says disk_format %s, but %s is a %s",
			u->result->source, was ? was : "(nothing)", buffer_text(&u->path),
			l->format->name);
	if (!rc)
		rc = image_properties(&f, &changes, e);
	if (rc)
		return rc;
	/* What the container decides comes from what is sent, not from what was packed. */
	if (u->job->as && u->job->as != l->format) {
		json_object_set(bundled, "disk_format", json_object_get(changes, "disk_format"));
		json_object_set(bundled, "min_disk", json_object_get(changes, "min_disk"));
	}
	for (size_t i = 0; i < u->job->properties.count; i++)
		property_amend(bundled, changes, u->job->properties.item[i]);
	json_decref(changes);
	u->body = json_incref(bundled);
	return 0;
}

/* The machine that package would describe it for; its notes are ours. */
static int target_choose(
	struct upload *u, const struct look *l, struct image_facts *f, struct error *e)
{
	struct package_job job = { .source = buffer_text(&u->path), .known = u->job->known };
	struct package_result result = { 0 };
	struct packing p = { .job = &job,
		.format = u->format,
		.disk = l->disk,
		.guest = l->guest,
		.result = &result };
	int rc = package_target_choose(&p, u->job->targets, e);

	f->target = p.target;
	f->firmware = p.firmware;
	for (size_t i = 0; !rc && i < result.findings.count; i++)
		rc = report_add(&u->result->findings, &result.findings.finding[i], e);
	package_result_free(&result);
	return rc;
}

static int image_describe(struct upload *u, struct look *l, struct error *e)
{
	const struct guest_options o = { .known = u->job->known, .tmpdir = u->job->tmpdir };
	struct image_facts f;
	char *name;
	int rc = guest_image_open(l->disk, &o, &l->guest, e);

	if (!rc)
		rc = facts_take(u, l, &f, e);
	if (!rc)
		rc = target_choose(u, l, &f, e);
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
	int rc = look_open(u, &l, e);

	if (!rc)
		rc = u->bundled ? bundle_amend(u, &l, e) : image_describe(u, &l, e);
	if (!rc) {
		u->result->virtual_size = l.disk->size;
		rc = wishes_put(u, e);
	}
	guest_image_close(l.guest);
	image_info_free(&l.info);
	disk_close(l.disk);
	return rc;
}
