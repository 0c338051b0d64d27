/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of a VHD as a disk.  BAT and sector bitmaps are read in small pieces, of which caches
 * of a fixed size keep some, however large the image says that they are.
 */
#include "formats/vhd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/chain.h"
#include "formats/block_cache.h"

enum {
	PAGE = 4096, /* bytes of the BAT read as one */
	CACHE = 512 << 10, /* bytes of the BAT, and as many of bitmaps */
	EXTENT_BLOCKS = 4096, /* looked at in one call of extent */
};

struct vhd {
	struct disk disk;
	struct disk *file; /* owned */
	struct vhd_image image;
	struct chain_file parent; /* of a differencing disk that may be read */
	struct error refusal; /* why a differencing disk may not; code 0 when it may */
	struct block_cache *table; /* by number of the page */
	struct block_cache *bitmaps; /* sectors, by offset in the file */
};

/* Where a block of a dynamic or differencing disk is. */
struct vhd_block {
	bool present;
	uint64_t bitmap; /* file offset, when present */
	uint64_t data;
};

static struct vhd *vhd_of(struct disk *d)
{
	return (struct vhd *)d;
}

static int entry_read(struct vhd *v, uint64_t block, uint32_t *out, struct error *e)
{
	uint64_t at = block * sizeof(be32), page = at / PAGE;
	uint64_t off = v->image.table_offset + page * PAGE;
	uint64_t end = v->image.table_offset + (uint64_t)v->image.entries * sizeof(be32);
	uint8_t bytes[PAGE] = { 0 };
	be32 entry;
	int rc;

	if (!block_cache_get(v->table, page, at % PAGE, &entry, sizeof(entry))) {
		rc = disk_read(v->file, off, bytes, (size_t)min_u64(PAGE, end - off), e);
		if (rc)
			return error_prefix(e, "table at %llu", (unsigned long long)off);
		block_cache_put(v->table, page, bytes);
		memcpy(&entry, bytes + at % PAGE, sizeof(entry));
	}
	*out = get_be32(entry);
	return 0;
}

static bool overlaps(uint64_t off, uint64_t len, uint64_t other, uint64_t other_len)
{
	return off < other + other_len && other < off + len;
}

/* Whether bitmap and data of a block can be where its entry says: inside the file, in front of the
 * footer, and over nothing else. */
static int block_check(struct vhd *v, uint64_t block, uint64_t off, struct error *e)
{
	const struct vhd_image *m = &v->image;
	/* What lies behind the end of the disk may be missing: nobody reads there. */
	uint64_t used = min_u64(m->block_size, m->size - block * m->block_size);
	uint64_t len = m->bitmap_size + used;

	if (!range_fits(off, len, m->data_end))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu reaches past the end of the data at %llu",
			(unsigned long long)block, (unsigned long long)off,
			(unsigned long long)m->data_end);
	if (overlaps(off, len, 0, VHD_SECTOR) ||
		overlaps(off, len, m->header_offset, sizeof(struct vhd_header)) ||
		overlaps(off, len, m->table_offset, (uint64_t)m->entries * sizeof(be32)))
		return error_set(e, ERR_CORRUPT,
			"block %llu at %llu overlaps the footer's copy, the header or the table",
			(unsigned long long)block, (unsigned long long)off);
	return 0;
}

static int block_find(struct vhd *v, uint64_t block, struct vhd_block *out, struct error *e)
{
	uint32_t entry = 0;
	uint64_t off;
	int rc = entry_read(v, block, &entry, e);

	*out = (struct vhd_block){ .present = false };
	if (rc || entry == VHD_ABSENT)
		return rc;
	off = (uint64_t)entry * VHD_SECTOR;
	*out = (struct vhd_block){ true, off, off + v->image.bitmap_size };
	return block_check(v, block, off, e);
}

/* The sector of a block's bitmap that describes the byte `within` the block. */
static int bitmap_read(struct vhd *v, const struct vhd_block *b, uint64_t within,
	uint8_t bits[VHD_SECTOR], struct error *e)
{
	uint64_t off = b->bitmap + within / VHD_SECTOR / VHD_BITMAP_BITS * VHD_SECTOR;
	int rc;

	if (block_cache_get(v->bitmaps, off, 0, bits, VHD_SECTOR))
		return 0;
	rc = disk_read(v->file, off, bits, VHD_SECTOR, e);
	if (rc)
		return error_prefix(e, "sector bitmap at %llu", (unsigned long long)off);
	block_cache_put(v->bitmaps, off, bits);
	return 0;
}

/* `sector` is counted from the start of a block; the first one has the highest bit. */
static bool bit_is_set(const uint8_t bits[VHD_SECTOR], uint64_t sector)
{
	uint64_t bit = sector % VHD_BITMAP_BITS;

	return bits[bit / 8] >> (7 - bit % 8) & 1;
}

/* How many sectors from `first` on, before `end`, have the same bit.  All are in `bits`. */
static uint64_t run_length(const uint8_t bits[VHD_SECTOR], uint64_t first, uint64_t end)
{
	bool set = bit_is_set(bits, first);
	uint64_t sector = first + 1;

	while (sector < end && bit_is_set(bits, sector) == set)
		sector++;
	return sector - first;
}

/* Replaces what the bitmap says is not there, in `len` bytes from `within` the block at guest
 * offset `start`: by the parent's content, or zeros. */
static int absent_fill(struct vhd *v, const uint8_t bits[VHD_SECTOR], uint64_t start,
	uint64_t within, uint8_t *buf, size_t len, struct error *e)
{
	uint64_t end = div_up(within + len, VHD_SECTOR);
	uint64_t sector = within / VHD_SECTOR;
	int rc = 0;

	while (sector < end && !rc) {
		uint64_t run = run_length(bits, sector, end);
		uint64_t from = max_u64(within, sector * VHD_SECTOR);
		uint64_t to = min_u64(within + len, (sector + run) * VHD_SECTOR);

		if (!bit_is_set(bits, sector))
			rc = chain_read(&v->parent, start + from, buf + (from - within),
				(size_t)(to - from), e);
		sector += run;
	}
	return rc;
}

/* Bytes from `within` a block up to the end of what one sector of its bitmap describes. */
static uint64_t span_left(const struct vhd *v, uint64_t within)
{
	uint64_t span = min_u64(v->image.block_size, (uint64_t)VHD_BITMAP_BITS * VHD_SECTOR);

	return span - within % span;
}

static int span_read(struct vhd *v, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	uint64_t within = off % v->image.block_size;
	uint8_t bits[VHD_SECTOR];
	struct vhd_block b;
	int rc = block_find(v, off / v->image.block_size, &b, e);

	if (rc)
		return rc;
	if (!b.present)
		return chain_read(&v->parent, off, buf, len, e);
	rc = bitmap_read(v, &b, within, bits, e);
	if (!rc)
		rc = disk_read(v->file, b.data + within, buf, len, e);
	return rc ? rc : absent_fill(v, bits, off - within, within, buf, len, e);
}

static int vhd_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vhd *v = vhd_of(d);
	uint8_t *out = buf;

	if (v->image.type == VHD_FIXED)
		return disk_read(v->file, off, buf, len, e);
	if (v->refusal.code)
		return error_set(e, (enum error_code)v->refusal.code, "%s", v->refusal.text);
	while (len) {
		size_t now = (size_t)min_u64(len, span_left(v, off % v->image.block_size));
		int rc = span_read(v, off, out, now, e);

		if (rc)
			return rc;
		out += now;
		off += now;
		len -= now;
	}
	return 0;
}

/* Blocks that are not there, as one extent. */
static void absent_extent(struct vhd *v, uint64_t off, struct extent *out)
{
	uint64_t block = off / v->image.block_size, first = block;
	uint64_t end = div_up(v->disk.size, v->image.block_size);
	struct vhd_block next;

	/* A bad entry further on ends the extent here and is told when it is reached. */
	while (++block < end && block - first < EXTENT_BLOCKS &&
		!block_find(v, block, &next, NULL) && !next.present)
		;
	out->length = block * v->image.block_size - off;
}

static int present_extent(
	struct vhd *v, const struct vhd_block *b, uint64_t off, struct extent *out, struct error *e)
{
	uint64_t within = off % v->image.block_size;
	uint64_t sector = within / VHD_SECTOR;
	uint8_t bits[VHD_SECTOR];
	int rc = bitmap_read(v, b, within, bits, e);

	if (rc)
		return rc;
	out->length = run_length(bits, sector, (within + span_left(v, within)) / VHD_SECTOR) *
			VHD_SECTOR -
		within % VHD_SECTOR;
	out->stored = true;
	out->plain = bit_is_set(bits, sector);
	out->offset = out->plain ? b->data + within : 0;
	return 0;
}

static int vhd_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct vhd *v = vhd_of(d);
	struct vhd_block b;
	int rc;

	if (v->image.type == VHD_FIXED)
		return disk_extent(v->file, off, out, e);
	*out = (struct extent){ 0 };
	rc = block_find(v, off / v->image.block_size, &b, e);
	if (rc)
		return rc;
	if (b.present)
		rc = present_extent(v, &b, off, out, e);
	else
		absent_extent(v, off, out);
	if (rc || out->plain)
		return rc;
	/* What a differencing disk does not have is in its parent. */
	out->zero = v->image.type == VHD_DYNAMIC;
	return v->parent.disk ? chain_extent(&v->parent, off, out->length, out, e) : 0;
}

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
	struct reference r = { v->image.parent_path, "vhd", .windows = !v->image.parent_url };

	if (v->image.type != VHD_DIFFERENCING)
		return;
	if (!r.path || !chain_allowed(o)) {
		error_set(&v->refusal, ERR_REFUSED,
			"the image is differencing: it holds only what differs from its parent "
			"%.512s; --allow-parent permits files in the image's folder, "
			"--allow-parent=DIR those in DIR",
			r.path ? r.path : "(not named)");
		return;
	}
	if (!chain_open(o, &r, &v->parent, &v->refusal))
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
		rc = block_cache_open(PAGE, CACHE, &v->table, e);
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
	if (!rc && m->parent_path) {
		rc = text_copy(m->parent_path, &out->parent_path, e);
		if (!rc)
			rc = strings_add(&out->references, m->parent_path, e);
	}
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
	int rc;

	if (m->type == VHD_DIFFERENCING)
		return error_set(e, ERR_UNSUPPORTED, "the image is differencing");
	spec->size = m->size;
	spec->logical_sector = VHD_SECTOR;
	spec->identifier = m->id;
	spec->has_identifier = true;
	snprintf(option, sizeof(option), "subformat=%s", vhd_type_names[m->type]);
	rc = strings_add(options, option, e);
	if (rc || m->type == VHD_FIXED)
		return rc;
	snprintf(option, sizeof(option), "block_size=%u", m->block_size);
	return strings_add(options, option, e);
}
