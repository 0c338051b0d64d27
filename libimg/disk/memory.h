/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_MEMORY_H
#define LIBIMG_DISK_MEMORY_H

#include "disk/disk.h"

/* A writable disk in memory, for small images and tests; `bytes` (copied) may be NULL for zeros. */
int memory_disk_open(const void *bytes, size_t len, struct disk **out, struct error *e);

#endif
