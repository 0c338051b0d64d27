/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/build.h"

#include <string.h>

#include "disk/overlay.h"
#include "job/build_private.h"

const char *build_unknown(const struct recipe *r)
{
	if (r->source.kind == SOURCE_PACKAGES)
		return "the source is installed first: what is edited in it is not known before";
	if (r->source.kind == SOURCE_TAR)
		return "the source is made into a disk first: what is edited in it is not known "
		       "before";
	if (build_is_url(r->source.location))
		return "the source is downloaded first: what is edited in it is not known before";
	return NULL;
}

static int refuse(const struct recipe *r, const char *what, struct error *e)
{
	return error_set(
		e, ERR_UNSUPPORTED, "%s: this version of hvimg does not %s", r->path, what);
}

int build_check(const struct build_job *j, struct error *e)
{
	const struct recipe *r = j->recipe;

	if (r->source.kind == SOURCE_PACKAGES)
		return refuse(r, "build from packages", e);
	if (r->source.kind == SOURCE_TAR)
		return refuse(r, "build from a root tar", e);
	if (build_is_url(r->source.location))
		return refuse(r, "download sources: fetch it and give its path", e);
	if (r->upload)
		return refuse(r, "upload what it builds: leave <upload> out", e);
	if (!strcmp(r->bundle, "ova"))
		return refuse(r, "make bundles of kind ova, only dir and tar", e);
	if (!strcmp(r->bundle, "dir") && strcmp(r->bundle_compress, "none") != 0)
		return error_set(e, ERR_USAGE, "%s: a bundle of kind dir is not compressed, tar is",
			r->path);
	return 0;
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

static int build_run(struct building *b, struct error *e)
{
	int rc = build_source_open(b, e);

	if (!rc)
		rc = build_guest(b, e);

	if (!rc)
		rc = build_plan_json(b, &b->result->plan, e);
	if (!rc)
		rc = build_edits_json(b, &b->result->edits, e);
	return rc || b->job->plan ? rc : build_bundle_write(b, e);
}

int job_build(const struct build_job *j, struct build_result *result, struct error *e)
{
	struct building b = { .job = j, .result = result };
	int rc;

	*result = (struct build_result){ .unknown = build_unknown(j->recipe) };
	rc = j->plan ? 0 : build_check(j, e);
	if (!rc)
		rc = targets_read(&b, e);
	if (!rc)
		rc = build_outputs_prepare(&b, e);
	if (!rc)
		rc = j->plan && result->unknown ? build_plan_json(&b, &result->plan, e)
						: build_run(&b, e);
	disk_close(b.overlay);
	source_close(&b.source);
	build_outputs_free(&b);
	journal_free(&b.journal);
	targets_free(&b.targets);
	targets_free(&b.known);
	return rc ? recipe_error_hide(j->recipe, e) : 0;
}

void build_result_free(struct build_result *r)
{
	json_decref(r->plan);
	json_decref(r->edits);
	report_free(&r->notes);
}
