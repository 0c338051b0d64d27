/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHDX_READER_H
#define FORMATS_VHDX_READER_H

#include "disk/chain.h"
#include "formats/vhdx.h"
#include "formats/vhdx_log.h"

/* Between the disk that a VHDX becomes, vhdx_disk.c, and how its content is read, vhdx_read.c. */

struct vhdx {
	struct disk disk;
	struct disk *file; /* owned */
	struct vhdx_log *log; /* replayed; NULL when there was nothing to replay */
	struct chain_file parent; /* of a differencing image that may be read */
	struct disk *view; /* the file with its log replayed */
	struct vhdx_image image;
	/*
	 * Why reading fails although the tables are sound; code 0 when it does not.  Opening
	 * succeeds, so that such an image can be described.
	 */
	struct error refusal;
	struct vhdx_bat *bat;
};

static inline struct vhdx *vhdx_of(struct disk *d)
{
	return (struct vhdx *)d;
}

/* vhdx_read.c: of disk_ops. */
int vhdx_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
int vhdx_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

#endif
