/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a VDI: its header, and where its map says that blocks are. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"
#include "disk/check.h"
#include "formats/bitmap.h"
#include "formats/hole.h"
#include "formats/vdi.h"

#define AT(field) offsetof(struct vdi_header, field)

static const uint32_t no_block = UINT32_MAX;
static const uint32_t zero_block = UINT32_MAX - 1;

static const struct fault fault_short = { .code = "vdi-header-short", .severity = SEVERITY_ERROR };
static const struct fault fault_signature = { .code = "vdi-signature", .severity = SEVERITY_ERROR };
static const struct fault fault_version = { .code = "vdi-version", .severity = SEVERITY_ERROR };
static const struct fault fault_header = { .code = "vdi-header-size", .severity = SEVERITY_ERROR };
static const struct fault fault_type = { .code = "vdi-type", .severity = SEVERITY_ERROR };
static const struct fault fault_sector = { .code = "vdi-sector-size", .severity = SEVERITY_ERROR };
static const struct fault fault_block = { .code = "vdi-block-size", .severity = SEVERITY_ERROR };
static const struct fault fault_size = { .code = "vdi-virtual-size", .severity = SEVERITY_ERROR };
static const struct fault fault_count = { .code = "vdi-block-count", .severity = SEVERITY_ERROR };
static const struct fault fault_spare = { .code = "vdi-block-spare", .severity = SEVERITY_WARNING };
static const struct fault fault_map = { .code = "vdi-map-place", .severity = SEVERITY_ERROR };
static const struct fault fault_data = { .code = "vdi-data-place", .severity = SEVERITY_ERROR };
static const struct fault fault_uuid = { .code = "vdi-uuid", .severity = SEVERITY_WARNING };
static const struct fault fault_parent = { .code = "vdi-parent", .severity = SEVERITY_ERROR };
static const struct fault fault_child = { .code = "vdi-differencing", .severity = SEVERITY_INFO };
static const struct fault fault_entry = { .code = "vdi-block-range", .severity = SEVERITY_ERROR };
static const struct fault fault_twice = { .code = "vdi-block-twice", .severity = SEVERITY_ERROR };
static const struct fault fault_static = { .code = "vdi-static-block",
	.severity = SEVERITY_WARNING };
static const struct fault fault_allocated = { .code = "vdi-allocated", .severity = SEVERITY_ERROR };
static const struct fault fault_leak = {
	.code = "vdi-leak", .severity = SEVERITY_WARNING, .fix = "harmless; convert leaves them out"
};

struct checker {
	struct disk *file;
	struct check *check;
	struct vdi_header h;
	uint32_t type, block, blocks; /* blocks: entries of the map */
	uint64_t size, map, data;
	uint64_t allocated; /* entries that have a block */
	uint64_t places; /* blocks that begin inside the file */
	struct bitmap used; /* blocks of the file */
	struct hole hole;
};

/* The fields without which nothing can be checked; *usable is false when one is wrong. */
static int signature_check(struct checker *k, bool *usable, struct error *e)
{
	const struct vdi_header *h = &k->h;
	unsigned major, minor;
	int rc;

	*usable = false;
	if (k->file->size < sizeof(*h))
		return check_find(k->check, &fault_short, 0, e,
			"the file has %" PRIu64 " bytes, a VDI header ends at %zu", k->file->size,
			sizeof(*h));
	rc = disk_read(k->file, 0, &k->h, sizeof(*h), e);
	if (rc)
		return rc;
	if (memcmp(h->magic, "\x7f\x10\xda\xbe", 4) != 0)
		return check_find(
			k->check, &fault_signature, AT(magic), e, "the signature is missing");
	major = get_le16(h->major);
	minor = get_le16(h->minor);
	if (major != 1 || minor != 1)
		return check_find(k->check, &fault_version, AT(minor), e,
			"version %u.%u is not 1.1", major, minor);
	if (get_le32(h->header_size) < VDI_HEADER_MIN)
		return check_find(k->check, &fault_header, AT(header_size), e,
			"header of %u bytes; %u is the least", get_le32(h->header_size),
			(unsigned)VDI_HEADER_MIN);
	*usable = true;
	return 0;
}

static int identity_check(struct checker *k, bool *usable, struct error *e)
{
	const struct vdi_header *h = &k->h;
	bool parent = !bytes_are_zero(h->parent, sizeof(h->parent));

	k->type = get_le32(h->type);
	if (k->type < VDI_DYNAMIC || k->type > VDI_DIFFERENCING) {
		*usable = false;
		return check_find(
			k->check, &fault_type, AT(type), e, "unknown image type %u", k->type);
	}
	if (bytes_are_zero(h->id, sizeof(h->id))) {
		int rc = check_find(k->check, &fault_uuid, AT(id), e, "the image has no UUID");

		if (rc)
			return rc;
	}
	if (parent != (k->type > VDI_STATIC))
		return check_find(k->check, &fault_parent, AT(parent), e,
			"an image of type %s %s a parent", vdi_types[k->type],
			parent ? "names" : "does not name");
	if (!parent)
		return 0;
	return check_find(k->check, &fault_child, AT(parent), e,
		"the image holds only what differs from its parent, which is not looked at");
}

static int sizes_check(struct checker *k, bool *usable, struct error *e)
{
	const struct vdi_header *h = &k->h;
	uint64_t needed;

	k->block = get_le32(h->block);
	k->blocks = get_le32(h->blocks);
	k->size = get_le64(h->size);
	*usable = false;
	if (get_le32(h->sector) != VDI_SECTOR)
		return check_find(k->check, &fault_sector, AT(sector), e,
			"sectors of %u bytes, not %u", get_le32(h->sector), (unsigned)VDI_SECTOR);
	if (!is_power_of_two(k->block) || k->block < VDI_SECTOR || k->block > VDI_BLOCK_MAX ||
		get_le32(h->block_extra))
		return check_find(k->check, &fault_block, AT(block), e,
			"blocks of %u bytes and %u extra; a power of two from %u to %u and none "
			"are expected",
			k->block, get_le32(h->block_extra), (unsigned)VDI_SECTOR,
			(unsigned)VDI_BLOCK_MAX);
	if (k->size % VDI_SECTOR || k->size > INT64_MAX)
		return check_find(k->check, &fault_size, AT(size), e,
			"virtual size %" PRIu64 " is not a multiple of %u below 8 EiB", k->size,
			(unsigned)VDI_SECTOR);
	*usable = true;
	needed = div_up(k->size, k->block);
	if (k->blocks < needed)
		return check_find(k->check, &fault_count, AT(blocks), e,
			"%u blocks of %u bytes are less than the size %" PRIu64, k->blocks,
			k->block, k->size);
	if (k->blocks > needed)
		return check_find(k->check, &fault_spare, AT(blocks), e,
			"%u blocks of %u bytes; the size %" PRIu64 " needs %" PRIu64, k->blocks,
			k->block, k->size, needed);
	return 0;
}

static int places_check(struct checker *k, bool *usable, struct error *e)
{
	uint64_t len = (uint64_t)k->blocks * sizeof(le32);

	k->map = get_le32(k->h.map_off);
	k->data = get_le32(k->h.data_off);
	*usable = false;
	if (k->map < sizeof(k->h) || !range_fits(k->map, len, k->file->size))
		return check_find(k->check, &fault_map, AT(map_off), e,
			"map of %u blocks at %" PRIu64
			" is over the header, or past the end of the file at %" PRIu64,
			k->blocks, k->map, k->file->size);
	if (k->data < k->map + len || k->data % VDI_SECTOR)
		return check_find(k->check, &fault_data, AT(data_off), e,
			"data at %" PRIu64 " is not on a sector behind the map of %u blocks at "
			"%" PRIu64,
			k->data, k->blocks, k->map);
	*usable = true;
	if (k->file->size > k->data)
		k->places = div_up(k->file->size - k->data, k->block);
	return 0;
}

/* Whether all of the block that the guest has is inside the file. */
static bool block_fits(const struct checker *k, uint64_t n, uint32_t entry)
{
	uint64_t off = n * k->block;
	uint64_t used = off < k->size ? min_u64(k->block, k->size - off) : 1;

	return range_fits(k->data + (uint64_t)entry * k->block, used, k->file->size);
}

/* Entry `n` of the map, all but whether its block is another's too. */
static int entry_check(struct checker *k, uint64_t n, uint32_t entry, uint64_t at, struct error *e)
{
	if (entry == no_block || entry == zero_block)
		return k->type == VDI_STATIC
			? check_find(k->check, &fault_static, at, e,
				  "block %" PRIu64 " of a static image is not there", n)
			: 0;
	k->allocated++;
	if (block_fits(k, n, entry))
		return 0;
	return check_lost(k->check, &fault_entry, at, e,
		"block %" PRIu64 " is block %u of the file, past its end at %" PRIu64, n, entry,
		k->file->size);
}

static int entry_use(struct checker *k, uint64_t n, uint32_t entry, uint64_t at, struct error *e)
{
	int rc = k->used.first ? 0 : entry_check(k, n, entry, at, e);

	if (rc || entry == no_block || entry == zero_block)
		return rc;
	if (!bitmap_set(&k->used, entry, 1))
		return 0;
	return check_lost(k->check, &fault_twice, at, e,
		"block %" PRIu64 " is block %u of the file, as another one is", n, entry);
}

static int map_walk(struct checker *k, struct error *e)
{
	uint64_t end = (uint64_t)k->blocks * sizeof(le32);
	le32 entry[VDI_PAGE / sizeof(le32)];
	bool zero;

	for (uint64_t off = 0; off < end; off += VDI_PAGE) {
		size_t len = (size_t)min_u64(end - off, VDI_PAGE);
		int rc = hole_read(&k->hole, k->file, k->map + off, entry, len, &zero, e);

		if (!rc)
			rc = check_progress(k->check, off, end, e);
		for (size_t i = 0; i < len / sizeof(le32) && !rc; i++) {
			uint64_t at = off + i * sizeof(le32);

			rc = entry_use(k, at / sizeof(le32), get_le32(entry[i]), k->map + at, e);
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int map_check(struct checker *k, struct error *e)
{
	uint32_t said = get_le32(k->h.allocated);
	uint64_t leaks = 0;
	int rc = bitmap_open(&k->used, k->places, e);

	do {
		if (!rc)
			rc = map_walk(k, e);
		if (!rc)
			leaks += bitmap_clear_count(&k->used, k->places);
	} while (!rc && bitmap_next(&k->used));
	if (!rc && k->allocated != said)
		rc = check_find(k->check, &fault_allocated, AT(allocated), e,
			"the header counts %u blocks, the map %" PRIu64, said, k->allocated);
	k->check->leaks += leaks;
	if (!rc && leaks)
		rc = check_find(k->check, &fault_leak, k->data, e,
			"no entry of the map names %" PRIu64 " of the %" PRIu64
			" blocks of the file",
			leaks, k->places);
	return rc;
}

int vdi_check(struct disk *file, struct check *c, struct error *e)
{
	struct checker k = { .file = file, .check = c };
	bool usable;
	int rc = signature_check(&k, &usable, e);

	if (!rc && usable)
		rc = identity_check(&k, &usable, e);
	if (!rc && usable)
		rc = sizes_check(&k, &usable, e);
	if (!rc && usable)
		rc = places_check(&k, &usable, e);
	if (!rc && usable)
		rc = map_check(&k, e);
	bitmap_close(&k.used);
	return rc;
}
