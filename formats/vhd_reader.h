/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHD_READER_H
#define FORMATS_VHD_READER_H

#include "disk/chain.h"
#include "formats/block_cache.h"
#include "formats/vhd.h"

/* Between the disk that a VHD becomes, vhd_disk.c, and how its content is read, vhd_read.c. */

enum { VHD_TABLE_PAGE = 4096 /* bytes of the BAT read as one */ };

struct vhd {
	struct disk disk;
	struct disk *file; /* owned */
	struct vhd_image image;
	struct chain_file parent; /* of a differencing disk that may be read */
	struct error refusal; /* why a differencing disk may not; code 0 when it may */
	struct block_cache *table; /* by number of the page */
	struct block_cache *bitmaps; /* sectors, by offset in the file */
};

static inline struct vhd *vhd_of(struct disk *d)
{
	return (struct vhd *)d;
}

/* vhd_read.c: of disk_ops. */
int vhd_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
int vhd_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

#endif
