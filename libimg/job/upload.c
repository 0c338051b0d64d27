/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An upload from its beginning to its end, and what is cleaned up when it fails. */
#include "job/upload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/secret.h"
#include "job/upload_private.h"

const char *const upload_algorithm[UPLOAD_SUMS] = { "md5", "sha512", "sha256" };

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

int upload_add(struct uploading *u, const char *source, struct upload **out, struct error *e)
{
	struct upload_results *r = u->results;
	struct upload_result *image = realloc(r->image, (r->count + 1) * sizeof(*image));
	struct upload *upload;

	if (!image)
		return error_nomem(e, "an upload");
	r->image = image;
	upload = realloc(u->upload, (r->count + 1) * sizeof(*upload));
	if (!upload)
		return error_nomem(e, "an upload");
	u->upload = upload;
	image[r->count] = (struct upload_result){ .source = strdup(source) };
	upload[r->count] = (struct upload){ .job = u->job, .engine = u->job->engine };
	*out = &upload[r->count++];
	return image[r->count - 1].source ? 0 : error_nomem(e, "an upload");
}

static int connect_cloud(struct uploading *u, const struct cloud_settings *s, struct error *e)
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

/* Nothing half done stays behind; what can't be removed is named. */
static void clean_up(struct uploading *all, struct upload *u, struct error *e)
{
	struct error own = { 0 };
	size_t len = strlen(e->text);

	http_abort(all->http);
	http_set_stop(all->http, NULL, NULL);
	if (u->job->keep)
		snprintf(e->text + len, sizeof(e->text) - len, "; image %s is kept", u->result->id);
	else if (glance_delete(u->glance, u->result->id, &own))
		snprintf(e->text + len, sizeof(e->text) - len,
			"; image %s could not be deleted (%.200s): delete it by hand",
			u->result->id, own.text);
	u->result->id[0] = 0;
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
	return rc;
}

static int upload_one(struct uploading *all, struct upload *u, struct error *e)
{
	int rc = u->job->if_absent ? upload_find_present(u, e) : 0;

	if (!rc && !u->result->present)
		rc = deliver(u, e);
	if (rc && u->created)
		clean_up(all, u, e);
	if (rc && all->results->count > 1)
		error_prefix(e, "%s", u->result->source);
	return rc;
}

/* Which of a bundle's images are there all the same. */
static void name_done(const struct uploading *u, struct error *e)
{
	const char *before = "; in Glance, and verified: ";

	for (size_t i = 0; i < u->results->count; i++) {
		const struct upload_result *r = &u->results->image[i];
		size_t len = strlen(e->text);

		if (!r->id[0])
			continue;
		snprintf(e->text + len, sizeof(e->text) - len, "%s%s (%.80s)", before, r->id,
			r->source);
		before = ", ";
	}
}

static int part_progress(void *arg, uint64_t done, uint64_t total)
{
	const struct uploading *u = arg;
	const struct convert_options *whole = &u->job->engine;

	(void)total;
	return whole->progress(whole->progress_arg, u->done + done, u->total);
}

/* Several are one way to go, as long as their files are. */
static void progress_share(struct uploading *u)
{
	struct stat st;

	if (u->results->count < 2 || !u->job->engine.progress)
		return;
	for (size_t i = 0; i < u->results->count; i++) {
		u->upload[i].engine.progress = part_progress;
		u->upload[i].engine.progress_arg = u;
		if (!stat(buffer_text(&u->upload[i].path), &st))
			u->total += (uint64_t)st.st_size;
	}
}

static int upload_each(struct uploading *u, struct error *e)
{
	int rc = 0;

	progress_share(u);
	for (size_t i = 0; !rc && i < u->results->count; i++) {
		u->upload[i].glance = u->glance;
		rc = upload_one(u, &u->upload[i], e);
		u->done += u->upload[i].result->size;
	}
	if (!rc && u->job->rotate) {
		rc = upload_rotate(u, e);
		if (rc && u->results->count == 1 && u->upload->created)
			clean_up(u, u->upload, e);
	}
	if (rc && u->results->count > 1)
		name_done(u, e);
	return rc;
}

static int check_one(const struct uploading *u, struct error *e)
{
	const char *option = u->job->id ? "--id" : u->job->as ? "--as" : NULL;

	if (!option || u->results->count < 2)
		return 0;
	return error_set(e, ERR_USAGE,
		"%s: %s holds %zu images: name one by its .json file, or by --target", option,
		u->job->source, u->results->count);
}

/* All that can be wrong with them is said before the first is sent. */
static int upload_run(struct uploading *u, const struct cloud_settings *s, struct error *e)
{
	int rc = upload_find(u, e);

	if (!rc)
		rc = check_one(u, e);
	for (size_t i = 0; !rc && i < u->results->count; i++) {
		u->upload[i].result = &u->results->image[i];
		rc = upload_describe(&u->upload[i], e);
	}
	if (!rc)
		rc = connect_cloud(u, s, e);
	return rc ? rc : upload_each(u, e);
}

static void disconnect(struct uploading *u)
{
	glance_close(u->glance);
	keystone_close(u->keystone);
	http_close(u->http);
}

int job_upload(const struct upload_job *j, struct upload_results *results, struct error *e)
{
	struct uploading u = { .job = j, .results = results };
	struct cloud_settings settings;
	int rc;

	*results = (struct upload_results){ 0 };
	rc = cloud_settings_load(j->cloud, j->environment, &settings, e);
	if (rc)
		return rc;
	rc = upload_run(&u, &settings, e);
	disconnect(&u);
	cloud_settings_free(&settings);
	for (size_t i = 0; i < results->count; i++) {
		json_decref(u.upload[i].body);
		json_decref(u.upload[i].bundled);
		buffer_free(&u.upload[i].path);
	}
	free(u.upload);
	unpacked_close(&u.bundle);
	return rc;
}

int job_upload_try(const struct upload_job *j, struct error *e)
{
	struct uploading u = { .job = j };
	struct cloud_settings settings;
	int rc = cloud_settings_load(j->cloud, j->environment, &settings, e);

	if (rc)
		return rc;
	rc = connect_cloud(&u, &settings, e);
	disconnect(&u);
	cloud_settings_free(&settings);
	return rc;
}

void upload_results_free(struct upload_results *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->image[i].source);
		json_decref(r->image[i].image);
		report_free(&r->image[i].findings);
	}
	free(r->image);
	strings_free(&r->hidden);
	strings_free(&r->removed);
}
