/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_GROW_H
#define LIBIMG_JOB_GROW_H

#include "base/report.h"
#include "disk/disk.h"
#include "volume/volume.h"

/* What was grown. */
struct grown {
	bool done; /* false: nothing was asked for */
	char volume[VOLUME_ID_SIZE];
	const char *type; /* static: "ext4" */
	uint64_t from, to; /* bytes of the file system; the same: it had all there is */
};

/*
 * Lets the last partition of a disk and its ext2, ext3 or ext4 file system take what is free behind
 * them.  ERR_REFUSED, naming what is last, when that is something else.  `notes` is told.
 */
int disk_grow(struct disk *d, struct grown *out, struct report *notes, struct error *e);

#endif
