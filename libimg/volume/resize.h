/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_RESIZE_H
#define LIBIMG_VOLUME_RESIZE_H

#include "disk/disk.h"

/* ERR_REFUSED, with the numbers, when a disk of `size` bytes would cut one of the volumes of `d`.
 */
int volumes_fit(struct disk *d, uint64_t size, struct error *e);

/*
 * Makes the partition table of a disk right after its size was changed from `old_size`: the backup
 * GPT goes to the new end, both headers and the protective MBR say so.  `d` is writable.  Without a
 * GPT there is nothing to do.
 */
int volumes_follow_size(struct disk *d, uint64_t old_size, struct error *e);

#endif
