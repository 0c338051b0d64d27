/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/build.h"

#include <string.h>

#include "disk/host_file.h"
#include "disk/overlay.h"
#include "job/build_private.h"

enum {
	/* As for inject. */
	OVERLAY_MEMORY = 16 << 20,
};

static bool is_url(const char *location)
{
	return !strncmp(location, "http://", 7) || !strncmp(location, "https://", 8);
}

const char *build_unknown(const struct recipe *r)
{
	if (r->source.kind == SOURCE_PACKAGES)
		return "the source is installed first: what is edited in it is not known before";
	if (r->source.kind == SOURCE_TAR)
		return "the source is made into a disk first: what is edited in it is not known "
		       "before";
	if (is_url(r->source.location))
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
	if (is_url(r->source.location))
		return refuse(r, "download sources: fetch it and give its path", e);
	if (r->grow)
		return refuse(r, "grow file systems (resize grow=\"true\")", e);
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

static bool is_cancelled(void *arg)
{
	const struct convert_options *engine = arg;

	return engine->progress && engine->progress(engine->progress_arg, 0, 1);
}

static bool anything_asked(const struct building *b)
{
	const struct recipe *r = b->job->recipe;

	return b->targets.count || r->drivers.count || r->seal.count || r->edits.count ||
		windows_wishes_any(&r->windows);
}

/* The recipe's own edits come first, so that what makes the guest ready sees them. */
static int edits_check(const struct recipe *r, struct error *e)
{
	return r->edits.count ? refuse(r, "edit files of the guest", e) : 0;
}

static int guest_change(struct building *b, struct guest_image *image, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	const struct guest_changes changes = { .targets = &b->targets,
		.drivers = &r->drivers,
		.allow_unsigned = r->allow_unsigned,
		.windows = windows_wishes_any(&r->windows) ? &r->windows : NULL,
		.seal = &r->seal,
		.notes = &b->result->notes };
	int rc = guest_image_apply(image, &changes, e);

	return rc ? rc : guest_image_sync(image, e);
}

static int guest_edit(struct building *b, struct error *e)
{
	const struct guest_options o = { .write = true,
		.force_dirty = b->job->force_dirty,
		.journal = &b->journal,
		.known = &b->known,
		.tmpdir = b->job->tmpdir,
		.cancelled = is_cancelled,
		.cancelled_arg = (void *)(uintptr_t)&b->job->engine };
	struct guest_image *image = NULL;
	int rc;

	if (!anything_asked(b))
		return 0;
	rc = guest_image_open(b->overlay, &o, &image, e);
	if (!rc)
		rc = guest_change(b, image, e);
	guest_image_close(image);
	return rc ? error_prefix(e, "%s", b->reading.source) : 0;
}

/* What the recipe pins is looked at before anything of it is used. */
static int digest_check(const struct building *b, struct error *e)
{
	const struct recipe_source *s = &b->job->recipe->source;
	struct strings algorithm = { 0 };
	struct hash_values value;
	int rc;

	if (!s->digest)
		return 0;
	rc = strings_add(&algorithm, s->digest_name, e);
	if (!rc)
		rc = disk_hash(b->source.watch, &algorithm, &b->job->engine, &value, e);
	strings_free(&algorithm);
	if (!rc && strcmp(value.hex[0], s->digest) != 0)
		rc = error_set(e, ERR_REFUSED, "has another %s than the recipe says: %s",
			s->digest_name, value.hex[0]);
	return rc ? error_prefix(e, "%s", s->location) : 0;
}

int build_guest(struct building *b, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	int rc;

	b->reading = (struct convert_job){ .source = r->source.location,
		.source_format = r->source.format,
		.allow_parent = r->source.allow_parent,
		.size = r->size,
		.tmpdir = b->job->tmpdir,
		.engine = b->job->engine };
	rc = source_open(&b->source, &b->reading, e);
	if (!rc)
		rc = digest_check(b, e);
	if (!rc)
		rc = overlay_open(b->source.disk, b->job->tmpdir, OVERLAY_MEMORY, &b->overlay, e);
	if (!rc)
		rc = guest_edit(b, e);
	if (!rc)
		rc = overlay_freeze(b->overlay, e);
	if (!rc)
		b->result->scratch = overlay_used(b->overlay);
	return rc;
}

static int build_run(struct building *b, struct error *e)
{
	int rc = build_guest(b, e);

	if (!rc)
		rc = build_plan_json(b, &b->result->plan, e);
	if (!rc)
		rc = build_edits_json(b, &b->result->edits, e);
	return rc || b->job->plan ? rc : build_outputs_write(b, e);
}

int job_build(const struct build_job *j, struct build_result *result, struct error *e)
{
	struct building b = { .job = j, .result = result };
	int rc;

	*result = (struct build_result){ .unknown = build_unknown(j->recipe) };
	rc = j->plan ? 0 : build_check(j, e);
	if (!rc)
		rc = edits_check(j->recipe, e);
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
