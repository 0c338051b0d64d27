/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bundle that a recipe makes. */
#include <string.h>

#include "job/build_private.h"
#include "job/manifest.h"
#include "job/upload_script.h"

static int document_add(
	struct bundle *bundle, const char *name, const json_t *document, struct error *e)
{
	struct buffer text = { 0 };
	int rc = json_text(document, &text, e);

	if (!rc)
		rc = bundle_add(bundle, name, buffer_text(&text), text.len, e);
	buffer_free(&text);
	return rc;
}

static struct bundle_options bundle_kind(const struct build_job *j)
{
	struct bundle_options o = { .tar = !strcmp(j->recipe->bundle, "tar"),
		.time = j->time,
		.threads = j->engine.threads,
		.no_sync = j->output.no_sync };

	if (!strcmp(j->recipe->bundle_compress, "gzip"))
		o.pack = PACK_GZIP;
	else if (!strcmp(j->recipe->bundle_compress, "zstd"))
		o.pack = PACK_ZSTD;
	return o;
}

static int output_put(struct building *b, size_t index, struct bundle *bundle, struct error *e)
{
	struct build_output *o = &b->output[index];
	struct convert_options engine;
	struct buffer path = { 0 };
	struct build_leg leg;
	int rc = build_work_path(b, index, "", &path, e);

	build_leg_start(&leg, b, &engine);
	if (!rc)
		rc = build_plan_note(b, index, e);
	if (!rc)
		rc = build_output_describe(b, index, bundle, e);
	if (!rc)
		rc = bundle_take(
			bundle, buffer_text(&path), o->recipe->file, o->made.hex, &engine, e);
	build_leg_end(&leg);
	buffer_free(&path);
	return rc ? error_prefix(e, "output %s", o->recipe->file) : 0;
}

static int script_add(const struct building *b, struct bundle *bundle, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", b->job->recipes, upload_script_name);

	if (!rc)
		rc = upload_script_add(buffer_text(&path), bundle, e);
	buffer_free(&path);
	return rc;
}

static int page_add(struct building *b, struct bundle *bundle, struct error *e)
{
	struct buffer page = { 0 };
	int rc = build_report_html(b, &page, e);

	if (!rc)
		rc = bundle_add(bundle, "report.html", buffer_text(&page), page.len, e);
	buffer_free(&page);
	return rc;
}

static int bundle_fill(struct building *b, struct bundle *bundle, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->job->recipe->output_count; i++)
		rc = output_put(b, i, bundle, e);
	if (!rc)
		rc = page_add(b, bundle, e);
	if (!rc)
		rc = document_add(bundle, "edits.json", b->result->edits, e);
	if (!rc)
		rc = document_add(bundle, "plan.json", b->result->plan, e);
	if (!rc)
		rc = script_add(b, bundle, e);
	return rc ? rc : bundle_commit(bundle, e);
}

static int bundle_make(struct building *b, struct error *e)
{
	const struct bundle_options o = bundle_kind(b->job);
	struct bundle *bundle = NULL;
	int rc = bundle_open(b->job->destination, &o, &bundle, e);

	if (rc)
		return error_prefix(e, "%s", b->job->destination);
	rc = bundle_fill(b, bundle, e);
	bundle_close(bundle);
	return rc;
}

int build_bundle_write(struct building *b, struct error *e)
{
	/* An output is written, digested, and put into the bundle. */
	const size_t legs = 3 * b->job->recipe->output_count;
	const bool ova = !strcmp(b->job->recipe->bundle, "ova");
	int rc = build_guest_look(b, e);

	if (!rc && ova)
		rc = build_ova_prepare(b, e);
	if (rc)
		return rc;
	build_meter_open(&b->meter, &b->job->engine, legs);
	rc = build_work_check(b, e);
	if (!rc)
		rc = build_outputs_make(b, e);
	if (!rc)
		rc = ova ? build_ova_write(b, e) : bundle_make(b, e);
	build_meter_close(&b->meter);
	/* Whatever fails from here on, nothing is to be made again. */
	if (!rc)
		work_folder_empty(&b->work, NULL);
	return rc;
}
