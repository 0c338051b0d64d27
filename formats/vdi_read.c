/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the blocks of a VDI are, and reading them. */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "formats/vdi.h"

enum {
	VDI_BATCH = 128, /* blocks looked up in one go */
	VDI_EXTENT_STEPS = 256, /* batches in one call of extent */
};

static const uint32_t vdi_none = UINT32_MAX; /* block not allocated */
static const uint32_t vdi_zero = UINT32_MAX - 1; /* block of zeros, not allocated */

/* Map entries from `first` on, at most VDI_BATCH and none of the next page. */
static int map_read(
	struct vdi *v, uint64_t first, le32 out[VDI_BATCH], size_t *count, struct error *e)
{
	uint64_t at = first * sizeof(le32), page = at / VDI_PAGE, end = v->blocks * sizeof(le32);
	size_t skip = (size_t)(at % VDI_PAGE);
	size_t len = (size_t)min_u64(min_u64(end - at, VDI_PAGE - skip), VDI_BATCH * sizeof(le32));
	uint8_t bytes[VDI_PAGE] = { 0 };

	*count = len / sizeof(le32);
	if (!block_cache_get(v->map, page, skip, out, len)) {
		uint64_t from = page * VDI_PAGE;
		int rc = disk_read(v->file, v->map_off + from, bytes,
			(size_t)min_u64(VDI_PAGE, end - from), e);

		if (rc)
			return error_prefix(e, "block map");
		block_cache_put(v->map, page, bytes);
		memcpy(out, bytes + skip, len);
	}
	return 0;
}

/* Blocks that follow each other in the guest and are alike. */
struct vdi_run {
	bool plain; /* or zeros */
	uint64_t off; /* file offset of a plain one */
	uint64_t count; /* blocks */
};

static uint64_t block_offset(const struct vdi *v, uint32_t entry)
{
	return v->data_off + (uint64_t)entry * v->block;
}

static bool has_place(uint32_t entry)
{
	return entry != vdi_none && entry != vdi_zero;
}

/* Whether all of the block that the guest has is inside the file. */
static bool block_fits(const struct vdi *v, uint64_t block, uint32_t entry)
{
	uint64_t used = min_u64(v->block, v->disk.size - block * v->block);

	return range_fits(block_offset(v, entry), used, v->file->size);
}

static int run_find(struct vdi *v, uint64_t block, struct vdi_run *out, struct error *e)
{
	le32 map[VDI_BATCH];
	uint32_t entry;
	size_t count = 0, n = 1;
	int rc = map_read(v, block, map, &count, e);

	if (rc)
		return rc;
	entry = get_le32(map[0]);
	if (has_place(entry) && !block_fits(v, block, entry))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu reaches past the end of the file at %llu",
			(unsigned long long)block, (unsigned long long)block_offset(v, entry),
			(unsigned long long)v->file->size);
	/* A bad entry further on ends the run here and is told when it is reached. */
	for (; n < count; n++) {
		uint32_t next = get_le32(map[n]);

		if (has_place(entry) ? next != entry + n || !has_place(next) ||
					!block_fits(v, block + n, next)
				     : has_place(next))
			break;
	}
	*out = (struct vdi_run){ has_place(entry), block_offset(v, entry), n };
	return 0;
}

static int read_refused(const struct vdi *v, struct error *e)
{
	char id[GUID_TEXT_SIZE];

	guid_text(v->parent, id);
	return error_set(e, ERR_REFUSED,
		"the image is of type %s: it holds only what differs from its parent %s",
		vdi_types[v->type], id);
}

int vdi_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vdi *v = (struct vdi *)d;
	uint8_t *out = buf;
	struct vdi_run run;

	if (v->type > VDI_STATIC)
		return read_refused(v, e);
	while (len) {
		uint64_t within = off % v->block;
		int rc = run_find(v, off / v->block, &run, e);
		size_t now;

		if (rc)
			return rc;
		now = (size_t)min_u64(len, run.count * v->block - within);
		if (run.plain)
			rc = disk_read(v->file, run.off + within, out, now, e);
		else
			memset(out, 0, now);
		if (rc)
			return rc;
		out += now;
		off += now;
		len -= now;
	}
	return 0;
}

int vdi_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct vdi *v = (struct vdi *)d;
	uint64_t block = off / v->block, within = off % v->block;
	struct vdi_run run, next;
	int rc = run_find(v, block, &run, e);

	if (rc)
		return rc;
	for (unsigned i = 0; i < VDI_EXTENT_STEPS && block + run.count < v->blocks; i++) {
		if (run_find(v, block + run.count, &next, NULL) || next.plain != run.plain ||
			(run.plain && next.off != run.off + run.count * v->block))
			break;
		run.count += next.count;
	}
	*out = (struct extent){
		.length = run.count * v->block - within,
		.stored = run.plain,
		.plain = run.plain,
		.offset = run.plain ? run.off + within : 0,
		/* What a differencing image does not have is in its parent. */
		.zero = !run.plain && v->type <= VDI_STATIC,
	};
	return 0;
}
