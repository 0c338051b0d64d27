/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bundle, and after it what the recipe wants in a cloud. */
#include "job/build_upload.h"

#include <string.h>

#include "base/file.h"
#include "job/upload.h"

enum { DOCUMENT_LIMIT = 64 << 20 };

static struct upload_job cloud_job(const struct build_job *j)
{
	return (struct upload_job){ .source = j->destination,
		.cloud = j->recipe->upload->cloud,
		.environment = j->environment,
		.stop = j->stop,
		.stop_arg = j->stop_arg };
}

int build_upload_check(const struct build_job *j, struct error *e)
{
	const struct recipe *r = j->recipe;
	const struct upload_job job = cloud_job(j);

	if (strcmp(r->bundle, "dir") != 0)
		return error_set(e, ERR_UNSUPPORTED,
			"%s: only bundles of kind dir are uploaded, not %s", r->path, r->bundle);
	return job_upload_try(&job, e);
}

static int document_read(const struct building *b, const char *name, json_t **out, struct error *e)
{
	struct buffer path = { 0 }, text = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", b->job->destination, name);

	if (!rc)
		rc = file_read(buffer_text(&path), DOCUMENT_LIMIT, &text, e);
	if (!rc) {
		*out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
		if (!*out)
			rc = error_set(e, ERR_CORRUPT, "%s: is no JSON", buffer_text(&path));
	}
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}

/* Whether all that `fresh` says is said by `built`, which knows more; both of our making, a few
 * levels deep. */
static bool is_in(const json_t *fresh, const json_t *built)
{
	const char *key;
	const json_t *value;
	json_t *member;
	size_t i;

	if (json_is_object(fresh)) {
		json_object_foreach((json_t *)(uintptr_t)fresh, key, member)
		{
			if (!is_in(member, json_object_get(built, key)))
				return false;
		}
		return json_is_object(built);
	}
	if (!json_is_array(fresh))
		return json_equal(fresh, built);
	json_array_foreach(fresh, i, value)
	{
		if (!is_in(value, json_array_get(built, i)))
			return false;
	}
	return json_is_array(built) && json_array_size(built) == json_array_size(fresh);
}

/* Whether the destination is this build's bundle: then its plan, with digests, is the result's. */
static bool is_built(struct building *b)
{
	struct build_result *r = b->result;
	json_t *plan = NULL, *edits = NULL;
	struct error why = { 0 };
	const bool built = !document_read(b, "plan.json", &plan, &why) &&
		!document_read(b, "edits.json", &edits, &why) && is_in(r->plan, plan) &&
		json_equal(r->edits, edits);
	if (built) {
		json_decref(r->plan);
		r->plan = json_incref(plan);
	}
	json_decref(plan);
	json_decref(edits);
	return built;
}

static int uploads_note(struct build_result *r, const struct upload_results *u, struct error *e)
{
	int rc = 0;

	r->uploads = json_array();
	for (size_t i = 0; !rc && i < u->count; i++) {
		const struct upload_result *image = &u->image[i];

		if (json_array_append_new(r->uploads,
			    json_pack("{s:s, s:s, s:b}", "source", image->source, "id", image->id,
				    "present", image->present)))
			rc = error_nomem(e, "uploads");
		for (size_t k = 0; !rc && k < image->findings.count; k++)
			rc = report_add(&r->notes, &image->findings.finding[k], e);
	}
	return rc;
}

static int upload(struct building *b, bool again, struct error *e)
{
	const struct build_job *j = b->job;
	const struct recipe_upload *wish = j->recipe->upload;
	struct upload_job job = cloud_job(j);
	struct upload_results results;
	int rc;

	job.method = !strcmp(wish->method, "import") ? UPLOAD_IMPORT : UPLOAD_PUT;
	job.visibility = wish->visibility;
	job.if_absent = again;
	job.rotate = wish->rotate ? j->recipe->image_name : NULL;
	job.keep_versions = wish->keep_versions;
	job.known = &b->known;
	job.engine = j->engine;
	job.tmpdir = j->tmpdir;
	rc = job_upload(&job, &results, e);
	if (!rc)
		rc = uploads_note(b->result, &results, e);
	else
		error_prefix(e,
			"%s is complete, but not in Glance (the same build again goes on with "
			"that, as hvimg upload does)",
			j->destination);
	upload_results_free(&results);
	return rc;
}

int build_deliver(struct building *b, struct error *e)
{
	const bool again = b->job->recipe->upload && is_built(b);
	int rc = 0;

	if (!again && b->work.folder < 0)
		rc = build_work_open(b, e);
	if (!rc && !again)
		rc = build_bundle_write(b, e);
	return rc || !b->job->recipe->upload ? rc : upload(b, again, e);
}
