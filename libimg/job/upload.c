/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An upload from its beginning to its end, and what is cleaned up when it fails. */
#include "job/upload.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/secret.h"
#include "job/upload_private.h"

const char *const upload_algorithm[UPLOAD_SUMS] = { "md5", "sha256", "sha512" };

int upload_note(struct upload *u, enum severity severity, const char *code, const char *text,
	const char *fix, struct error *e)
{
	/* report_add copies. */
	struct finding f = {
		.code = (char *)(uintptr_t)code,
		.severity = severity,
		.text = (char *)(uintptr_t)text,
		.fix = (char *)(uintptr_t)fix,
	};

	return report_add(&u->result->findings, &f, e);
}

static int connect_cloud(struct upload *u, const struct cloud_settings *s, struct error *e)
{
	const struct http_settings settings = {
		.cacert = cloud_value(s, "cacert"),
		.cert = cloud_value(s, "cert"),
		.key = cloud_value(s, "key"),
		.insecure = s->insecure,
		.ipv4 = s->ipv4,
	};
	int rc = http_open(&settings, &u->http, e);

	if (rc)
		return rc;
	http_set_stop(u->http, u->job->stop, u->job->stop_arg);
	rc = keystone_open(u->http, s, &u->keystone, e);
	return rc ? rc : glance_open(u->http, u->keystone, &u->glance, e);
}

static int check_method(const struct upload *u, const char *methods, struct error *e)
{
	if (u->job->method != UPLOAD_IMPORT || strstr(methods, "glance-direct"))
		return 0;
	return error_set(e, ERR_UNSUPPORTED,
		"Glance offers no glance-direct import, only \"%s\": use --method put", methods);
}

int upload_create(struct upload *u, struct error *e)
{
	char *methods = NULL;
	const char *id;
	int rc = glance_create(u->glance, u->body, &u->result->image, &methods, e);

	if (rc)
		return rc;
	id = json_string_value(json_object_get(u->result->image, "id"));
	if (strlen(id) < UPLOAD_ID_MAX) {
		strcpy(u->result->id, id);
		u->created = true;
		rc = check_method(u, methods, e);
	} else {
		rc = error_set(
			e, ERR_CORRUPT, "Glance gave an image id of %zu characters", strlen(id));
	}
	free(methods);
	return rc;
}

static int deliver(struct upload *u, struct error *e)
{
	int rc = upload_send(u, e);

	if (!rc)
		rc = upload_await(u, e);
	if (!rc)
		rc = upload_verify(u, e);
	if (!rc && u->protect)
		rc = glance_set(u->glance, u->result->id, "protected", json_true(), e);
	if (!rc && u->job->rotate)
		rc = upload_rotate(u, e);
	return rc;
}

/* Nothing half done stays behind; what can't be removed is named. */
static void clean_up(struct upload *u, struct error *e)
{
	struct error own = { 0 };
	size_t len = strlen(e->text);

	http_abort(u->http);
	http_set_stop(u->http, NULL, NULL);
	if (u->job->keep)
		snprintf(e->text + len, sizeof(e->text) - len, "; image %s is kept", u->result->id);
	else if (glance_delete(u->glance, u->result->id, &own))
		snprintf(e->text + len, sizeof(e->text) - len,
			"; image %s could not be deleted (%.200s): delete it by hand",
			u->result->id, own.text);
	else
		u->result->id[0] = 0;
}

static int run(struct upload *u, const struct cloud_settings *s, struct error *e)
{
	int rc = upload_describe(u, e);

	if (!rc)
		rc = connect_cloud(u, s, e);
	if (!rc && u->job->if_absent)
		rc = upload_find_present(u, e);
	if (rc || u->result->present)
		return rc;
	rc = deliver(u, e);
	if (rc && u->created)
		clean_up(u, e);
	return rc;
}

int job_upload(const struct upload_job *j, struct upload_result *result, struct error *e)
{
	struct upload u = { .job = j, .result = result };
	struct cloud_settings settings;
	int rc;

	*result = (struct upload_result){ 0 };
	rc = cloud_settings_load(j->cloud, j->environment, &settings, e);
	if (rc)
		return rc;
	rc = run(&u, &settings, e);
	glance_close(u.glance);
	keystone_close(u.keystone);
	http_close(u.http);
	cloud_settings_free(&settings);
	json_decref(u.body);
	free(u.announced);
	buffer_free(&u.path);
	return rc;
}

void upload_result_free(struct upload_result *r)
{
	json_decref(r->image);
	strings_free(&r->hidden);
	strings_free(&r->removed);
	report_free(&r->findings);
}
