/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read: an image or a pipe, and the views of it that a job asks for. */
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/overlay.h"
#include "disk/resized.h"
#include "job/pieces.h"
#include "volume/resize.h"

void source_close(struct source *s)
{
	disk_close(s->masked);
	disk_close(s->edited);
	disk_close(s->resized);
	disk_close(s->image);
	disk_close(s->watch);
	spool_close(s->spool);
}

/* A partition table that fits the new size lies in an overlay: convert knows nothing of it. */
static int source_resize(struct source *s, struct disk *image, const struct convert_job *j,
	uint64_t size, struct error *e)
{
	enum { TABLES = 16 << 20 };
	int rc = 0;

	if (size % image->logical_sector)
		return error_set(e, ERR_USAGE, "size %llu is no multiple of the sector size %u",
			(unsigned long long)size, image->logical_sector);
	if (size < image->size)
		rc = volumes_fit(image, size, e);
	if (!rc)
		rc = resized_open(image, size, &s->resized, e);
	if (!rc)
		rc = overlay_open(s->resized, j->tmpdir, TABLES, &s->edited, e);
	if (!rc)
		rc = volumes_follow_size(s->edited, image->size, e);
	if (!rc)
		rc = overlay_freeze(s->edited, e);
	s->disk = s->edited;
	return rc;
}

static int wanted_size(
	const struct convert_job *j, const struct disk *image, uint64_t *size, struct error *e)
{
	int rc = 0;

	*size = image->size;
	if (j->size.bytes)
		rc = size_change_apply(&j->size, image->size, size, e);
	else if (j->fit_flavor)
		rc = flavor_size(j, image, size, e);
	if (!rc && j->size_unit)
		*size = j->fit_flavor ? *size / j->size_unit * j->size_unit
				      : round_up(*size, j->size_unit);
	return rc;
}

/* A pipe has no name by which the source could be opened twice: what came out of it has. */
static int pipe_open(struct source *s, const struct convert_job *j, struct error *e)
{
	int rc;

	if (j->snapshot)
		return error_set(e, ERR_USAGE, "-: what comes from a pipe has no snapshots");
	rc = spool_open(STDIN_FILENO, j->tmpdir, &j->engine, &s->spool, e);
	if (!rc)
		rc = host_file_open(spool_path(s->spool), &s->watch, e);
	if (!rc && !s->watch->size)
		rc = error_set(e, ERR_CORRUPT, "nothing came through the pipe");
	if (!rc)
		rc = image_open(spool_path(s->spool), "raw", &s->image, NULL, e);
	return rc ? error_prefix(e, "standard input") : 0;
}

static int image_source_open(struct source *s, const struct convert_job *j, struct error *e)
{
	struct open_options o = { .allow_dir = j->allow_parent, .snapshot = j->snapshot };
	const struct format *format;
	int rc = host_file_open(j->source, &s->watch, e);

	if (rc)
		return error_prefix(e, "%s", j->source);
	rc = image_open_with(j->source, j->source_format, &o, &s->image, &format, e);
	if (rc || !format->sums_check)
		return rc;
	rc = format->sums_check(s->image, &j->engine, e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

int source_open(struct source *s, const struct convert_job *j, struct error *e)
{
	uint64_t size;
	int rc;

	*s = (struct source){ 0 };
	rc = strcmp(j->source, "-") ? image_source_open(s, j, e) : pipe_open(s, j, e);
	s->disk = s->image;
	if (rc)
		return rc;
	rc = wanted_size(j, s->image, &size, e);
	if (!rc && size != s->image->size)
		rc = source_resize(s, s->image, j, size, e);
	return rc ? error_prefix(e, "%s", j->source) : 0;
}

int source_view(struct source *s, struct disk *disk, const struct convert_job *j, struct error *e)
{
	uint64_t size;
	int rc;

	*s = (struct source){ .disk = disk };
	rc = wanted_size(j, disk, &size, e);
	if (!rc && size != disk->size)
		rc = source_resize(s, disk, j, size, e);
	return rc;
}

int source_finish(struct source *s, const struct convert_job *j, struct disk *disk,
	struct convert_outcome *result, struct error *e)
{
	int rc;

	s->disk = disk;
	result->virtual_size = disk->size;
	if (!j->drop.free && !j->drop.paging)
		return 0;
	rc = free_space_mask(disk, &j->drop, &s->masked, &result->dropped, e);
	if (rc)
		return error_prefix(e, "%s", j->source);
	s->disk = s->masked;
	return 0;
}
