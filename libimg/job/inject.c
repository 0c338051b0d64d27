/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/overlay.h"
#include "guest/guest_edit.h"
#include "job/grow.h"
#include "job/manifest.h"
#include "job/pieces.h"

enum {
	/* Most injections change less; what is more goes to a scratch file. */
	OVERLAY_MEMORY = 16 << 20,
};

static bool is_cancelled(void *arg)
{
	const struct convert_options *engine = arg;

	return engine->progress && engine->progress(engine->progress_arg, 0, 1);
}

/* Edits the guest in the overlay. */
static int guest_edit(
	const struct inject_job *j, struct disk *overlay, struct inject_result *r, struct error *e)
{
	const struct guest_options o = { .write = true,
		.force_dirty = j->force_dirty,
		.journal = &r->journal,
		.known = j->known,
		.tmpdir = j->tmpdir,
		.cancelled = is_cancelled,
		.cancelled_arg = (void *)(uintptr_t)&j->convert.engine };
	const struct guest_changes changes = { .targets = j->targets,
		.drivers = &j->drivers,
		.allow_unsigned = j->allow_unsigned,
		.windows = windows_wishes_any(j->windows) ? j->windows : NULL,
		.seal = &j->seal,
		.edits = j->edits,
		.notes = &r->notes };
	struct guest_image *image = NULL;
	int rc = guest_image_open(overlay, &o, &image, e);

	if (!rc)
		rc = guest_image_apply(image, &changes, e);
	if (!rc)
		rc = guest_image_sync(image, e);
	guest_image_close(image);
	return rc ? error_prefix(e, "%s", j->convert.source) : 0;
}

/* Whether there is more to be done than to grow. */
static bool changes_asked(const struct inject_job *j)
{
	return j->targets->count || j->drivers.count || j->seal.count ||
		windows_wishes_any(j->windows) || (j->edits && j->edits->count);
}

/* The overlay is frozen afterwards. */
static int disk_edit(
	const struct inject_job *j, struct disk *overlay, struct inject_result *r, struct error *e)
{
	struct grown grown;
	int rc = j->grow ? disk_grow(overlay, &grown, &r->notes, e) : 0;

	if (rc)
		return error_prefix(e, "%s", j->convert.source);
	if (!j->grow || changes_asked(j))
		rc = guest_edit(j, overlay, r, e);
	return rc ? rc : overlay_freeze(overlay, e);
}

static int manifest_write(const struct inject_job *j, const char *path,
	const struct journal *journal, struct error *e)
{
	struct strings names = { 0 };
	json_t *json = NULL;
	struct buffer text = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < j->targets->count; i++)
		rc = strings_add(&names, j->targets->target[i].name, e);
	if (!rc)
		rc = manifest_json(journal, &names, &json, e);
	if (!rc)
		rc = json_text(json, &text, e);
	if (!rc) {
		rc = output_file(path, buffer_text(&text), text.len, &j->convert.output, e);
		if (rc)
			rc = error_prefix(e, "%s", path);
	}
	buffer_free(&text);
	json_decref(json);
	strings_free(&names);
	return rc;
}

/* The manifest goes first, so that no edited image is ever there without it. */
static int inject_commit(const struct inject_job *j, struct output *file,
	struct inject_result *result, struct error *e)
{
	struct buffer path = { 0 };
	int rc = j->manifest ? buffer_string(&path, j->manifest, e)
			     : buffer_format(&path, e, "%s.edits.json", j->convert.destination);

	if (!rc)
		rc = manifest_write(j, buffer_text(&path), &result->journal, e);
	if (!rc) {
		rc = destination_commit(&j->convert, file, result->convert.convert.file_size, e);
		if (rc)
			unlink(buffer_text(&path));
	}
	buffer_free(&path);
	return rc;
}

static int inject_write(const struct inject_job *j, struct source *source, struct disk *overlay,
	struct inject_result *result, struct error *e)
{
	struct output *file = NULL;
	int rc = source_finish(source, &j->convert, overlay, &result->convert, e);

	if (!rc)
		rc = destination_open(&j->convert, source, &file, e);
	if (!rc)
		rc = container_write(
			&j->convert, source->disk, source->watch, file, &result->convert, e);
	if (!rc)
		rc = inject_commit(j, file, result, e);
	output_close(file);
	return rc;
}

int job_inject(const struct inject_job *j, struct inject_result *result, struct error *e)
{
	struct disk *overlay = NULL;
	struct strings operations = { 0 };
	struct source source;
	int rc = guest_seal_select(&j->seal, &operations, e);

	*result = (struct inject_result){ 0 };
	strings_free(&operations);
	if (!rc && j->windows)
		rc = windows_wishes_check(j->windows, e);
	if (rc)
		return rc;
	rc = source_open(&source, &j->convert, e);
	if (!rc)
		rc = overlay_open(source.disk, j->tmpdir, OVERLAY_MEMORY, &overlay, e);
	if (!rc)
		rc = disk_edit(j, overlay, result, e);
	if (!rc) {
		result->scratch = overlay_used(overlay);
		if (!j->dry_run)
			rc = inject_write(j, &source, overlay, result, e);
	}
	disk_close(overlay);
	source_close(&source);
	return rc;
}

void inject_result_free(struct inject_result *r)
{
	journal_free(&r->journal);
	report_free(&r->notes);
	dropped_free(&r->convert.dropped);
}
