/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks the header of a dynamic or differencing VHD. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhd_check.h"

static const struct fault header_place = { "vhd-header-place", SEVERITY_ERROR, NULL };
static const struct fault header_cookie = { "vhd-header-cookie", SEVERITY_ERROR, NULL };
static const struct fault header_checksum = { "vhd-header-checksum", SEVERITY_ERROR, NULL };
static const struct fault header_version = { "vhd-header-version", SEVERITY_ERROR, NULL };
static const struct fault header_next = { "vhd-header-data-offset", SEVERITY_WARNING, NULL };
static const struct fault block_size_wrong = { "vhd-block-size", SEVERITY_ERROR, NULL };
static const struct fault table_short = { "vhd-table-short", SEVERITY_ERROR, NULL };
static const struct fault table_place = { "vhd-table-place", SEVERITY_ERROR, NULL };
static const struct fault parts_overlap = { "vhd-structure-overlap", SEVERITY_ERROR, NULL };

int vhd_check_part(
	struct vhd_check *v, const char *name, uint64_t off, uint64_t len, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < v->parts && !rc; i++)
		if (vhd_overlap(off, len, v->part[i].off, v->part[i].len))
			rc = check_lost(v->c, &parts_overlap, off, e,
				"%s of %" PRIu64 " bytes overlaps %s at %" PRIu64, name, len,
				v->part[i].name, v->part[i].off);
	if (!rc && v->parts < VHD_PARTS_MAX)
		v->part[v->parts++] = (struct vhd_part){ name, off, len };
	return rc;
}

/* Reads the header; *good when it is one. */
static int header_read(struct vhd_check *v, bool *good, struct error *e)
{
	struct vhd_header *h = &v->header;
	uint64_t off = v->image.header_offset;
	int rc;

	*good = false;
	/* The first sector has the footer's copy. */
	if (off < VHD_SECTOR || !range_fits(off, sizeof(*h), v->image.data_end))
		return check_lost(v->c, &header_place, off, e,
			"the dynamic disk header is not inside the file, whose data ends at "
			"%" PRIu64,
			v->image.data_end);
	rc = disk_read(v->file, off, h, sizeof(*h), e);
	if (rc)
		return rc;
	if (memcmp(h->cookie, "cxsparse", sizeof(h->cookie)) != 0)
		return check_lost(v->c, &header_cookie, off, e, "this is no dynamic disk header");
	if (get_be32(h->checksum) != vhd_header_checksum(h))
		return check_lost(v->c, &header_checksum, off, e,
			"the dynamic disk header has checksum %#x, not %#x", vhd_header_checksum(h),
			get_be32(h->checksum));
	*good = true;
	return 0;
}

/* What the header says of itself and of the blocks. */
static int fields_check(struct vhd_check *v, bool *good, struct error *e)
{
	const struct vhd_header *h = &v->header;
	uint64_t off = v->image.header_offset;
	uint32_t version = get_be32(h->version), block = get_be32(h->block_size);

	*good = false;
	if (version >> 16 != VHD_VERSION >> 16)
		return check_lost(v->c, &header_version, off + 24, e,
			"the dynamic disk header has version %u.%u, only 1.0 is known",
			version >> 16, version & 0xffff);
	if (block < VHD_SECTOR || !is_power_of_two(block))
		return check_lost(v->c, &block_size_wrong, off + 32, e,
			"block size %u is no power of two of at least 512", block);
	*good = true;
	v->image.block_size = block;
	v->image.bitmap_size = vhd_bitmap_size(block);
	v->image.entries = get_be32(h->entries);
	v->image.table_offset = get_be64(h->table_offset);
	if (get_be64(h->data_offset) == VHD_NOWHERE)
		return 0;
	return check_find(v->c, &header_next, off + 8, e,
		"the header names a structure at %" PRIu64 ", the format has none",
		get_be64(h->data_offset));
}

static int table_place_check(struct vhd_check *v, bool *good, struct error *e)
{
	const struct vhd_image *m = &v->image;
	uint64_t need = div_up(m->size, m->block_size), len = (uint64_t)m->entries * sizeof(be32);

	*good = m->table_offset >= VHD_SECTOR && range_fits(m->table_offset, len, m->data_end);
	if (!*good)
		return check_lost(v->c, &table_place, m->table_offset, e,
			"the table of %u entries is not inside the file, whose data ends at "
			"%" PRIu64,
			m->entries, m->data_end);
	if (need > m->entries)
		return check_lost(v->c, &table_short, m->header_offset + 28, e,
			"%u table entries for blocks of %u bytes do not reach the disk's end at "
			"%" PRIu64 ", which needs %" PRIu64,
			m->entries, m->block_size, m->size, need);
	return 0;
}

int vhd_check_header(struct vhd_check *v, bool *good, struct error *e)
{
	const struct vhd_image *m = &v->image;
	int rc = header_read(v, good, e);

	if (!rc && *good)
		rc = fields_check(v, good, e);
	if (!rc && *good)
		rc = table_place_check(v, good, e);
	if (rc || !*good)
		return rc;
	rc = vhd_check_part(v, "the copy of the footer", 0, VHD_SECTOR, e);
	if (!rc)
		rc = vhd_check_part(v, "the header", m->header_offset, sizeof(v->header), e);
	if (!rc)
		rc = vhd_check_part(
			v, "the table", m->table_offset, (uint64_t)m->entries * sizeof(be32), e);
	return rc;
}
