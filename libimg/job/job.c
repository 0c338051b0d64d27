/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/overlay.h"
#include "job/manifest.h"

enum {
	/* Most injections change less; what is more goes to a scratch file. */
	OVERLAY_MEMORY = 16 << 20,
};

/* A source image, and a second handle on its file that notices when somebody writes to it
 * meanwhile. */
struct source {
	struct disk *disk;
	struct disk *watch;
};

static void source_close(struct source *s)
{
	disk_close(s->disk);
	disk_close(s->watch);
}

static int source_open(struct source *s, const struct convert_job *j, struct error *e)
{
	int rc;

	*s = (struct source){ 0 };
	rc = host_file_open(j->source, &s->watch, e);
	if (rc)
		return error_prefix(e, "%s", j->source);
	return image_open(j->source, j->source_format, &s->disk, NULL, e);
}

/* Everything but the commit: the container is finished in an output without a name. */
static int container_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	struct output *file, struct convert_result *result, struct error *e)
{
	struct image_spec spec = {
		.size = disk->size,
		.logical_sector = disk->logical_sector,
		.options = &j->options,
	};
	struct writer *writer;
	int rc;

	if (!j->format->create)
		return error_set(e, ERR_UNSUPPORTED, "%s: %s is read, not written", j->destination,
			j->format->name);
	rc = j->format->create(&spec, file, &writer, e);
	if (rc)
		return error_prefix(e, "%s", j->destination);
	rc = convert(disk, writer, file, &j->engine, result, e);
	writer->ops->close(writer);
	if (rc)
		return error_prefix(e, "%s to %s", j->source, j->destination);
	rc = host_file_unchanged(watch, e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

static int destination_open(const struct convert_job *j, struct output **out, struct error *e)
{
	int rc = output_open(j->destination, &j->output, out, e);

	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

static int destination_commit(
	const struct convert_job *j, struct output *file, uint64_t size, struct error *e)
{
	int rc = output_commit(file, size, e);

	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

int job_convert(const struct convert_job *j, struct convert_result *result, struct error *e)
{
	struct output *file = NULL;
	struct source source;
	int rc = source_open(&source, j, e);

	if (!rc)
		rc = destination_open(j, &file, e);
	if (!rc)
		rc = container_write(j, source.disk, source.watch, file, result, e);
	if (!rc)
		rc = destination_commit(j, file, result->file_size, e);
	output_close(file);
	source_close(&source);
	return rc;
}

/* Edits the guest in the overlay, which is frozen afterwards. */
static int guest_edit(
	const struct inject_job *j, struct disk *overlay, struct journal *journal, struct error *e)
{
	struct guest_image *image = NULL;
	int rc = guest_image_open(overlay, true, journal, j->known, &image, e);

	if (!rc)
		rc = guest_image_apply(image, j->targets, e);
	if (!rc)
		rc = guest_image_sync(image, e);
	guest_image_close(image);
	if (rc)
		return error_prefix(e, "%s", j->convert.source);
	return overlay_freeze(overlay, e);
}

static int manifest_write(const struct inject_job *j, const char *path,
	const struct journal *journal, struct error *e)
{
	struct strings names = { 0 };
	json_t *json = NULL;
	char *text = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < j->targets->count; i++)
		rc = strings_add(&names, j->targets->target[i].name, e);
	if (!rc)
		rc = manifest_json(journal, &names, &json, e);
	if (!rc) {
		text = json_dumps(json, JSON_INDENT(1));
		rc = text ? output_file(path, text, strlen(text), &j->convert.output, e)
			  : error_nomem(e, "the manifest");
		if (rc)
			rc = error_prefix(e, "%s", path);
	}
	free(text);
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
		rc = destination_commit(&j->convert, file, result->convert.file_size, e);
		if (rc)
			unlink(buffer_text(&path));
	}
	buffer_free(&path);
	return rc;
}

static int inject_write(const struct inject_job *j, const struct source *source,
	struct disk *overlay, struct inject_result *result, struct error *e)
{
	struct output *file = NULL;
	int rc = destination_open(&j->convert, &file, e);

	if (!rc)
		rc = container_write(
			&j->convert, overlay, source->watch, file, &result->convert, e);
	if (!rc)
		rc = inject_commit(j, file, result, e);
	output_close(file);
	return rc;
}

int job_inject(const struct inject_job *j, struct inject_result *result, struct error *e)
{
	struct disk *overlay = NULL;
	struct source source;
	int rc;

	*result = (struct inject_result){ 0 };
	rc = source_open(&source, &j->convert, e);
	if (!rc)
		rc = overlay_open(source.disk, j->tmpdir, OVERLAY_MEMORY, &overlay, e);
	if (!rc)
		rc = guest_edit(j, overlay, &result->journal, e);
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
}
