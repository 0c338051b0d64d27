/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_GROW_H
#define LIBIMG_FS_EXT_GROW_H

#include "disk/disk.h"

struct ext_growth {
	uint64_t from, to; /* bytes of the file system */
};

/*
 * Makes an ext2, ext3 or ext4 file system as large as its volume, as resize2fs would do to one that
 * is not mounted; `type` is static, as fs_identify says.  Nothing that is there moves: ERR_REFUSED,
 * with the size that is possible, when the descriptors of the new groups have no room.  A last
 * group too small to be of use is left off.  Already as large: nothing is written.
 */
int ext_grow(struct disk *volume, const char *type, struct ext_growth *out, struct error *e);

#endif
