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

static int script_add(const struct building *b, struct bundle *bundle, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", b->job->recipes, upload_script_name);

	if (!rc)
		rc = upload_script_add(buffer_text(&path), bundle, e);
	buffer_free(&path);
	return rc;
}

int build_bundle_write(struct building *b, struct error *e)
{
	const struct bundle_options o = bundle_kind(b->job);
	struct bundle *bundle = NULL;
	int rc = bundle_open(b->job->destination, &o, &bundle, e);

	if (rc)
		return error_prefix(e, "%s", b->job->destination);
	for (size_t i = 0; !rc && i < b->job->recipe->output_count; i++)
		rc = build_output_make(b, i, bundle, e);
	if (!rc)
		rc = document_add(bundle, "edits.json", b->result->edits, e);
	if (!rc)
		rc = document_add(bundle, "plan.json", b->result->plan, e);
	if (!rc)
		rc = script_add(b, bundle, e);
	if (!rc)
		rc = bundle_commit(bundle, e);
	bundle_close(bundle);
	return rc;
}
