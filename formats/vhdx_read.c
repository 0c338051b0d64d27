/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of a VHDX as a disk. */
#include "formats/vhdx.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { EXTENT_BLOCKS = 4096 }; /* looked at in one call of extent */

struct vhdx {
	struct disk disk;
	struct disk *file; /* owned */
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

static int vhdx_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vhdx *v = vhdx_of(d);
	uint32_t block_size = v->image.block_size;
	uint8_t *out = buf;

	if (v->refusal.code)
		return refuse(v, e);
	while (len) {
		uint64_t within = off % block_size;
		size_t now = (size_t)min_u64(len, block_size - within);
		struct vhdx_place place;
		int rc = vhdx_bat_find(v->bat, off / block_size, &place, e);

		if (!rc && place.zero)
			memset(out, 0, now);
		else if (!rc)
			rc = disk_read(v->file, place.offset + within, out, now, e);
		if (rc)
			return rc;
		out += now;
		off += now;
		len -= now;
	}
	return 0;
}

/* Whether `next` carries on where `place` ends after `len` bytes. */
static bool place_continues(struct vhdx_place place, uint64_t len, struct vhdx_place next)
{
	if (place.zero || next.zero)
		return place.zero && next.zero;
	return next.offset == place.offset + len;
}

static int content_extent(struct vhdx *v, uint64_t off, struct extent *out, struct error *e)
{
	uint32_t block_size = v->image.block_size;
	uint64_t block = off / block_size, within = off % block_size;
	uint64_t end = vhdx_block_count(v->disk.size, block_size);
	uint64_t last = min_u64(end, block + EXTENT_BLOCKS);
	struct vhdx_place first, next;
	uint64_t len = block_size;
	int rc = vhdx_bat_find(v->bat, block, &first, e);

	if (rc)
		return rc;
	/* A bad entry further on ends the extent here and is told when it is reached. */
	while (++block < last && !vhdx_bat_find(v->bat, block, &next, NULL) &&
		place_continues(first, len, next))
		len += block_size;
	*out = (struct extent){
		.length = len - within,
		.zero = first.zero,
		.stored = !first.zero,
		.plain = !first.zero,
		.offset = first.zero ? 0 : first.offset + within,
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
	if (rc && v->image.log_dirty)
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
static int log_refuse(const struct vhdx_image *image, struct error *e)
{
	char guid[GUID_TEXT_SIZE];

	guid_text(image->log_guid, guid);
	return error_set(e, ERR_UNSUPPORTED,
		"the image was not closed properly: it has a log that must be replayed before it "
		"can be read (log %s)",
		guid);
}

static void refusal_find(struct vhdx *v)
{
	const char *parent = v->image.parent_path;

	if (v->image.log_dirty)
		(void)log_refuse(&v->image, &v->refusal);
	else if (v->image.has_parent)
		(void)error_set(&v->refusal, ERR_REFUSED,
			"the image is differencing: it holds only what differs from its parent %s",
			parent ? parent : "(which it does not name)");
}

static int image_load(struct vhdx *v, struct disk *file, struct error *e)
{
	int rc = vhdx_load_header(file, &v->image, e);

	if (rc)
		return rc;
	rc = vhdx_load_tables(file, &v->image, e);
	if (rc && v->image.log_dirty && rc != -ERR_NOMEM && rc != -ERR_IO)
		return log_refuse(&v->image, e);
	refusal_find(v);
	return rc;
}

int vhdx_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vhdx *v = calloc(1, sizeof(*v));
	int rc;

	(void)o;
	if (!v)
		return error_nomem(e, "a VHDX");
	rc = image_load(v, file, e);
	if (!rc)
		rc = vhdx_bat_open(file, &v->image, &v->bat, e);
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
	*out = &v->disk;
	return 0;
}

int vhdx_info(struct disk *d, struct image_info *out, struct error *e)
{
	return vhdx_describe(&vhdx_of(d)->image, out, e);
}
