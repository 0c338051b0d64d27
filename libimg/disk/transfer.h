/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_TRANSFER_H
#define LIBIMG_DISK_TRANSFER_H

#include <stdatomic.h>

#include "disk/convert.h"

/* What convert does with one unit, in any thread: read it, find its zeros, write it. */

enum {
	TRANSFER_PARTS = UNIT_MAX / UNIT_SIZE,
	TRANSFER_RUNS = 128,
};

/* Constant while units are under way. */
struct transfer {
	struct disk *source;
	struct writer *writer;
	struct output *file;
	const struct convert_options *options;
	size_t unit, chunk; /* bytes */
	bool holes; /* what is not written reads as zeros */
	atomic_bool clones; /* extents can be shared between source and file, as far as is known */
};

/* Bytes of the unit that lie in the source's own file as they are. */
struct plain_run {
	size_t at, len; /* in the unit */
	uint64_t offset; /* in the file */
};

struct unit {
	struct block block;
	bool kept; /* something of it goes to the writer */
	/* Of each UNIT_SIZE bytes, when part_kept. */
	uint8_t digest[TRANSFER_PARTS][FAST_DIGEST_SIZE];
	bool part_kept[TRANSFER_PARTS];
	struct plain_run run[TRANSFER_RUNS];
	size_t runs;
	uint8_t *parent; /* the parent's bytes; NULL without one */
	uint8_t *changed;
};

int unit_open(struct unit *u, const struct transfer *t, struct error *e);
void unit_close(struct unit *u);
/* Finds the first unit at or after *pos that may hold something to write, sets *off to its start
 * and *pos to its end.  *found is false when there is none. */
int unit_find(const struct transfer *t, uint64_t *pos, uint64_t *off, bool *found, struct error *e);
/* Reads and encodes the unit at block.off, of block.len bytes. */
int unit_read(struct transfer *t, struct unit *u, struct error *e);
/* Writes a unit that has been placed. */
int unit_write(struct transfer *t, struct unit *u, struct error *e);

#endif
