/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of a VHDX as a disk.  The BAT of a 60 TiB disk has 492 MiB, so it is read in pages,
 * of which a fixed number is kept. */
#include "formats/vhdx.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum {
	PAGE_ENTRIES = 1024,
	PAGE_COUNT = 128, /* 1 MiB of entries in all */
	EXTENT_BLOCKS = 4096, /* looked at in one call of extent */
};

struct bat_page {
	uint64_t number; /* which part of the BAT; UINT64_MAX: none yet */
	le64 entry[PAGE_ENTRIES];
};

struct vhdx {
	struct disk disk;
	struct disk *file; /* owned */
	struct vhdx_image image;
	/*
	 * Why reading fails although the tables are sound; code 0 when it does not.  Opening
	 * succeeds, so that such an image can be described.
	 */
	struct error refusal;
	pthread_mutex_t lock; /* for `page` */
	struct bat_page *page; /* PAGE_COUNT of them; part N of the BAT goes to N % PAGE_COUNT */
};

/* Where a block's bytes are. */
struct place {
	bool zero;
	uint64_t offset; /* in the file, when not zero */
};

static struct vhdx *vhdx_of(struct disk *d)
{
	return (struct vhdx *)d;
}

static int page_read(struct vhdx *v, struct bat_page *p, uint64_t number, struct error *e)
{
	uint64_t off = number * sizeof(p->entry);
	size_t len = (size_t)min_u64(sizeof(p->entry), v->image.bat.length - off);
	int rc;

	p->number = UINT64_MAX;
	rc = disk_read(v->file, v->image.bat.offset + off, p->entry, len, e);
	if (rc)
		return error_prefix(
			e, "BAT at %llu", (unsigned long long)(v->image.bat.offset + off));
	p->number = number;
	return 0;
}

static int entry_read(struct vhdx *v, uint64_t block, uint64_t *out, struct error *e)
{
	uint64_t index = vhdx_bat_index(block, v->image.chunk_ratio);
	struct bat_page *p = &v->page[index / PAGE_ENTRIES % PAGE_COUNT];
	int rc = 0;

	pthread_mutex_lock(&v->lock);
	if (p->number != index / PAGE_ENTRIES)
		rc = page_read(v, p, index / PAGE_ENTRIES, e);
	*out = rc ? 0 : get_le64(p->entry[index % PAGE_ENTRIES]);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

static bool block_overlaps(struct vhdx_range block, struct vhdx_range other)
{
	return other.length && block.offset < other.offset + other.length &&
		other.offset < block.offset + block.length;
}

/* Whether a block's bytes can be where its entry says: on a MiB (the reserved bits below are zero),
 * behind the header section, inside the file, and over nothing else. */
static int block_check(const struct vhdx *v, uint64_t block, uint64_t off, struct error *e)
{
	const struct vhdx_image *m = &v->image;
	uint64_t start = block * m->block_size;
	/* The last block may be cut off behind the disk's end: nobody reads there. */
	struct vhdx_range r = { off, min_u64(m->block_size, m->size - start) };

	if (off % VHDX_MIB)
		return error_set(e, ERR_CORRUPT,
			"BAT entry of block %llu has reserved bits set: %#llx",
			(unsigned long long)block, (unsigned long long)(off % VHDX_MIB));
	if (off < VHDX_MIB)
		return error_set(e, ERR_CORRUPT, "block %llu lies in the header section",
			(unsigned long long)block);
	if (!range_fits(r.offset, r.length, v->file->size))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu reaches past the end of the file at %llu",
			(unsigned long long)block, (unsigned long long)off,
			(unsigned long long)v->file->size);
	if (block_overlaps(r, m->log) || block_overlaps(r, m->bat) ||
		block_overlaps(r, m->metadata))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu overlaps the log, the BAT or the metadata",
			(unsigned long long)block, (unsigned long long)off);
	return 0;
}

static int block_find(struct vhdx *v, uint64_t block, struct place *out, struct error *e)
{
	uint64_t entry = 0;
	int rc = entry_read(v, block, &entry, e);

	if (rc)
		return rc;
	*out = (struct place){ .zero = true };
	switch ((enum vhdx_state)(entry & 7)) {
	case VHDX_NOT_PRESENT:
	case VHDX_UNDEFINED:
	case VHDX_ZERO:
	case VHDX_UNMAPPED:
		return 0;
	case VHDX_FULLY_PRESENT:
		*out = (struct place){ .offset = entry & ~UINT64_C(7) };
		return block_check(v, block, out->offset, e);
	case VHDX_PARTIALLY_PRESENT:
		if (!v->image.has_parent)
			return error_set(e, ERR_CORRUPT,
				"block %llu is partially present in a file without a parent",
				(unsigned long long)block);
		*out = (struct place){ .offset = entry & ~UINT64_C(7) };
		return block_check(v, block, out->offset, e);
	case VHDX_RESERVED_4:
	case VHDX_RESERVED_5:
		break;
	}
	return error_set(e, ERR_CORRUPT, "BAT entry of block %llu has the reserved state %u",
		(unsigned long long)block, (unsigned)(entry & 7));
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
		struct place place;
		int rc = block_find(v, off / block_size, &place, e);

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
static bool place_continues(struct place place, uint64_t len, struct place next)
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
	struct place first, next;
	uint64_t len = block_size;
	int rc = block_find(v, block, &first, e);

	if (rc)
		return rc;
	/* A bad entry further on ends the extent here and is told when it is reached. */
	while (++block < last && !block_find(v, block, &next, NULL) &&
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
	vhdx_image_free(&v->image);
	pthread_mutex_destroy(&v->lock);
	free(v->page);
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

static struct vhdx *vhdx_new(struct error *e)
{
	struct vhdx *v = calloc(1, sizeof(*v));

	if (!v || !(v->page = calloc(PAGE_COUNT, sizeof(*v->page)))) {
		free(v);
		error_nomem(e, "a VHDX");
		return NULL;
	}
	for (unsigned i = 0; i < PAGE_COUNT; i++)
		v->page[i].number = UINT64_MAX;
	pthread_mutex_init(&v->lock, NULL);
	return v;
}

int vhdx_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vhdx *v = vhdx_new(e);
	int rc;

	(void)o;
	if (!v)
		return -ERR_NOMEM;
	rc = image_load(v, file, e);
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
