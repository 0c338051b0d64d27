/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VHDX as a disk: its opening, with its log and its parent, and what is told of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/vhdx_reader.h"

static void vhdx_free(struct vhdx *v)
{
	vhdx_bat_close(v->bat);
	vhdx_log_close(v->log);
	chain_file_close(&v->parent);
	vhdx_image_free(&v->image);
	free(v);
}

static void vhdx_close(struct disk *d)
{
	struct vhdx *v = vhdx_of(d);

	disk_close(v->file);
	vhdx_free(v);
}

static const struct disk_ops vhdx_ops = {
	.read = vhdx_read,
	.extent = vhdx_extent,
	.close = vhdx_close,
};

/* Until the log is replayed not even the tables can be trusted (2.3.3). */
static void log_load(struct vhdx *v, struct disk *file)
{
	char guid[GUID_TEXT_SIZE];

	v->view = file;
	if (!v->image.log_dirty)
		return;
	if (!vhdx_log_replay(file, &v->image, &v->log, &v->refusal)) {
		v->view = vhdx_log_view(v->log);
		return;
	}
	guid_text(v->image.log_guid, guid);
	error_prefix(&v->refusal,
		"the image was not closed properly and its log %s cannot be replayed", guid);
}

struct guid vhdx_data_write(const struct disk *d)
{
	return ((const struct vhdx *)d)->image.data_write;
}

/* A parent that was written to since would give a mix of two disks (2.6.2.6.3). */
static int parent_check(const struct vhdx *v, struct error *e)
{
	char want[GUID_TEXT_SIZE], is[GUID_TEXT_SIZE];
	struct guid none = { { 0 } }, id = vhdx_data_write(v->parent.disk);

	if (v->disk.logical_sector != v->parent.disk->logical_sector)
		return error_set(e, ERR_CORRUPT, "%s has sectors of %u bytes, the image of %u",
			v->parent.path, v->parent.disk->logical_sector, v->disk.logical_sector);
	/* Zero is what a locator without the entry, and a header never written to, would share. */
	if (!guid_equal(id, none) &&
		(guid_equal(id, v->image.parent_id) || guid_equal(id, v->image.parent_id2)))
		return 0;
	guid_text(v->image.parent_id, want);
	guid_text(id, is);
	return error_set(e, ERR_REFUSED,
		"%s is not the parent, or has been written to: its data write id is %s, the image "
		"was made for %s",
		v->parent.path, is, want);
}

static void parent_open(struct vhdx *v, const struct open_options *o)
{
	const struct parent_names *names = &v->image.parents;

	if (!v->image.has_parent || v->refusal.code)
		return;
	if (!names->count || !chain_allowed(o))
		(void)parent_names_refuse(names, &v->refusal);
	else if (!parent_names_open(names, "vhdx", o, &v->parent, &v->refusal))
		(void)parent_check(v, &v->refusal);
}

static int image_load(struct vhdx *v, struct disk *file, struct error *e)
{
	int rc = vhdx_load_header(file, &v->image, e);

	if (rc)
		return rc;
	log_load(v, file);
	rc = error_of_host(&v->refusal, e);
	if (!rc)
		rc = vhdx_load_tables(v->view, &v->image, e);
	/* The tables may be wrong because the log could not be replayed. */
	if (rc && v->refusal.code && rc != -ERR_NOMEM && rc != -ERR_IO)
		return error_set(e, (enum error_code)v->refusal.code, "%s", v->refusal.text);
	return rc;
}

int vhdx_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vhdx *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VHDX");
	rc = image_load(v, file, e);
	if (!rc)
		rc = vhdx_bat_open(v->view, &v->image, &v->bat, e);
	if (rc) {
		vhdx_free(v);
		return rc;
	}
	v->file = file;
	v->disk = (struct disk){
		.ops = &vhdx_ops,
		.size = v->image.size,
		.logical_sector = v->image.logical_sector,
		.physical_sector = v->image.physical_sector,
	};
	parent_open(v, o);
	rc = error_of_host(&v->refusal, e);
	if (rc) {
		vhdx_free(v);
		return rc;
	}
	*out = &v->disk;
	return 0;
}

/* As vhdx_extent, a table that waits for its log is taken as it is. */
int vhdx_allocated(struct disk *d, uint64_t *out, struct error *e)
{
	struct vhdx *v = vhdx_of(d);
	bool waits = v->refusal.code && v->image.log_dirty && !v->log;

	return vhdx_count_allocated(v->view, &v->image, v->bat, waits, out, e);
}

int vhdx_info(struct disk *d, struct image_info *out, struct error *e)
{
	return vhdx_describe(&vhdx_of(d)->image, out, e);
}

static int option_add(struct strings *options, const char *key, uint64_t value, struct error *e)
{
	char text[64];

	snprintf(text, sizeof(text), "%s=%llu", key, (unsigned long long)value);
	return strings_add(options, text, e);
}

const struct buffer *vhdx_locator(const struct disk *d)
{
	return &((const struct vhdx *)d)->image.locator;
}

int vhdx_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e)
{
	const struct vhdx_image *m = &vhdx_of(d)->image;
	int rc;

	spec->size = m->size;
	spec->logical_sector = m->logical_sector;
	spec->identifier = m->disk_id;
	spec->has_identifier = true;
	spec->data_write = m->data_write;
	spec->has_data_write = true;
	if (m->has_parent)
		spec->like = d;
	rc = strings_add(options, m->fixed ? "subformat=fixed" : "subformat=dynamic", e);
	if (!rc)
		rc = option_add(options, "block_size", m->block_size, e);
	if (!rc)
		rc = option_add(options, "physical_sector_size", m->physical_sector, e);
	return rc || !m->log.length ? rc : option_add(options, "log_size", m->log.length, e);
}
