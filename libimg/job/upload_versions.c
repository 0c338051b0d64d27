/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Other images of the cloud that matter to an upload: the same one, and older versions of it. */
#include <stdio.h>
#include <string.h>

#include "job/upload_private.h"

static const char *text_of(json_t *image, const char *key)
{
	return json_string_value(json_object_get(image, key));
}

/* Whether both say for which machine the image is, and not the same one. */
static bool is_for_other(json_t *ours, json_t *theirs)
{
	static const char *const keys[] = { "hypervisor_type", "hw_machine_type",
		"hw_firmware_type", "hw_disk_bus" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *own = text_of(ours, keys[i]), *other = text_of(theirs, keys[i]);

		if (own && other && strcmp(own, other) != 0)
			return true;
	}
	return false;
}

static bool is_same(const struct upload *u, json_t *image, size_t algorithm)
{
	const char *format = text_of(image, "disk_format");
	const char *name = text_of(image, "os_hash_algo");
	const char *value = text_of(image, "os_hash_value");
	const char *id = text_of(image, "id"), *called = text_of(image, "name");

	/* A version is one only by its name. */
	if (u->job->rotate && (!called || strcmp(called, u->job->rotate) != 0))
		return false;
	return id && strlen(id) < UPLOAD_ID_MAX && format && name && value &&
		!strcmp(format, text_of(u->body, "disk_format")) &&
		!strcmp(name, upload_algorithm[algorithm]) &&
		!strcmp(value, u->result->hash.hex[algorithm]) && !is_for_other(u->body, image);
}

/* Takes the newest image that `algorithm` says is the same. */
static int find_by(struct upload *u, size_t algorithm, bool hidden, struct error *e)
{
	struct buffer query = { 0 };
	json_t *images = NULL, *image;
	size_t i;
	int rc = glance_query(&query, "os_hash_value", u->result->hash.hex[algorithm], e);

	if (!rc)
		rc = glance_query(&query, "status", "active", e);
	if (!rc && hidden)
		rc = glance_query(&query, "os_hidden", "true", e);
	if (!rc)
		rc = glance_list(u->glance, buffer_text(&query), &images, e);
	json_array_foreach(images, i, image)
	{
		if (u->result->present || !is_same(u, image, algorithm))
			continue;
		strcpy(u->result->id, text_of(image, "id"));
		u->result->image = json_incref(image);
		u->result->present = true;
		u->result->digest_verified = true;
	}
	json_decref(images);
	buffer_free(&query);
	return rc;
}

int upload_find_present(struct upload *u, struct error *e)
{
	int rc = 0;

	if (upload_is_announced(u))
		u->result->hash = u->announced;
	else
		rc = upload_digest(u, e);
	/* MD5 alone proves nothing. */
	for (size_t i = 1; !rc && !u->result->present && i < UPLOAD_SUMS; i++) {
		rc = find_by(u, i, false, e);
		/* Versions that were sent before something else failed wait to be shown. */
		if (!rc && !u->result->present && u->job->rotate)
			rc = find_by(u, i, true, e);
	}
	return rc;
}

static int add_versions(struct uploading *u, const char *hidden, json_t *all, struct error *e)
{
	struct buffer query = { 0 };
	json_t *images = NULL;
	int rc = glance_query(&query, "name", u->job->rotate, e);

	if (!rc)
		rc = glance_query(&query, "os_hidden", hidden, e);
	if (!rc)
		rc = glance_query(&query, "status", "active", e);
	if (!rc)
		rc = glance_list(u->glance, buffer_text(&query), &images, e);
	if (!rc && json_array_extend(all, images))
		rc = error_nomem(e, "a list of images");
	json_decref(images);
	buffer_free(&query);
	return rc;
}

static bool is_new(const struct uploading *u, const char *id)
{
	for (size_t i = 0; i < u->results->count; i++)
		if (!strcmp(u->results->image[i].id, id))
			return true;
	return false;
}

/* Ours, by the same name, not a new one: others' images of that name are theirs. */
static bool is_older(const struct uploading *u, json_t *image)
{
	const char *id = text_of(image, "id"), *name = text_of(image, "name");
	const char *owner = text_of(image, "owner");
	const char *own = text_of(u->results->image->image, "owner");

	if (!id || is_new(u, id) || !name || strcmp(name, u->job->rotate) != 0)
		return false;
	return own && owner ? !strcmp(own, owner) : !own && !owner;
}

/* One that cannot be put away is said; the new ones are in place all the same. */
static int note_stuck(struct uploading *u, const char *id, const struct error *why, struct error *e)
{
	char text[700];

	snprintf(text, sizeof(text), "older image %.64s stays: %.600s", id, why->text);
	return upload_note(u->upload, SEVERITY_WARNING, "glance-older-version", text, NULL, e);
}

static int put_away(struct uploading *u, json_t *image, bool remove, struct error *e)
{
	const char *id = text_of(image, "id");
	struct error why = { 0 };
	int rc;

	if (remove && !json_is_true(json_object_get(image, "protected"))) {
		rc = glance_delete(u->glance, id, &why);
		return rc ? note_stuck(u, id, &why, e) : strings_add(&u->results->removed, id, e);
	}
	if (json_is_true(json_object_get(image, "os_hidden")))
		return 0;
	rc = glance_set(u->glance, id, "os_hidden", json_true(), &why);
	return rc ? note_stuck(u, id, &why, e) : strings_add(&u->results->hidden, id, e);
}

/* The newest of those that are not taken yet. */
static size_t newest(json_t *all)
{
	size_t best = json_array_size(all), i;
	const char *when = "";
	json_t *image;

	json_array_foreach(all, i, image)
	{
		const char *created = text_of(image, "created_at");

		if (best == json_array_size(all) || (created && strcmp(created, when) > 0)) {
			best = i;
			when = created ? created : "";
		}
	}
	return best;
}

static int show(struct uploading *u, struct upload_result *r, struct error *e)
{
	int rc;

	if (r->present && !json_is_true(json_object_get(r->image, "os_hidden")))
		return 0;
	rc = glance_set(u->glance, r->id, "os_hidden", json_false(), e);
	if (!rc)
		json_object_set_new(r->image, "os_hidden", json_false());
	return rc;
}

/* A version counts as many images as were sent now. */
static int put_older_away(struct uploading *u, json_t *all, struct error *e)
{
	const size_t keep = u->job->keep_versions * u->results->count;
	size_t kept = u->results->count;
	int rc = 0;

	while (!rc && json_array_size(all)) {
		size_t i = newest(all);
		json_t *image = json_incref(json_array_get(all, i));

		json_array_remove(all, i);
		if (is_older(u, image))
			rc = put_away(u, image, ++kept > keep && keep, e);
		json_decref(image);
	}
	return rc;
}

int upload_rotate(struct uploading *u, struct error *e)
{
	json_t *all = json_array();
	int rc = all ? 0 : error_nomem(e, "a list of images");

	for (size_t i = 0; !rc && i < u->results->count; i++)
		rc = show(u, &u->results->image[i], e);
	if (!rc)
		rc = add_versions(u, "false", all, e);
	if (!rc)
		rc = add_versions(u, "true", all, e);
	if (!rc)
		rc = put_older_away(u, all, e);
	json_decref(all);
	return rc;
}
