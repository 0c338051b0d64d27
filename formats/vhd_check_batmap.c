/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks the map that blktap (XenServer, XCP-ng) keeps behind the BAT: a bit for each block whose
 * sectors are all there, so that nobody has to read the block's own bitmap.  Others ignore it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhd_check.h"

enum {
	VERSION_SIGNED = 0x00010001, /* summed up signed bytes */
	VERSION_LAST = 0x00010002,
	CHUNK = 512, /* bytes of the map looked at as one */
	SLACK = 65536, /* that a map may be longer than it has to be */
	ENTRIES_MAX = 1 << 27, /* more than blktap makes; takes a second to look at */
};

struct batmap_header {
	uint8_t cookie[8]; /* +0x00 "tdbatmap" */
	be64 offset; /* +0x08 of the map */
	be32 sectors; /* +0x10 in the map */
	be32 version; /* +0x14 */
	be32 checksum; /* +0x18 ones' complement of the sum of the map's bytes */
	uint8_t marker; /* +0x1c */
};

#define REPAIR "hvimg check --repair writes a copy without the map"
static const struct fault map_version = { "vhd-batmap-version", SEVERITY_WARNING, REPAIR };
static const struct fault map_place = { "vhd-batmap-place", SEVERITY_ERROR, REPAIR };
static const struct fault map_checksum = { "vhd-batmap-checksum", SEVERITY_ERROR, REPAIR };
static const struct fault map_bit = { "vhd-batmap-bit", SEVERITY_ERROR, REPAIR };

/* Where the map is, and what it adds up to. */
struct batmap {
	uint64_t header_off, off, len;
	uint32_t version, checksum, sum;
};

static int bits_check(struct vhd_check *v, const struct batmap *b, uint64_t first,
	const uint8_t bits[CHUNK], struct error *e)
{
	be32 entry[CHUNK * 8];
	uint64_t count;
	int rc;

	if (first >= v->image.entries)
		return 0;
	count = min_u64(CHUNK * 8, v->image.entries - first);
	rc = disk_read(v->file, v->image.table_offset + first * sizeof(be32), entry,
		(size_t)count * sizeof(be32), e);
	for (uint64_t i = 0; i < count && !rc; i++)
		if (bits[i / 8] << i % 8 & 0x80 && get_be32(entry[i]) == VHD_ABSENT)
			rc = check_find(v->c, &map_bit, b->off + (first + i) / 8, e,
				"block %" PRIu64 " is not there, but marked as full", first + i);
	return rc;
}

static uint32_t addend(uint8_t byte, bool is_signed)
{
	return is_signed && byte & 0x80 ? byte - UINT32_C(256) : byte;
}

static int map_read(struct vhd_check *v, struct batmap *b, struct error *e)
{
	int rc = 0;

	for (uint64_t at = 0; at < b->len && !rc; at += CHUNK) {
		uint8_t bits[CHUNK];

		rc = disk_read(v->file, b->off + at, bits, CHUNK, e);
		for (size_t i = 0; i < CHUNK && !rc; i++)
			b->sum += addend(bits[i], b->version == VERSION_SIGNED);
		if (!rc)
			rc = bits_check(v, b, at * 8, bits, e);
	}
	return rc;
}

static int map_check(struct vhd_check *v, struct batmap *b, struct error *e)
{
	uint64_t need = div_up(v->image.entries, 8);
	int rc;

	if (b->version > VERSION_LAST)
		return check_find(v->c, &map_version, b->header_off, e,
			"the map of full blocks has version %#x, which is not known", b->version);
	if (b->off % VHD_SECTOR || !range_fits(b->off, b->len, v->image.data_end) ||
		b->len < need || b->len > need + SLACK)
		return check_find(v->c, &map_place, b->header_off, e,
			"the map of full blocks, %" PRIu64 " bytes at %" PRIu64
			", is not inside the file or not as long as %u blocks need",
			b->len, b->off, v->image.entries);
	rc = vhd_check_part(v, "the map of full blocks", b->off, b->len, e);
	if (!rc)
		rc = map_read(v, b, e);
	if (rc || ~b->sum == b->checksum)
		return rc;
	return check_find(v->c, &map_checksum, b->header_off, e,
		"the map of full blocks has checksum %#x, not %#x", ~b->sum, b->checksum);
}

int vhd_check_batmap(struct vhd_check *v, struct error *e)
{
	const struct vhd_image *m = &v->image;
	uint64_t off = round_up(m->table_offset + (uint64_t)m->entries * sizeof(be32), VHD_SECTOR);
	struct batmap_header h;
	struct batmap b;
	int rc;

	if (!range_fits(off, VHD_SECTOR, m->data_end) || m->entries > ENTRIES_MAX)
		return 0;
	rc = disk_read(v->file, off, &h, sizeof(h), e);
	if (rc || memcmp(h.cookie, "tdbatmap", sizeof(h.cookie)) != 0)
		return rc;
	b = (struct batmap){
		.header_off = off,
		.off = get_be64(h.offset),
		.len = (uint64_t)get_be32(h.sectors) * VHD_SECTOR,
		.version = get_be32(h.version),
		.checksum = get_be32(h.checksum),
	};
	rc = vhd_check_part(v, "the header of the map of full blocks", off, VHD_SECTOR, e);
	return rc ? rc : map_check(v, &b, e);
}
