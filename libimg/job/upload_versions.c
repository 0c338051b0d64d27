/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Other images of the cloud that matter to an upload: the same one, and older versions of it. */
#include <string.h>

#include "job/upload_private.h"

static const char *text_of(json_t *image, const char *key)
{
	return json_string_value(json_object_get(image, key));
}

static int begin_nothing(void *arg, uint64_t size, struct error *e)
{
	(void)arg;
	(void)size;
	(void)e;
	return 0;
}

static int write_nothing(void *arg, const void *bytes, size_t len, struct error *e)
{
	(void)arg;
	(void)bytes;
	(void)len;
	(void)e;
	return 0;
}

static bool is_same(const struct upload *u, json_t *image, size_t algorithm)
{
	const char *format = text_of(image, "disk_format");
	const char *name = text_of(image, "os_hash_algo");
	const char *value = text_of(image, "os_hash_value");

	return format && name && value && !strcmp(format, text_of(u->body, "disk_format")) &&
		!strcmp(name, upload_algorithm[algorithm]) &&
		!strcmp(value, u->result->hash.hex[algorithm]);
}

/* Takes the newest image that `algorithm` says is the same. */
static int find_by(struct upload *u, size_t algorithm, struct error *e)
{
	struct buffer query = { 0 };
	json_t *images = NULL, *image;
	size_t i;
	int rc = glance_query(&query, "os_hash_value", u->result->hash.hex[algorithm], e);

	if (!rc)
		rc = glance_query(&query, "status", "active", e);
	if (!rc)
		rc = glance_list(u->glance, buffer_text(&query), &images, e);
	json_array_foreach(images, i, image)
	{
		const char *id = text_of(image, "id");

		if (u->result->present || !id || strlen(id) >= UPLOAD_ID_MAX ||
			!is_same(u, image, algorithm))
			continue;
		strcpy(u->result->id, id);
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
	const struct upload_sink nowhere = { begin_nothing, write_nothing, NULL };
	int rc = upload_produce(u, &nowhere, e);

	/* MD5 alone proves nothing. */
	for (size_t i = UPLOAD_SUMS - 1; !rc && !u->result->present && i > 0; i--)
		rc = find_by(u, i, e);
	return rc;
}

static int add_versions(struct upload *u, const char *hidden, json_t *all, struct error *e)
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

/* Ours, by the same name, not the new one: others' images of that name are theirs. */
static bool is_older(const struct upload *u, json_t *image)
{
	const char *id = text_of(image, "id"), *name = text_of(image, "name");
	const char *owner = text_of(image, "owner");
	const char *own = text_of(u->result->image, "owner");

	if (!id || !strcmp(id, u->result->id) || !name || strcmp(name, u->job->rotate) != 0)
		return false;
	return own && owner ? !strcmp(own, owner) : !own && !owner;
}

/* One that cannot be put away is said; the new one is in place all the same. */
static int note_stuck(struct upload *u, const char *id, const struct error *why, struct error *e)
{
	char text[700];

	snprintf(text, sizeof(text), "older image %.64s stays: %.600s", id, why->text);
	return upload_note(u, SEVERITY_WARNING, "glance-older-version", text, NULL, e);
}

static int put_away(struct upload *u, json_t *image, bool remove, struct error *e)
{
	const char *id = text_of(image, "id");
	struct error why = { 0 };
	int rc;

	if (remove && !json_is_true(json_object_get(image, "protected"))) {
		rc = glance_delete(u->glance, id, &why);
		return rc ? note_stuck(u, id, &why, e) : strings_add(&u->result->removed, id, e);
	}
	if (json_is_true(json_object_get(image, "os_hidden")))
		return 0;
	rc = glance_set(u->glance, id, "os_hidden", json_true(), &why);
	return rc ? note_stuck(u, id, &why, e) : strings_add(&u->result->hidden, id, e);
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

int upload_rotate(struct upload *u, struct error *e)
{
	json_t *all = json_array();
	unsigned kept = 1; /* the new one */
	int rc = all ? glance_set(u->glance, u->result->id, "os_hidden", json_false(), e)
		     : error_nomem(e, "a list of images");

	if (!rc)
		json_object_set_new(u->result->image, "os_hidden", json_false());
	if (!rc)
		rc = add_versions(u, "false", all, e);
	if (!rc)
		rc = add_versions(u, "true", all, e);
	while (!rc && json_array_size(all)) {
		size_t i = newest(all);
		json_t *image = json_incref(json_array_get(all, i));

		json_array_remove(all, i);
		if (is_older(u, image)) {
			kept++;
			rc = put_away(
				u, image, u->job->keep_versions && kept > u->job->keep_versions, e);
		}
		json_decref(image);
	}
	json_decref(all);
	return rc;
}
