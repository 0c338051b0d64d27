/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VDI_H
#define FORMATS_VDI_H

#include "base/guid.h"
#include "disk/format.h"
#include "formats/block_cache.h"

enum {
	VDI_SECTOR = 512,
	VDI_PAGE = 4096, /* bytes of the map read as one */
};

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

#endif
