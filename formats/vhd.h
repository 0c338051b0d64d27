/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHD_H
#define FORMATS_VHD_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/guid.h"
#include "disk/format.h"
#include "formats/parent_names.h"

/* VHD as Microsoft's "Virtual Hard Disk Image Format Specification", version 1.0, describes it.
 * All integers are big endian. */

enum {
	VHD_SECTOR = 512,
	VHD_BITMAP_BITS = VHD_SECTOR * 8, /* sectors that one sector of a bitmap describes */
	VHD_LOCATORS = 8,
	VHD_PARENT_NAME_UNITS = 256,
	VHD_VERSION = 0x00010000,
	VHD_RESERVED_FEATURE = 2, /* always set */
	VHD_LARGE_BLOCK = 2 << 20, /* what blocks have when nothing else is asked for */
};

#define VHD_MAX_SIZE (UINT64_C(2040) << 30) /* of the guest's disk */
#define VHD_NOWHERE UINT64_MAX /* in fields that would hold the offset of a next structure */
#define VHD_ABSENT UINT32_MAX /* BAT entry of a block that is not allocated */

enum vhd_type {
	VHD_FIXED = 2,
	VHD_DYNAMIC = 3,
	VHD_DIFFERENCING = 4,
};

/* Hard Disk Footer: the last sector, and but for fixed disks a copy in the first one. */
struct vhd_footer {
	uint8_t cookie[8]; /* +0x00 "conectix" */
	be32 features; /* +0x08 */
	be32 version; /* +0x0c major in the high half */
	be64 data_offset; /* +0x10 of the dynamic header */
	be32 timestamp; /* +0x18 seconds since 2000-01-01 00:00 UTC */
	uint8_t creator[4]; /* +0x1c */
	be32 creator_version; /* +0x20 */
	uint8_t creator_host[4]; /* +0x24 */
	be64 original_size; /* +0x28 */
	be64 current_size; /* +0x30 bytes of the guest's disk */
	be16 cylinders; /* +0x38 */
	uint8_t heads; /* +0x3a */
	uint8_t sectors; /* +0x3b a track */
	be32 type; /* +0x3c enum vhd_type */
	be32 checksum; /* +0x40 */
	uint8_t id[16]; /* +0x44 in network byte order */
	uint8_t saved_state; /* +0x54 */
	uint8_t reserved[427]; /* +0x55 */
};
static_assert(sizeof(struct vhd_footer) == VHD_SECTOR, "VHD footer");

struct vhd_locator {
	uint8_t platform[4]; /* +0x00 */
	be32 space; /* +0x04 room for the path: bytes or, with some writers, sectors */
	be32 length; /* +0x08 bytes of the path */
	be32 reserved; /* +0x0c */
	be64 offset; /* +0x10 in the file */
};

/* Dynamic Disk Header. */
struct vhd_header {
	uint8_t cookie[8]; /* +0x00 "cxsparse" */
	be64 data_offset; /* +0x08 VHD_NOWHERE */
	be64 table_offset; /* +0x10 of the BAT */
	be32 version; /* +0x18 */
	be32 entries; /* +0x1c in the BAT */
	be32 block_size; /* +0x20 bytes of data, the bitmap not counted */
	be32 checksum; /* +0x24 */
	uint8_t parent_id[16]; /* +0x28 */
	be32 parent_timestamp; /* +0x38 */
	be32 reserved; /* +0x3c */
	be16 parent_name[VHD_PARENT_NAME_UNITS]; /* +0x40 UTF-16 */
	struct vhd_locator locator[VHD_LOCATORS]; /* +0x240 */
	uint8_t reserved2[256]; /* +0x300 */
};
static_assert(sizeof(struct vhd_header) == 1024, "VHD dynamic disk header");

/* What footers and header say, checked. */
struct vhd_image {
	enum vhd_type type;
	char creator[5];
	bool blktap; /* to be written in blktap's dialect */
	struct guid id;
	uint64_t size; /* of the guest's disk */
	uint64_t data_end; /* of what the file stores: where the footer at its end begins */
	/* Not of a fixed disk. */
	uint64_t header_offset;
	uint64_t table_offset;
	uint32_t entries;
	uint32_t block_size;
	uint32_t bitmap_size; /* bytes in front of each block: whole sectors */
	/* Of a differencing disk. */
	struct guid parent_id;
	uint32_t parent_timestamp; /* seconds since 2000-01-01; 0: not told, as Windows leaves it */
	struct parent_names parents;
};

/* Ones' complement of the sum of all bytes but those of the checksum field. */
uint32_t vhd_footer_checksum(const struct vhd_footer *f);
uint32_t vhd_header_checksum(const struct vhd_header *h);
/* Between the stored order of bytes and a GUID's own. */
struct guid vhd_id_get(const uint8_t stored[16]);
void vhd_id_put(uint8_t stored[16], struct guid id);
/* Bytes of the sector bitmap in front of a block of `block_size` bytes. */
uint32_t vhd_bitmap_size(uint32_t block_size);
extern const char *const vhd_type_names[];

/* One of the two places where a footer can be. */
struct vhd_place {
	bool cookie; /* there is one */
	bool valid; /* and it is whole */
	uint64_t off;
	struct vhd_footer footer;
};

/* Reads what is at the start, and at the end of a file of at least a sector. */
int vhd_head_read(struct disk *file, struct vhd_place *p, struct error *e);
int vhd_tail_read(struct disk *file, struct vhd_place *p, struct error *e);
/* Reads footers and header.  On failure nothing is owned. */
int vhd_load(struct disk *file, struct vhd_image *image, struct error *e);
/* Sets what concerns the parent from the header of a differencing disk. */
int vhd_load_parent(
	struct disk *file, const struct vhd_header *h, struct vhd_image *image, struct error *e);
void vhd_image_free(struct vhd_image *image);

int vhd_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e);
int vhd_info(struct disk *d, struct image_info *out, struct error *e);
/* By which the children of a disk made by vhd_open know it. */
struct guid vhd_unique_id(const struct disk *d);

/* vhd_check.c: every structure, for format.check, and whether any is left, for format.remains. */
int vhd_check(struct disk *file, struct check *c, struct error *e);
bool vhd_remains(struct disk *file);
/* format.spec_of */
int vhd_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e);

/* Whether a new image may have such blocks; any power of two is read. */
bool vhd_block_size_written(uint64_t size);
/* Fills type, sizes and a given identifier from what is asked for. */
int vhd_plan(const struct image_spec *spec, struct vhd_image *image, struct error *e);
void vhd_footer_make(const struct vhd_image *image, struct vhd_footer *out);
void vhd_header_make(const struct vhd_image *image, struct vhd_header *out);
int vhd_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e);
extern const struct format_option vhd_options[];

#endif
