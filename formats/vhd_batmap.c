/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What blktap, the VHD code of Xen, keeps behind the BAT: a bit for each block, set when all of its
 * sectors are there, which lets it skip the sector bitmap.  From creator version 1.2 on, blktap
 * takes for granted that the map is there, and where.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhd_write.h"

enum { BATMAP_VERSION = 0x00010002 };

struct batmap_header {
	uint8_t cookie[8]; /* +0x00 "tdbatmap" */
	be64 map_offset; /* +0x08 */
	be32 map_sectors; /* +0x10 */
	be32 version; /* +0x14 */
	be32 checksum; /* +0x18 ones' complement of the sum of the map's bytes */
	uint8_t marker; /* +0x1c */
	uint8_t padding[483]; /* +0x1d */
};
static_assert(sizeof(struct batmap_header) == VHD_SECTOR, "VHD batmap header");

struct vhd_batmap {
	uint64_t off; /* of the header; the map follows it */
	size_t len; /* of the map: whole sectors */
	uint8_t map[]; /* the highest bit of a byte is the first */
};

int vhd_batmap_open(uint64_t off, uint32_t entries, struct vhd_batmap **out, struct error *e)
{
	size_t len = (size_t)round_up(div_up(entries, 8), VHD_SECTOR);
	struct vhd_batmap *b = calloc(1, sizeof(*b) + len);

	if (!b)
		return error_nomem(e, "a VHD's batmap");
	b->off = off;
	b->len = len;
	*out = b;
	return 0;
}

void vhd_batmap_free(struct vhd_batmap *b)
{
	free(b);
}

uint64_t vhd_batmap_end(const struct vhd_batmap *b)
{
	return b->off + sizeof(struct batmap_header) + b->len;
}

void vhd_batmap_set(struct vhd_batmap *b, uint64_t block)
{
	b->map[block / 8] |= (uint8_t)(0x80 >> block % 8);
}

int vhd_batmap_write(const struct vhd_batmap *b, struct output *file, struct error *e)
{
	struct batmap_header h = {
		.cookie = "tdbatmap",
		.map_offset = put_be64(b->off + sizeof(h)),
		.map_sectors = put_be32((uint32_t)(b->len / VHD_SECTOR)),
		.version = put_be32(BATMAP_VERSION),
	};
	uint32_t sum = 0;
	int rc;

	for (size_t i = 0; i < b->len; i++)
		sum += b->map[i];
	h.checksum = put_be32(~sum);
	rc = output_write(file, b->off, &h, sizeof(h), e);
	return rc ? rc : output_write(file, b->off + sizeof(h), b->map, b->len, e);
}
