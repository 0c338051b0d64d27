/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VDI_H
#define FORMATS_VDI_H

#include "base/bytes.h"
#include "base/guid.h"
#include "disk/format.h"
#include "formats/block_cache.h"

enum {
	VDI_SECTOR = 512,
	VDI_PAGE = 4096, /* bytes of the map read as one */
	VDI_BLOCK_MAX = 1 << 30,
	VDI_HEADER_MIN = 0x180, /* bytes of header 1.1 that are used here, from +0x48 */
};

struct vdi_header {
	uint8_t text[64]; /* +0x00 */
	uint8_t magic[4]; /* +0x40 */
	le16 minor; /* +0x44 1 */
	le16 major; /* +0x46 1 */
	le32 header_size; /* +0x48 */
	le32 type; /* +0x4c */
	le32 flags; /* +0x50 */
	uint8_t comment[256]; /* +0x54 */
	le32 map_off; /* +0x154 bytes */
	le32 data_off; /* +0x158 bytes */
	le32 geometry[3]; /* +0x15c */
	le32 sector; /* +0x168 bytes */
	le32 unused; /* +0x16c */
	le64 size; /* +0x170 bytes */
	le32 block; /* +0x178 bytes */
	le32 block_extra; /* +0x17c bytes in front of each block */
	le32 blocks; /* +0x180 */
	le32 allocated; /* +0x184 */
	uint8_t id[16]; /* +0x188 */
	uint8_t modification[16]; /* +0x198 */
	uint8_t parent[16]; /* +0x1a8 */
	uint8_t parent_modification[16]; /* +0x1b8 */
};
_Static_assert(sizeof(struct vdi_header) == 0x1c8, "VDI header");

enum vdi_type { VDI_DYNAMIC = 1, VDI_STATIC, VDI_UNDO, VDI_DIFFERENCING };

struct vdi {
	struct disk disk;
	struct disk *file; /* owned */
	enum vdi_type type;
	uint32_t block; /* bytes */
	uint32_t blocks;
	uint64_t map_off, data_off;
	struct guid id;
	struct guid parent; /* of a differencing image */
	struct block_cache *map; /* by number of the page */
};

/* vdi.c: by enum vdi_type */
extern const char *const vdi_types[];

/* vdi_read.c */
int vdi_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
int vdi_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

/* vdi_check.c: struct format.check */
int vdi_check(struct disk *file, struct check *c, struct error *e);

#endif
