/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_RESIZED_H
#define LIBIMG_DISK_RESIZED_H

#include "disk/disk.h"

/* `below` (not owned) cut to `size` bytes, or with zeros after its end. */
int resized_open(struct disk *below, uint64_t size, struct disk **out, struct error *e);

#endif
