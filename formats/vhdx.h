/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHDX_H
#define FORMATS_VHDX_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/guid.h"
#include "disk/format.h"
#include "formats/parent_names.h"

/* VHDX as [MS-VHDX] version 8.0 describes it; the section numbers in the comments are that one's.
 */

#define VHDX_MIB UINT64_C(1048576)
#define VHDX_MAX_SIZE (VHDX_MIB << 26) /* 64 TiB (2.6.2.2) */

enum {
	VHDX_HEADER_OFFSET = 64 << 10, /* of header `n`: (n + 1) times this (2.2.2) */
	VHDX_REGION_OFFSET = 192 << 10, /* the second region table follows the first (2.2.3) */
	VHDX_TABLE_SIZE = 64 << 10, /* of a region table, and of the metadata table */
	VHDX_MAX_ENTRIES = 2047, /* in a region table or a metadata table */
	VHDX_CHUNK_SECTORS = 1 << 23, /* sectors that one sector bitmap block describes (2.4) */
	VHDX_CREATOR_UNITS = 256,
};

/* File type identifier, at the start of the file (2.2.1). */
struct vhdx_identifier {
	uint8_t signature[8]; /* +0x00 "vhdxfile" */
	le16 creator[VHDX_CREATOR_UNITS]; /* +0x08 UTF-16, NUL-terminated unless it fills the field
					   */
};
static_assert(sizeof(struct vhdx_identifier) == 520, "VHDX file type identifier");

/* One of the two headers (2.2.2). */
struct vhdx_header {
	uint8_t signature[4]; /* +0x00 "head" */
	le32 checksum; /* +0x04 CRC-32C of the structure with this field zero */
	le64 sequence; /* +0x08 the higher one is current */
	struct guid file_write; /* +0x10 */
	struct guid data_write; /* +0x20 */
	struct guid log; /* +0x30 zero: nothing to replay */
	le16 log_version; /* +0x40 0 */
	le16 version; /* +0x42 1 */
	le32 log_length; /* +0x44 */
	le64 log_offset; /* +0x48 */
	uint8_t reserved[4016]; /* +0x50 */
};
static_assert(sizeof(struct vhdx_header) == 4096, "VHDX header");

struct vhdx_region_entry {
	struct guid id; /* +0x00 */
	le64 offset; /* +0x10 multiple of 1 MiB */
	le32 length; /* +0x18 multiple of 1 MiB */
	le32 required; /* +0x1c bit 0 */
};

/* Region table (2.2.3). */
struct vhdx_region_table {
	uint8_t signature[4]; /* +0x00 "regi" */
	le32 checksum; /* +0x04 as in the header, over all 64 KiB */
	le32 count; /* +0x08 at most 2047 */
	le32 reserved; /* +0x0c */
	struct vhdx_region_entry entry[VHDX_MAX_ENTRIES]; /* +0x10 */
	uint8_t padding[16];
};
static_assert(sizeof(struct vhdx_region_table) == VHDX_TABLE_SIZE, "VHDX region table");

enum {
	VHDX_ITEM_USER = 1,
	VHDX_ITEM_VIRTUAL_DISK = 2,
	VHDX_ITEM_REQUIRED = 4,
};

struct vhdx_metadata_entry {
	struct guid id; /* +0x00 */
	le32 offset; /* +0x10 from the start of the region, at least 64 KiB */
	le32 length; /* +0x14 */
	le32 flags; /* +0x18 VHDX_ITEM_* */
	le32 reserved; /* +0x1c */
};

/* Metadata table (2.6.1). */
struct vhdx_metadata_table {
	uint8_t signature[8]; /* +0x00 "metadata" */
	le16 reserved; /* +0x08 */
	le16 count; /* +0x0a at most 2047 */
	uint8_t reserved2[20]; /* +0x0c */
	struct vhdx_metadata_entry entry[VHDX_MAX_ENTRIES]; /* +0x20 */
};
static_assert(sizeof(struct vhdx_metadata_table) == VHDX_TABLE_SIZE, "VHDX metadata table");

/* Metadata item File Parameters (2.6.2.1). */
struct vhdx_file_parameters {
	le32 block_size; /* +0x00 */
	le32 flags; /* +0x04 VHDX_FILE_* */
};

enum {
	VHDX_FILE_FIXED = 1, /* LeaveBlockAllocated */
	VHDX_FILE_PARENT = 2,
};

/* Metadata item Parent Locator (2.6.2.6): this header, then `count` entries. */
struct vhdx_locator_header {
	struct guid type; /* +0x00 */
	le16 reserved; /* +0x10 */
	le16 count; /* +0x12 */
};

struct vhdx_locator_entry {
	le32 key_offset; /* +0x00 from the start of the item */
	le32 value_offset; /* +0x04 */
	le16 key_length; /* +0x08 bytes of UTF-16 */
	le16 value_length; /* +0x0a */
};

/* Low three bits of a payload block's BAT entry (2.5.1.1). */
enum vhdx_state {
	VHDX_NOT_PRESENT = 0,
	VHDX_UNDEFINED = 1,
	VHDX_ZERO = 2,
	VHDX_UNMAPPED = 3,
	VHDX_RESERVED_4 = 4,
	VHDX_RESERVED_5 = 5,
	VHDX_FULLY_PRESENT = 6,
	VHDX_PARTIALLY_PRESENT = 7,
};

extern const struct guid vhdx_region_bat, vhdx_region_metadata;
extern const struct guid vhdx_item_file_parameters, vhdx_item_disk_size, vhdx_item_disk_id;
extern const struct guid vhdx_item_logical_sector, vhdx_item_physical_sector;
extern const struct guid vhdx_item_parent_locator, vhdx_locator_vhdx;

/* A part of the file, in bytes. */
struct vhdx_range {
	uint64_t offset;
	uint64_t length;
};

/* What the header section and the metadata region say, checked. */
struct vhdx_image {
	/* vhdx_load_header: from the current header. */
	char creator[VHDX_CREATOR_UNITS * 3 + 1]; /* UTF-8 */
	struct guid file_write, data_write, log_guid;
	bool log_dirty;
	struct vhdx_range log;
	/* vhdx_load_tables: from the region table. */
	struct vhdx_range bat, metadata;
	/* vhdx_load_tables: from the metadata. */
	uint64_t size;
	uint32_t block_size;
	uint32_t logical_sector, physical_sector;
	uint32_t chunk_ratio; /* payload blocks between two sector bitmap entries of the BAT */
	bool fixed, has_parent;
	struct guid disk_id;
	struct buffer locator; /* the item Parent Locator of a child.  Owned. */
	/* Of the first parent locator path there is; NULL when there is none.  Owned. */
	struct parent_names parents;
	/* Either is the parent's data_write; zero when not given. */
	struct guid parent_id, parent_id2;
};

/* Reads the identifier and the current header.  `image` needs no vhdx_image_free after a failure.
 */
int vhdx_load_header(struct disk *file, struct vhdx_image *image, struct error *e);
/*
 * Reads the region table and the metadata.  Only after vhdx_load_header; while the log is dirty
 * what is read here may be stale (2.3.3).  On failure nothing more is owned than before.
 */
int vhdx_load_tables(struct disk *file, struct vhdx_image *image, struct error *e);
int vhdx_load_metadata(struct disk *file, struct vhdx_image *image, struct error *e);
void vhdx_image_free(struct vhdx_image *image);
/* Fills what `info` shows. */
int vhdx_describe(const struct vhdx_image *image, struct image_info *out, struct error *e);

/* Where a payload block's bytes are. */
struct vhdx_place {
	bool zero;
	bool parent; /* all of it is in the parent */
	bool partial; /* some sectors of it are in the parent */
	uint64_t offset; /* in the file, when neither zero nor in the parent */
};

/* The BAT of an open image, for any thread; `file` and `image` have to stay as long. */
struct vhdx_bat;
int vhdx_bat_open(
	struct disk *file, const struct vhdx_image *image, struct vhdx_bat **out, struct error *e);
int vhdx_bat_find(struct vhdx_bat *bat, uint64_t block, struct vhdx_place *out, struct error *e);
/* How many blocks from `block` on, at most `max`, have no bytes in the file and are in the parent,
 * or all read as zeros.  Stops in front of what cannot be read. */
uint64_t vhdx_bat_absent(struct vhdx_bat *bat, uint64_t block, uint64_t max, bool parent);
/* Whether the sector at `within` a partial block is in the file, and how many bytes from there, at
 * most `len`, are alike.  `len` reaches to the end of the block at most. */
int vhdx_bat_run(struct vhdx_bat *bat, uint64_t block, uint64_t within, uint64_t len, bool *present,
	uint64_t *run, struct error *e);
void vhdx_bat_close(struct vhdx_bat *bat);
/* Guest bytes in the file.  With `lenient`, a block whose entry is wrong counts as stored. */
int vhdx_count_allocated(struct disk *file, const struct vhdx_image *image, struct vhdx_bat *bat,
	bool lenient, uint64_t *out, struct error *e);

/* Sets *path (owned by the caller) to where a Parent Locator item says the parent is, or to NULL.
 */
int vhdx_parent_names(const uint8_t *item, size_t len, struct parent_names *out, struct error *e);
/* Sets parent_id and parent_id2 from such an item. */
void vhdx_parent_ids(const uint8_t *item, size_t len, struct vhdx_image *image);

/*
 * Adds a Parent Locator item for a parent with that data_write; `relative` as in parent_spec.  It
 * has the relative path only: a volume or a drive of the Windows host to be is not known, and one
 * way is enough.  parent_linkage2 "can't be present" (2.6.2.6.3).
 */
int vhdx_locator_make(
	struct guid parent, const char *relative, struct buffer *out, struct error *e);

/* CRC-32C of a structure with its checksum field (at offset 4, as everywhere) taken as zero;
 * changes nothing. */
uint32_t vhdx_checksum(void *structure, size_t len);

uint64_t vhdx_block_count(uint64_t size, uint32_t block_size);
/* Of payload block `block` in the BAT, sector bitmap entries counted (2.5). */
static inline uint64_t vhdx_bat_index(uint64_t block, uint32_t chunk_ratio)
{
	return block + block / chunk_ratio;
}

/* Entries that the BAT of an image of that size has at least: with a parent the last chunk has its
 * sector bitmap too (2.5). */
uint64_t vhdx_bat_entries(const struct vhdx_image *image);

/* Fills sizes, sectors, subformat, log length and a given identifier from what is asked for. */
int vhdx_plan(const struct image_spec *spec, struct vhdx_image *image, struct error *e);
/* Writes metadata, region tables, headers and identifier into a file that reads as zeros there;
 * `locator` is the item Parent Locator of a child, else NULL. */
int vhdx_write_head(struct output *file, const struct vhdx_image *image,
	const struct buffer *locator, struct error *e);
extern const struct format_option vhdx_options[];

/* vhdx_check.c: every structure, for format.check, and whether any is left, for format.remains. */
int vhdx_check(struct disk *file, struct check *c, struct error *e);
bool vhdx_remains(struct disk *file);
/* format.spec_of */
int vhdx_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e);

int vhdx_open(struct disk *file, const struct open_options *o, struct disk **out, struct error *e);
int vhdx_info(struct disk *d, struct image_info *out, struct error *e);
/* By which the children of a disk made by vhdx_open know it. */
struct guid vhdx_data_write(const struct disk *d);
/* What a child made by vhdx_open says of its parent; empty when it says nothing. */
const struct buffer *vhdx_locator(const struct disk *d);
int vhdx_allocated(struct disk *d, uint64_t *out, struct error *e);
int vhdx_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e);

#endif
