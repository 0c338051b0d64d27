/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_HOLE_H
#define FORMATS_HOLE_H

#include "disk/disk.h"

/*
 * The run of a file that was last looked at, all of it data or all of it a hole.  A hostile table
 * can name terabytes of a hole as tables: what is known to be zeros need not be read.  All zero at
 * the start.
 */
struct hole {
	uint64_t start, end; /* bytes of the file; nothing is known when they are equal */
	bool zero;
};

/* Whether all of `len` bytes at `off`, inside the file, are known to be zeros. */
int hole_covers(
	struct hole *h, struct disk *file, uint64_t off, uint64_t len, bool *out, struct error *e);
/* As disk_read, without reading a hole; *zero tells that the bytes are zeros for certain. */
int hole_read(struct hole *h, struct disk *file, uint64_t off, void *buf, size_t len, bool *zero,
	struct error *e);

#endif
