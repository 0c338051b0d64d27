/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "disk/image.h"
#include "disk/second.h"
#include "job/pieces.h"

static int same_content(const struct convert_job *j, struct disk *disk, struct disk *back,
	const char *reader, struct error *e)
{
	uint64_t at;
	int rc = compare(disk, back, true, &j->engine, &at, e);

	if (rc || at == UINT64_MAX)
		return rc;
	return error_set(e, ERR_CORRUPT, "what %s reads back differs at %llu", reader,
		(unsigned long long)at);
}

/* libvhdi reads these two, and what is written here has neither a log nor a parent, which it would
 * get wrong. */
static bool has_second_reader(const struct format *f)
{
	return strcmp(f->name, "vhd") == 0 || strcmp(f->name, "vhdx") == 0;
}

int container_verify(const struct convert_job *j, struct disk *disk, const struct parent *parent,
	struct output *file, uint64_t size, struct error *e)
{
	struct buffer path = { 0 };
	struct disk *ours = NULL, *theirs = NULL;
	(void)parent;
	int rc = output_reopen_path(file, size, &path, e);

	if (!rc)
		rc = image_open(buffer_text(&path), j->format->name, &ours, NULL, e);
	if (!rc)
		rc = same_content(j, disk, ours, "hvimg", e);
	if (!rc && has_second_reader(j->format)) {
		rc = second_reader_open(buffer_text(&path), &theirs, e);
		if (!rc)
			rc = same_content(j, disk, theirs, "libvhdi", e);
	}
	disk_close(ours);
	disk_close(theirs);
	buffer_free(&path);
	return rc ? error_prefix(e, "%s: verification", j->destination) : 0;
}
