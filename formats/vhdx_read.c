/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of a VHDX as a disk. */
#include "formats/vhdx_reader.h"

#include <string.h>

#include "base/checked.h"

enum {
	EXTENT_BLOCKS = 4096, /* looked at in one call of extent */
	EXTENT_ABSENT = 1 << 22, /* the same, of those that are not stored */
};

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

int vhdx_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
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

int vhdx_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
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
