/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_PARTITION_GROW_H
#define LIBIMG_VOLUME_PARTITION_GROW_H

#include "volume/volume.h"

/*
 * Moves the end of a partition to the end of the disk, or to the last whole MiB before it when it
 * begins at one; its new size in *size.  Nothing may lie behind it, which is checked.  A disk
 * without a table is its own volume, and as large as it is.  ERR_REFUSED for what a table can't
 * say.
 */
int partition_grow(struct disk *d, const struct volume *v, uint64_t *size, struct error *e);

#endif
