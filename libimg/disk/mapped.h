/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_MAPPED_H
#define LIBIMG_DISK_MAPPED_H

#include "disk/disk.h"

/* A piece of a disk that is put together from parts of another one. */
struct mapped_piece {
	uint64_t len; /* bytes */
	/* Where its columns begin below; with more than one, stripes of `stripe` bytes go round
	 * them, and `len` is a multiple of a whole round. */
	uint64_t *at;
	size_t columns;
	uint64_t stripe;
};

/*
 * A disk made of pieces of `below` (not owned, must stay open longer), one behind the other: a
 * logical volume.  ERR_RANGE when one is not inside `below`.
 */
int mapped_open(struct disk *below, const struct mapped_piece *piece, size_t count, bool writable,
	struct disk **out, struct error *e);
/* Calls back for each run of bytes below that off..off+len of a mapped disk lies in, in that
 * order; a non-zero answer ends it and is returned. */
int mapped_places(const struct disk *mapped, uint64_t off, uint64_t len,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);

#endif
