/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SLICE_H
#define LIBIMG_DISK_SLICE_H

#include "disk/disk.h"

/*
 * `len` bytes of `below` from `off`: a partition.  Writable when `below` is.  Does not own `below`,
 * which must stay open longer.
 */
int slice_open(struct disk *below, uint64_t off, uint64_t len, struct disk **out, struct error *e);

#endif
