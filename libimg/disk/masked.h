/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_MASKED_H
#define LIBIMG_DISK_MASKED_H

#include "disk/disk.h"

/*
 * A read-only disk over `below` (not owned) with parts hidden: they read as zeros and are zero
 * extents, whatever is below.  One thread hides, in any order; after masked_freeze any number may
 * read.
 *
 * At most `limit` parts, at least 1, are remembered.  When there are more, the shortest are given
 * up, which leaves their bytes as they are below; which ones depends on the calls only.
 */
int masked_open(struct disk *below, size_t limit, struct disk **out, struct error *e);
/* Bytes off..off+len, inside the disk and not hidden already. */
int masked_hide(struct disk *masked, uint64_t off, uint64_t len, struct error *e);
void masked_freeze(struct disk *masked);
/* Bytes hidden in off..off+len, of a frozen mask. */
uint64_t masked_bytes(const struct disk *masked, uint64_t off, uint64_t len);

#endif
