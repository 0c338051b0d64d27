/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads an image's content twice and compares, one time by an implementation that is not ours. */
#include <inttypes.h>
#include <string.h>

#include "disk/image.h"
#include "disk/second.h"
#include "job/checking.h"

static const struct fault differs = { "cross-differs", SEVERITY_ERROR, NULL };
static const struct fault unreadable = { "content-unreadable", SEVERITY_ERROR, NULL };
static const struct fault theirs_fails = { "cross-unreadable", SEVERITY_WARNING, NULL };
static const struct fault impossible = { "cross-not-possible", SEVERITY_INFO, NULL };

/* Why libvhdi would not read what the image says; NULL when it does. */
static const char *limit_of(const struct format *f, const struct image_info *info)
{
	if (strcmp(f->name, "vhd") != 0 && strcmp(f->name, "vhdx") != 0)
		return "libvhdi reads VHD and VHDX only";
	if (info->log_dirty)
		return "libvhdi does not replay logs, and reads what was before";
	/* After a set bit it takes the rest of that byte of the bitmap for set. */
	if (info->parent_path || (info->subformat && !strcmp(info->subformat, "differencing")))
		return "libvhdi misreads sector bitmaps of differencing images";
	return NULL;
}

static int ours_open(const struct check_job *j, const struct check_outcome *r, struct disk **out,
	struct error *e)
{
	const struct open_options o = { .allow_dir = j->allow_parent };

	return image_open_with(j->image, r->format->name, &o, out, NULL, e);
}

/* libvhdi's view, or where that can't be had another one of ours. */
static int second_open(const struct check_job *j, struct check_outcome *r, const char *limit,
	struct disk **out, const char **reader, struct error *e)
{
	struct error why = { 0 };
	int rc = 0;

	*reader = "libvhdi";
	if (!limit && !second_reader_open(j->image, out, &why))
		return 0;
	*reader = "a second read";
	if (limit)
		rc = check_find(&r->check, &impossible, CHECK_NOWHERE, e,
			"%s: the content is compared with a second read by hvimg", limit);
	else
		rc = check_find(&r->check, &theirs_fails, CHECK_NOWHERE, e,
			"%s: the content is compared with a second read by hvimg", why.text);
	return rc ? rc : ours_open(j, r, out, e);
}

/*
 * In a byte of a VHD's sector bitmap libvhdi takes what follows a set bit for set, and so reads
 * what was left in sectors that are marked as absent.
 */
static bool is_absent_sector(const struct format *f, struct disk *ours, uint64_t at)
{
	struct extent x;

	return !strcmp(f->name, "vhd") && !disk_extent(ours, at, &x, NULL) && x.stored && !x.plain;
}

static int difference_tell(struct check_outcome *r, struct disk *ours, uint64_t at,
	const char *reader, struct error *e)
{
	if (is_absent_sector(r->format, ours, at))
		return check_find(&r->check, &impossible, at, e,
			"the guest's bytes at %" PRIu64
			" are in a sector that the image marks as absent and libvhdi reads all the "
			"same: what follows is not compared",
			at);
	return check_lost(&r->check, &differs, at, e,
		"the guest's bytes at %" PRIu64 " are not the same for hvimg and %s", at, reader);
}

static int content_compare(const struct check_job *j, struct check_outcome *r, struct disk *ours,
	const char *limit, struct error *e)
{
	struct disk *second = NULL;
	uint64_t at = UINT64_MAX;
	const char *reader;
	int rc = second_open(j, r, limit, &second, &reader, e);

	if (!rc)
		rc = compare(ours, second, true, &j->engine, &at, e);
	disk_close(second);
	if (rc || at == UINT64_MAX)
		return rc;
	return difference_tell(r, ours, at, reader, e);
}

static int image_cross(
	const struct check_job *j, struct check_outcome *r, struct disk *ours, struct error *e)
{
	struct image_info info = { 0 };
	int rc = r->format->info ? r->format->info(ours, &info, e) : 0;

	if (!rc && info.parent_path && !j->allow_parent)
		rc = check_find(&r->check, &impossible, CHECK_NOWHERE, e,
			"the content is not read: the image is differencing, and its parent %.512s "
			"is looked at with --allow-parent only",
			info.parent_path);
	else if (!rc)
		rc = content_compare(j, r, ours, limit_of(r->format, &info), e);
	image_info_free(&info);
	return rc;
}

int content_cross(const struct check_job *j, struct check_outcome *r, struct error *e)
{
	struct error why = { 0 };
	struct disk *ours = NULL;
	int rc = ours_open(j, r, &ours, &why);

	if (!rc)
		rc = image_cross(j, r, ours, &why);
	disk_close(ours);
	if (!rc)
		return 0;
	if (error_tells_of_image(rc))
		return check_lost(&r->check, &unreadable, CHECK_NOWHERE, e,
			"the content cannot be read: %s", why.text);
	return error_set(e, (enum error_code) - rc, "%s", why.text);
}
