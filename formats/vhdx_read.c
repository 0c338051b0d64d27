/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of a VHDX as a disk. */
#include "formats/vhdx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/chain.h"
#include "formats/vhdx_log.h"

enum {
	EXTENT_BLOCKS = 4096, /* looked at in one call of extent */
	EXTENT_ABSENT = 1 << 22, /* the same, of those that are not stored */
};

struct vhdx {
	struct disk disk;
	struct disk *file; /* owned */
	struct vhdx_log *log; /* replayed; NULL when there was nothing to replay */
	struct chain_file parent; /* of a differencing image that may be read */
	struct disk *view; /* the file with its log replayed */
	struct vhdx_image image;
	/*
	 * Why reading fails although the tables are sound; code 0 when it does not.  Opening
	 * succeeds, so that such an image can be described.
	 */
	struct error refusal;
	struct vhdx_bat *bat;
};

static struct vhdx *vhdx_of(struct disk *d)
{
	return (struct vhdx *)d;
}

static int refuse(const struct vhdx *v, struct error *e)
{
	return error_set(e, (enum error_code)v->refusal.code, "%s", v->refusal.text);
}

/* Sectors of the file and of the parent in turn. */
static int partial_read(struct vhdx *v, uint64_t off, const struct vhdx_place *place, uint8_t *out,
	size_t len, struct error *e)
{
	uint64_t block = off / v->image.block_size;
	uint64_t within = off % v->image.block_size, run = 0;
	bool present = false;

	for (size_t done = 0; done < len; done += (size_t)run) {
		int rc = vhdx_bat_run(v->bat, block, within + done, len - done, &present, &run, e);

		if (!rc && present)
			rc = disk_read(
				v->view, place->offset + within + done, out + done, (size_t)run, e);
		else if (!rc)
			rc = chain_read(&v->parent, off + done, out + done, (size_t)run, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* Inside one block. */
static int block_read(struct vhdx *v, uint64_t off, uint8_t *out, size_t len, struct error *e)
{
	struct vhdx_place place;
	int rc = vhdx_bat_find(v->bat, off / v->image.block_size, &place, e);

	if (rc)
		return rc;
	if (place.parent)
		return chain_read(&v->parent, off, out, len, e);
	if (place.partial)
		return partial_read(v, off, &place, out, len, e);
	if (!place.zero)
		return disk_read(v->view, place.offset + off % v->image.block_size, out, len, e);
	memset(out, 0, len);
	return 0;
}

static int vhdx_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vhdx *v = vhdx_of(d);
	uint32_t block_size = v->image.block_size;
	uint8_t *out = buf;

	if (v->refusal.code)
		return refuse(v, e);
	while (len) {
		size_t now = (size_t)min_u64(len, block_size - off % block_size);
		int rc = block_read(v, off, out, now, e);

		if (rc)
			return rc;
		out += now;
		off += now;
		len -= now;
	}
	return 0;
}

static bool is_stored(const struct vhdx_place *p)
{
	return !p->zero && !p->parent;
}

/* Bytes from the start of `block` on that are alike. */
static uint64_t alike_length(struct vhdx *v, uint64_t block, const struct vhdx_place *first)
{
	uint64_t size = v->image.block_size, len = size;
	uint64_t left = vhdx_block_count(v->disk.size, v->image.block_size) - block;
	uint64_t last = block + min_u64(left, EXTENT_BLOCKS);
	struct vhdx_place next;

	if (!is_stored(first))
		return size *
			max_u64(1,
				vhdx_bat_absent(v->bat, block, min_u64(left, EXTENT_ABSENT),
					first->parent));
	/* A bad entry further on ends the extent here and is told when it is reached. */
	while (!first->partial && ++block < last && !vhdx_bat_find(v->bat, block, &next, NULL) &&
		is_stored(&next) && !next.partial && next.offset == first->offset + len)
		len += size;
	return len;
}

static int content_extent(struct vhdx *v, uint64_t off, struct extent *out, struct error *e)
{
	uint32_t block_size = v->image.block_size;
	uint64_t block = off / block_size, within = off % block_size;
	struct vhdx_place first;
	bool present = true;
	uint64_t len;
	int rc = vhdx_bat_find(v->bat, block, &first, e);

	if (rc)
		return rc;
	len = alike_length(v, block, &first) - within;
	if (first.partial) {
		rc = vhdx_bat_run(v->bat, block, within, len, &present, &len, e);
		if (rc)
			return rc;
	}
	if (!present || first.parent)
		return chain_extent(&v->parent, off, len, out, e);
	*out = (struct extent){
		.length = len,
		.zero = first.zero,
		.stored = !first.zero,
		/* What the log changed is not in the file yet. */
		.plain = !first.zero && !v->log,
		.offset = first.zero || v->log ? 0 : first.offset + within,
	};
	return 0;
}

static int vhdx_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct vhdx *v = vhdx_of(d);
	int rc = content_extent(v, off, out, e);

	if (!v->refusal.code)
		return rc;
	/* An image that must not be read still tells how much it stores, as far as a table that
	 * waits for the log can tell, but nothing about the content. */
	if (rc && v->image.log_dirty && !v->log)
		*out = (struct extent){ .length = v->image.block_size - off % v->image.block_size,
			.stored = true };
	else if (rc)
		return rc;
	out->zero = false;
	out->plain = false;
	out->offset = 0;
	return 0;
}

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
	struct reference r = { v->image.parent_path, "vhdx", .windows = true };

	if (!v->image.has_parent || v->refusal.code)
		return;
	if (!r.path || !chain_allowed(o))
		(void)error_set(&v->refusal, ERR_REFUSED,
			"the image is differencing: it holds only what differs from its parent "
			"%.512s; --allow-parent permits files in the image's folder, "
			"--allow-parent=DIR those in DIR",
			r.path ? r.path : "(which it does not name)");
	else if (!chain_open(o, &r, &v->parent, &v->refusal))
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

int vhdx_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e)
{
	const struct vhdx_image *m = &vhdx_of(d)->image;
	int rc;

	if (m->has_parent)
		return error_set(e, ERR_UNSUPPORTED, "the image is differencing");
	spec->size = m->size;
	spec->logical_sector = m->logical_sector;
	spec->identifier = m->disk_id;
	spec->has_identifier = true;
	spec->data_write = m->data_write;
	spec->has_data_write = true;
	rc = strings_add(options, m->fixed ? "subformat=fixed" : "subformat=dynamic", e);
	if (!rc)
		rc = option_add(options, "block_size", m->block_size, e);
	if (!rc)
		rc = option_add(options, "physical_sector_size", m->physical_sector, e);
	return rc || !m->log.length ? rc : option_add(options, "log_size", m->log.length, e);
}
