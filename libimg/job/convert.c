/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "disk/host_file.h"
#include "job/pieces.h"

/* The file is read back while it is cached: measured, that costs less than a second pass over the
 * source. */
static int digests_take(const struct convert_job *j, struct disk *disk, struct output *file,
	struct convert_outcome *result, struct error *e)
{
	int rc = 0;

	if (j->hash.count)
		rc = output_hash(
			file, result->convert.file_size, &j->hash, &j->engine, &result->hash, e);
	if (!rc && j->guest_hash.count)
		rc = disk_hash(disk, &j->guest_hash, &j->engine, &result->guest_hash, e);
	return rc;
}

int writer_open(const struct convert_job *j, const struct disk *disk,
	const struct parent_spec *parent, struct output *file, struct writer **out, struct error *e)
{
	struct image_spec spec = {
		.size = disk->size,
		.logical_sector = disk->logical_sector,
		.options = &j->options,
		.compress = j->compress,
		.identifier = j->identifier,
		.has_identifier = j->has_identifier,
		.parent = parent,
	};
	int rc;

	if (!j->format->create)
		return error_set(e, ERR_UNSUPPORTED, "%s: %s is read, not written", j->destination,
			j->format->name);
	rc = j->format->create(&spec, file, out, e);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

/* Without a look at the content identifiers cannot follow from it. */
static int stand_in(const struct convert_job *j, uint8_t out[FAST_DIGEST_SIZE], struct error *e)
{
	struct guid id = j->identifier;
	int rc = j->has_identifier ? 0 : guid_random(&id, e);

	memcpy(out, id.b, FAST_DIGEST_SIZE);
	return rc;
}

/* How the engine is to go about it. */
static int engine_plan(const struct convert_job *j, struct disk *watch, const struct parent *parent,
	struct convert_options *out, struct error *e)
{
	*out = j->engine;
	out->parent = parent->spec.disk;
	out->origin = j->reflink == REFLINK_NEVER ? NULL : watch;
	out->must_share = j->reflink == REFLINK_ALWAYS;
	out->trust = j->no_scan;
	return j->no_scan ? stand_in(j, out->stand_in, e) : 0;
}

static int content_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	const struct parent *parent, struct output *file, struct convert_outcome *result,
	struct error *e)
{
	struct convert_options engine;
	struct writer *writer;
	int rc = engine_plan(j, watch, parent, &engine, e);

	if (!rc)
		rc = writer_open(j, disk, parent_spec_of(parent), file, &writer, e);
	if (rc)
		return rc;
	rc = convert(disk, writer, file, &engine, &result->convert, e);
	writer->ops->close(writer);
	if (!rc && j->no_holes)
		rc = output_fill_holes(file, result->convert.file_size, e);
	if (!rc)
		rc = digests_take(j, disk, file, result, e);
	if (rc)
		return error_prefix(e, "%s to %s", j->source, j->destination);
	return j->verify ? container_verify(j, disk, parent, file, result->convert.file_size, e)
			 : 0;
}

int container_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	struct output *file, struct convert_outcome *result, struct error *e)
{
	struct parent parent;
	int rc = parent_open(&j->parent, j->allow_parent, j->destination, j->format, &parent, e);

	if (!rc)
		rc = parent_check_readable(&parent, e);
	if (!rc)
		rc = content_write(j, disk, watch, &parent, file, result, e);
	if (!rc)
		rc = parent_unchanged(&parent, e);
	parent_close(&parent);
	if (rc)
		return rc;
	rc = host_file_unchanged(watch, e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

int destination_open(const struct convert_job *j, const struct source *source, struct output **out,
	struct error *e)
{
	bool same;
	int rc = host_file_is(source->watch, j->destination, &same, e);

	if (!rc && same && j->output.force)
		rc = error_set(e, ERR_USAGE,
			"is the source, which is never written: name another destination");
	if (!rc)
		rc = output_open(j->destination, &j->output, out, e);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

int destination_commit(
	const struct convert_job *j, struct output *file, uint64_t size, struct error *e)
{
	int rc = output_commit(file, size, e);

	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

int job_convert(const struct convert_job *j, struct convert_outcome *result, struct error *e)
{
	struct output *file = NULL;
	struct source source;
	int rc = source_open(&source, j, e);

	if (!rc)
		rc = source_finish(&source, j, source.disk, result, e);
	if (!rc)
		rc = destination_open(j, &source, &file, e);
	if (!rc)
		rc = container_write(j, source.disk, source.watch, file, result, e);
	if (!rc)
		rc = destination_commit(j, file, result->convert.file_size, e);
	output_close(file);
	source_close(&source);
	return rc;
}
