/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_DISK_H
#define LIBIMG_DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct disk;

/* A run of guest bytes that are alike.  Two neighbouring extents may be alike too. */
struct extent {
	uint64_t length; /* bytes, at least 1 unless at the end */
	bool zero; /* reads as zeros for certain, without reading */
	bool stored; /* the container holds something for it (data, or a preallocated zero) */
	bool compressed; /* stored compressed */
	bool plain; /* stored bytes are the guest's, at `offset` of the host file */
	uint64_t offset;
	unsigned depth; /* how many parents down it is stored */
	const char
		*file; /* path of the host file, lives as long as the disk; NULL: the image's own */
};

/*
 * A disk is anything with bytes at offsets: a host file, the content of a container, a partition,
 * an overlay.  A disk without write never changes and may be read from any thread.  All ranges that
 * reach an operation lie inside the disk.
 */
struct disk_ops {
	int (*read)(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
	/* NULL: read only.  Not to be mixed with calls from other threads. */
	int (*write)(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e);
	/* NULL: everything is stored data.  `out->length` may reach past what the caller asked for.
	 */
	int (*extent)(struct disk *d, uint64_t off, struct extent *out, struct error *e);
	void (*close)(struct disk *d);
	/* NULL: zeros are written. */
	int (*zero)(struct disk *d, uint64_t off, uint64_t len, struct error *e);
};

/* Embedded as the first member of each kind's own structure. */
struct disk {
	const struct disk_ops *ops;
	uint64_t size; /* bytes */
	uint32_t logical_sector; /* bytes: 512 or 4096 */
	uint32_t physical_sector; /* bytes; 0 when not known */
};

/* Reads exactly `len` bytes; past the end is ERR_RANGE. */
int disk_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
/* Writes exactly `len` bytes; ERR_REFUSED on a read-only disk. */
int disk_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e);
/* As disk_write, with zeros; where the disk can, without storing them. */
int disk_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e);
/* The extent at `off`, cut at the end of the disk; length 0 at or past the end. */
int disk_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);
/* NULL is fine. */
void disk_close(struct disk *d);

#endif
