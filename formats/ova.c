/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk inside an OVA: a slice of the file, and in that the container that its content says. */
#include "formats/ova.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "disk/convert.h"
#include "disk/image.h"
#include "disk/slice.h"

enum { MAGIC_AT = 257 };

struct ova {
	struct disk disk;
	struct disk *file;
	struct ova_members members;
	struct disk *inner; /* owns the slice of the file that it is in */
	const struct format *format; /* of that */
};

static int ova_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	return disk_read(((struct ova *)d)->inner, off, buf, len, e);
}

static int ova_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	int rc = disk_extent(((struct ova *)d)->inner, off, out, e);

	/* Offsets are the member's, not the file's. */
	out->plain = false;
	return rc;
}

static void ova_free(struct ova *o)
{
	disk_close(o->inner);
	ova_members_free(&o->members);
	free(o);
}

static void ova_close(struct disk *d)
{
	struct ova *o = (struct ova *)d;
	struct disk *file = o->file;

	ova_free(o);
	disk_close(file);
}

static const struct disk_ops ova_ops = {
	.read = ova_read,
	.extent = ova_extent,
	.close = ova_close,
};

static bool is_descriptor(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcasecmp(dot, ".ovf");
}

/* Every tar with the magic is ours: one that is no OVA is told so by open. */
static enum probe_answer ova_probe(const struct probe *p)
{
	if (p->head_len < 512 || memcmp(p->head + MAGIC_AT, "ustar", 5) != 0)
		return PROBE_NO;
	return PROBE_YES;
}

static int inner_open(struct ova *o, const struct ova_member *m, struct error *e)
{
	/* What is in an archive refers to nothing outside. */
	const struct open_options inner = { 0 };
	struct disk *slice;
	int rc = slice_open(o->file, m->off, m->len, &slice, e);

	if (rc)
		return rc;
	rc = image_probe(slice, &o->format, e);
	if (!rc && o->format == &ova_format)
		rc = error_set(e, ERR_UNSUPPORTED, "is an archive, not a disk");
	if (!rc)
		rc = o->format->open(slice, &inner, &o->inner, e);
	if (rc)
		disk_close(slice);
	return rc ? error_prefix(e, "%s", m->name) : 0;
}

static int ova_load(struct ova *o, struct error *e)
{
	const struct ova_member *m;
	int rc = ova_members_read(o->file, &o->members, e);

	if (rc)
		return rc;
	if (!o->members.count || !is_descriptor(o->members.member[0].name))
		return error_set(e, ERR_UNSUPPORTED,
			"a tar, but no OVA: its first file is %.256s, not a descriptor (.ovf)",
			o->members.count ? o->members.member[0].name : "missing");
	rc = ova_disk_find(o->file, &o->members, &m, e);
	return rc ? rc : inner_open(o, m, e);
}

static int ova_open(
	struct disk *file, const struct open_options *options, struct disk **out, struct error *e)
{
	struct ova *o = calloc(1, sizeof(*o));
	int rc;

	(void)options;
	if (!o)
		return error_nomem(e, "an OVA");
	o->file = file;
	rc = ova_load(o, e);
	if (rc) {
		ova_free(o);
		return rc;
	}
	o->disk = (struct disk){
		.ops = &ova_ops,
		.size = o->inner->size,
		.logical_sector = o->inner->logical_sector,
		.physical_sector = o->inner->physical_sector,
	};
	*out = &o->disk;
	return 0;
}

static int ova_info(struct disk *d, struct image_info *out, struct error *e)
{
	struct ova *o = (struct ova *)d;

	return o->format->info(o->inner, out, e);
}

static int ova_sums_check(struct disk *d, const struct convert_options *options, struct error *e)
{
	struct ova *o = (struct ova *)d;

	return ova_manifest_check(o->file, &o->members, options, e);
}

static const char *const ova_endings[] = { "ova", NULL };

const struct format ova_format = {
	.name = "ova",
	.help = "the disk in an OVA (OVF in a tar), read only",
	.endings = ova_endings,
	.probe = ova_probe,
	.open = ova_open,
	.info = ova_info,
	.sums_check = ova_sums_check,
};
