/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_EMPTY_H
#define LIBIMG_DISK_EMPTY_H

#include "disk/disk.h"

/* A disk of `size` zero bytes that are stored nowhere. */
int empty_disk_open(uint64_t size, struct disk **out, struct error *e);

#endif
