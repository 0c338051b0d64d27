/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/checked.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/overlay.h"
#include "disk/resized.h"
#include "job/pieces.h"
#include "volume/resize.h"

void source_close(struct source *s)
{
	disk_close(s->edited);
	disk_close(s->resized);
	disk_close(s->image);
	disk_close(s->watch);
}

/* A partition table that fits the new size lies in an overlay: convert knows nothing of it. */
static int source_resize(
	struct source *s, const struct convert_job *j, uint64_t size, struct error *e)
{
	enum { TABLES = 16 << 20 };
	int rc = 0;

	if (size % s->image->logical_sector)
		return error_set(e, ERR_USAGE, "size %llu is no multiple of the sector size %u",
			(unsigned long long)size, s->image->logical_sector);
	if (size < s->image->size)
		rc = volumes_fit(s->image, size, e);
	if (!rc)
		rc = resized_open(s->image, size, &s->resized, e);
	if (!rc)
		rc = overlay_open(s->resized, j->tmpdir, TABLES, &s->edited, e);
	if (!rc)
		rc = volumes_follow_size(s->edited, s->image->size, e);
	if (!rc)
		rc = overlay_freeze(s->edited, e);
	s->disk = s->edited;
	return rc;
}

static uint64_t wanted_size(const struct convert_job *j, uint64_t size)
{
	size = j->size ? j->size : size;
	return j->size_unit ? round_up(size, j->size_unit) : size;
}

int source_open(struct source *s, const struct convert_job *j, struct error *e)
{
	struct open_options o = { .allow_dir = j->allow_parent, .snapshot = j->snapshot };
	int rc;

	*s = (struct source){ 0 };
	rc = host_file_open(j->source, &s->watch, e);
	if (rc)
		return error_prefix(e, "%s", j->source);
	rc = image_open_with(j->source, j->source_format, &o, &s->image, NULL, e);
	s->disk = s->image;
	if (rc || wanted_size(j, s->image->size) == s->image->size)
		return rc;
	rc = source_resize(s, j, wanted_size(j, s->image->size), e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

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

int writer_open(const struct convert_job *j, const struct disk *disk, struct output *file,
	struct writer **out, struct error *e)
{
	struct image_spec spec = {
		.size = disk->size,
		.logical_sector = disk->logical_sector,
		.options = &j->options,
		.compress = j->compress,
	};
	int rc;

	if (!j->format->create)
		return error_set(e, ERR_UNSUPPORTED, "%s: %s is read, not written", j->destination,
			j->format->name);
	rc = j->format->create(&spec, file, out, e);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

int container_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	struct output *file, struct convert_outcome *result, struct error *e)
{
	struct writer *writer;
	int rc = writer_open(j, disk, file, &writer, e);

	if (rc)
		return rc;
	rc = convert(disk, writer, file, &j->engine, &result->convert, e);
	writer->ops->close(writer);
	if (!rc)
		rc = digests_take(j, disk, file, result, e);
	if (rc)
		return error_prefix(e, "%s to %s", j->source, j->destination);
	if (j->verify) {
		rc = container_verify(j, disk, file, result->convert.file_size, e);
		if (rc)
			return rc;
	}
	rc = host_file_unchanged(watch, e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

int destination_open(const struct convert_job *j, struct output **out, struct error *e)
{
	int rc = output_open(j->destination, &j->output, out, e);

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
		rc = destination_open(j, &file, e);
	if (!rc)
		rc = container_write(j, source.disk, source.watch, file, result, e);
	if (!rc)
		rc = destination_commit(j, file, result->convert.file_size, e);
	output_close(file);
	source_close(&source);
	return rc;
}
