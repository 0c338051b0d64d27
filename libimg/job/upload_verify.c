/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance says of the image, against what was sent. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "job/upload_private.h"

enum {
	FIRST_WAIT_MS = 100,
	LONGEST_WAIT_MS = 5000,
	TASK_EVERY = 8, /* looks at the image for one at its task, which may tell of a failure */
};

static const char *text_of(json_t *image, const char *key)
{
	return json_string_value(json_object_get(image, key));
}

static int look(struct upload *u, struct error *e)
{
	json_t *image = NULL;
	int rc = glance_get(u->glance, u->result->id, &image, e);

	if (rc)
		return rc;
	json_decref(u->result->image);
	u->result->image = image;
	return 0;
}

static int pause_a_while(const struct upload *u, unsigned ms, struct error *e)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
	if (u->job->stop && u->job->stop(u->job->stop_arg))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* An import that failed may leave the image "importing" for ever; only its task says so. */
static int check_task(struct upload *u, struct error *e)
{
	struct error own = { 0 };
	char *why = NULL;
	int rc;

	/* Servers before API 2.14 have no tasks of an image. */
	if (glance_task_failure(u->glance, u->result->id, &why, &own) || !why)
		return 0;
	rc = error_set(e, ERR_REFUSED, "Glance could not import the image: %.400s", why);
	free(why);
	return rc;
}

/* Whether the image may still become active. */
static bool is_underway(const struct upload *u, const char *status)
{
	return !strcmp(status, "saving") || !strcmp(status, "importing") ||
		(u->job->method == UPLOAD_IMPORT && !strcmp(status, "uploading"));
}

int upload_await(struct upload *u, struct error *e)
{
	unsigned wait = FIRST_WAIT_MS;

	for (unsigned turn = 1;; turn++) {
		const char *status;
		int rc = look(u, e);

		if (rc)
			return rc;
		status = text_of(u->result->image, "status");
		if (status && !strcmp(status, "active"))
			return 0;
		if (!status || !is_underway(u, status) || turn % TASK_EVERY == 0)
			rc = check_task(u, e);
		if (!rc && (!status || !is_underway(u, status)))
			rc = error_set(e, ERR_REFUSED,
				"Glance did not keep the image: its status is %s",
				status ? status : "missing");
		if (!rc)
			rc = pause_a_while(u, wait, e);
		if (rc)
			return rc;
		wait = wait * 2 < LONGEST_WAIT_MS ? wait * 2 : LONGEST_WAIT_MS;
	}
}

static int differs(const char *what, const char *theirs, const char *ours, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "Glance has %s %s, but %s was sent", what, theirs, ours);
}

static int number_check(
	json_t *image, const char *key, uint64_t ours, bool *verified, struct error *e)
{
	json_t *value = json_object_get(image, key);
	char sent[32], has[32];

	if (!json_is_integer(value))
		return 0;
	*verified = (uint64_t)json_integer_value(value) == ours;
	if (*verified)
		return 0;
	snprintf(sent, sizeof(sent), "%llu", (unsigned long long)ours);
	snprintf(has, sizeof(has), "%lld", (long long)json_integer_value(value));
	return differs(key, has, sent, e);
}

/* A digest that Glance was told to use instead of the usual one is taken of what was sent, which
 * must still be there. */
static int digest_take(struct upload *u, size_t i, struct error *e)
{
	char sent[DIGEST_HEX_MAX];
	int rc;

	if (u->result->hash.hex[i][0])
		return 0;
	memcpy(sent, u->result->hash.hex[0], sizeof(sent));
	rc = upload_digest(u, e);
	if (!rc && strcmp(sent, u->result->hash.hex[0]) != 0)
		rc = error_set(
			e, ERR_CORRUPT, "%s: changed after it was sent", buffer_text(&u->path));
	return rc;
}

/* Both digests that are reported must be right; one of them must be. */
static int digest_check(struct upload *u, json_t *image, struct error *e)
{
	const char *md5 = text_of(image, "checksum");
	const char *algorithm = text_of(image, "os_hash_algo");
	const char *value = text_of(image, "os_hash_value");
	char(*ours)[DIGEST_HEX_MAX] = u->result->hash.hex;

	if (md5 && strcmp(md5, ours[0]) != 0)
		return differs("checksum", md5, ours[0], e);
	for (size_t i = 0; algorithm && value && i < UPLOAD_SUMS; i++) {
		int rc;

		if (strcmp(algorithm, upload_algorithm[i]) != 0)
			continue;
		rc = digest_take(u, i, e);
		if (!rc && strcmp(value, ours[i]) != 0)
			rc = differs(algorithm, value, ours[i], e);
		if (rc)
			return rc;
		u->result->digest_verified = true;
	}
	u->result->digest_verified = u->result->digest_verified || md5;
	if (u->result->digest_verified)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"Glance reports no digest that can be compared (os_hash_algo is %s)",
		algorithm ? algorithm : "missing");
}

static int note_changed(struct upload *u, const char *now, struct error *e)
{
	char text[256];

	snprintf(text, sizeof(text),
		"the server made a %.32s of the %s that was sent: size and digests are of what it "
		"made, and cannot be compared",
		now, text_of(u->body, "disk_format"));
	return upload_note(u, SEVERITY_WARNING, "glance-format-changed", text,
		"send it in that format: --as", e);
}

int upload_verify(struct upload *u, struct error *e)
{
	json_t *image = u->result->image;
	const char *format = text_of(image, "disk_format");
	struct upload_result *r = u->result;
	struct error own = { 0 };
	int rc;

	if (!format)
		return error_set(e, ERR_CORRUPT, "Glance reports no disk_format");
	rc = number_check(image, "virtual_size", r->virtual_size, &r->virtual_size_verified, e);
	if (!rc && !r->virtual_size_verified)
		rc = upload_note(u, SEVERITY_WARNING, "glance-virtual-size-unreported",
			"Glance does not say which virtual size it sees, so that this is not "
			"verified",
			NULL, e);
	if (rc)
		return rc;
	if (strcmp(format, text_of(u->body, "disk_format")) != 0)
		return note_changed(u, format, e);
	rc = number_check(image, "size", r->size, &r->size_verified, e);
	if (!rc && !r->size_verified)
		rc = error_set(e, ERR_CORRUPT, "Glance reports no size");
	if (rc)
		return rc;
	rc = digest_check(u, image, e);
	/* Not digested on the way: it may be the file that is not what the bundle says. */
	if (rc && upload_is_announced(u) && upload_digest(u, &own))
		rc = error_set(e, (enum error_code)own.code, "%s", own.text);
	return rc;
}
