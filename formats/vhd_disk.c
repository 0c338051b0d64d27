/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VHD as a disk: its opening, with its parent, and what is told of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/vhd_reader.h"

enum { CACHE = 512 << 10 /* bytes of the BAT, and as many of bitmaps */ };

static void vhd_free(struct vhd *v)
{
	block_cache_close(v->table);
	block_cache_close(v->bitmaps);
	chain_file_close(&v->parent);
	vhd_image_free(&v->image);
	free(v);
}

static void vhd_close(struct disk *d)
{
	disk_close(vhd_of(d)->file);
	vhd_free(vhd_of(d));
}

static const struct disk_ops vhd_ops = {
	.read = vhd_read,
	.extent = vhd_extent,
	.close = vhd_close,
};

struct guid vhd_unique_id(const struct disk *d)
{
	return ((const struct vhd *)d)->image.id;
}

/* A parent that is not the one the image was made from would give a mix of two disks. */
static int parent_check(const struct vhd *v, struct error *e)
{
	char want[GUID_TEXT_SIZE], is[GUID_TEXT_SIZE];
	struct guid id = vhd_unique_id(v->parent.disk);

	if (guid_equal(id, v->image.parent_id))
		return 0;
	guid_text(v->image.parent_id, want);
	guid_text(id, is);
	return error_set(e, ERR_REFUSED,
		"%s is not the parent: its unique id is %s, the image was made for %s",
		v->parent.path, is, want);
}

static void parent_open(struct vhd *v, const struct open_options *o)
{
	const struct parent_names *names = &v->image.parents;

	if (v->image.type != VHD_DIFFERENCING)
		return;
	if (!names->count || !chain_allowed(o))
		(void)parent_names_refuse(names, &v->refusal);
	else if (!parent_names_open(names, "vhd", o, &v->parent, &v->refusal))
		(void)parent_check(v, &v->refusal);
}

int vhd_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vhd *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VHD");
	rc = vhd_load(file, &v->image, e);
	if (!rc)
		rc = block_cache_open(VHD_TABLE_PAGE, CACHE, &v->table, e);
	if (!rc)
		rc = block_cache_open(VHD_SECTOR, CACHE, &v->bitmaps, e);
	if (rc) {
		vhd_free(v);
		return rc;
	}
	v->file = file;
	v->disk = (struct disk){
		.ops = &vhd_ops,
		.size = v->image.size,
		.logical_sector = VHD_SECTOR,
	};
	parent_open(v, o);
	rc = error_of_host(&v->refusal, e);
	if (rc) {
		vhd_free(v);
		return rc;
	}
	*out = &v->disk;
	return 0;
}

static int text_copy(const char *text, char **out, struct error *e)
{
	*out = strdup(text);
	return *out ? 0 : error_nomem(e, "a text");
}

int vhd_info(struct disk *d, struct image_info *out, struct error *e)
{
	const struct vhd_image *m = &vhd_of(d)->image;
	char id[sizeof("unique=") + GUID_TEXT_SIZE] = "unique=";
	int rc;

	out->subformat = vhd_type_names[m->type];
	out->block_size = m->block_size;
	guid_text(m->id, id + strlen(id));
	rc = strings_add(&out->identifiers, id, e);
	if (!rc && m->creator[0])
		rc = text_copy(m->creator, &out->creator, e);
	if (!rc)
		rc = parent_names_describe(&m->parents, out, e);
	if (!rc && m->type == VHD_DIFFERENCING) {
		guid_text(m->parent_id, id);
		rc = text_copy(id, &out->parent_identifier, e);
	}
	return rc;
}

int vhd_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e)
{
	const struct vhd_image *m = &vhd_of(d)->image;
	char option[48];

	spec->size = m->size;
	spec->logical_sector = VHD_SECTOR;
	spec->identifier = m->id;
	spec->has_identifier = true;
	if (m->type == VHD_FIXED)
		return strings_add(options, "subformat=fixed", e);
	if (m->type == VHD_DIFFERENCING)
		spec->like = d;
	snprintf(option, sizeof(option), "block_size=%u",
		vhd_block_size_written(m->block_size) ? m->block_size : VHD_LARGE_BLOCK);
	return strings_add(options, option, e);
}
