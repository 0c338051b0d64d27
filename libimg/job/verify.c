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

/*
 * Whether libvhdi reads what is written here, as far as is known.  It takes a VHDX's missing sector
 * bitmap (2.5.1.2) to be at the start of the file, and blocks of zeros for the parent's; and
 * how it reads a parent that has parents of its own nobody has looked at.
 */
static bool has_second_reader(const struct format *f, const struct parent *parent)
{
	bool vhd = strcmp(f->name, "vhd") == 0;

	if (!parent->spec.disk)
		return vhd || strcmp(f->name, "vhdx") == 0;
	return vhd && parent->chain.count == 1;
}

static int second_verify(const struct convert_job *j, struct disk *disk, const char *parent,
	const char *path, struct error *e)
{
	struct disk *theirs = NULL;
	int rc = second_reader_open_child(path, parent, &theirs, e);

	if (!rc)
		rc = same_content(j, disk, theirs, "libvhdi", e);
	disk_close(theirs);
	return rc;
}

/* The container has no name yet from which the way to its parent would lead. */
static int back_open(const struct convert_job *j, const struct parent *parent, const char *path,
	struct disk **out, struct error *e)
{
	struct open_options o = { .parent = parent->spec.path };

	if (parent->spec.disk)
		o.allow_dir = buffer_text(&parent->allow_dir);
	return image_open_with(path, j->format->name, &o, out, NULL, e);
}

int container_verify(const struct convert_job *j, struct disk *disk, const struct parent *parent,
	struct output *file, uint64_t size, struct error *e)
{
	struct buffer path = { 0 };
	struct disk *ours = NULL;
	int rc = output_reopen_path(file, size, &path, e);

	if (!rc)
		rc = back_open(j, parent, buffer_text(&path), &ours, e);
	if (!rc)
		rc = same_content(j, disk, ours, "hvimg", e);
	if (!rc && has_second_reader(j->format, parent))
		rc = second_verify(j, disk, parent->spec.path, buffer_text(&path), e);
	disk_close(ours);
	buffer_free(&path);
	return rc ? error_prefix(e, "%s: verification", j->destination) : 0;
}
