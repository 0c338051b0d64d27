/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/http_url.h"
#include "disk/overlay.h"
#include "job/build_private.h"
#include "job/build_upload.h"

const char *build_unknown(const struct recipe *r)
{
	if (r->source.kind == SOURCE_PACKAGES)
		return "the source is installed first: what is edited in it is not known before";
	if (r->source.kind == SOURCE_TAR)
		return "the source is made into a disk first: what is edited in it is not known "
		       "before";
	if (http_url_is(r->source.location))
		return "the source is downloaded first: what is edited in it is not known before";
	return NULL;
}

int build_check(const struct build_job *j, struct error *e)
{
	const struct recipe *r = j->recipe;

	if (!strcmp(r->bundle, "ova"))
		return build_ova_check(r, e);
	if (!strcmp(r->bundle, "dir") && strcmp(r->bundle_compress, "none") != 0)
		return error_set(e, ERR_USAGE, "%s: a bundle of kind dir is not compressed, tar is",
			r->path);
	return r->upload ? build_upload_check(j, e) : 0;
}

static int targets_read(struct building *b, struct error *e)
{
	const struct strings *names = &b->job->recipe->targets;
	struct buffer list = { 0 };
	int rc = targets_load_all(b->job->recipes, &b->known, e);

	for (size_t i = 0; !rc && i < names->count; i++)
		rc = buffer_format(&list, e, "%s%s", i ? "," : "", names->item[i]);
	if (!rc && names->count)
		rc = targets_load(b->job->recipes, buffer_text(&list), &b->targets, e);
	buffer_free(&list);
	return rc;
}

/* How the source is called wherever it is shown. */
static int source_name(struct building *b, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	int rc = build_location_shown(r->source.location, &b->location, e);

	if (!rc)
		rc = build_location_shown(r->source.mirror, &b->mirror, e);
	return rc ? error_prefix(e, "%s: the source", r->path) : 0;
}

/* What is there already, and is what was pinned, can be looked at. */
static int unknown_settle(struct building *b, struct error *e)
{
	const struct recipe_source *s = &b->job->recipe->source;
	bool known = !b->job->plan;
	int rc = 0;

	if (!known && s->kind == SOURCE_IMAGE && http_url_is(s->location))
		rc = build_source_cached(b, &known, e);
	if (known)
		b->result->unknown = NULL;
	return rc;
}

/* What is there may be this very build's bundle, which then is only uploaded. */
static bool may_be_built(const struct building *b)
{
	struct stat st;

	return b->job->recipe->upload && !lstat(b->job->destination, &st);
}

static int build_run(struct building *b, struct error *e)
{
	int rc = b->job->plan || may_be_built(b) ? 0 : build_work_open(b, e);

	if (!rc)
		rc = build_source_open(b, e);
	if (!rc)
		rc = build_guest(b, e);
	if (!rc)
		rc = build_plan_json(b, &b->result->plan, e);
	if (!rc)
		rc = build_edits_json(b, &b->result->edits, e);
	return rc || b->job->plan ? rc : build_deliver(b, e);
}

int job_build(const struct build_job *j, struct build_result *result, struct error *e)
{
	struct building b = { .job = j, .result = result, .work = WORK_FOLDER_NONE };
	uint64_t memory;
	int rc;

	*result = (struct build_result){ .unknown = build_unknown(j->recipe) };
	rc = j->plan ? 0 : build_check(j, e);
	if (!rc)
		rc = source_name(&b, e);
	if (!rc)
		rc = targets_read(&b, e);
	if (!rc)
		rc = build_outputs_prepare(&b, e);
	if (!rc && !j->plan)
		rc = build_report_prepare(&b, e);
	if (!rc && !j->plan && !strcmp(j->recipe->bundle, "ova"))
		rc = build_ova_memory(&b, &memory, e);
	if (!rc)
		rc = unknown_settle(&b, e);
	if (!rc)
		rc = j->plan && result->unknown ? build_plan_json(&b, &result->plan, e)
						: build_run(&b, e);
	rc = build_work_close(&b, rc, e);
	guest_image_close(b.guest);
	disk_close(b.overlay);
	source_close(&b.source);
	root_disk_close(&b.made);
	fetched_free(&b.fetched);
	free(b.location);
	free(b.mirror);
	build_outputs_free(&b);
	journal_free(&b.journal);
	targets_free(&b.targets);
	targets_free(&b.known);
	buffer_free(&b.style);
	json_decref(b.state);
	return rc ? recipe_error_hide(j->recipe, e) : 0;
}

void build_result_free(struct build_result *r)
{
	json_decref(r->plan);
	json_decref(r->edits);
	json_decref(r->uploads);
	report_free(&r->notes);
	strings_free(&r->reused);
}
