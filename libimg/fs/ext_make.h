/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_MAKE_H
#define LIBIMG_FS_EXT_MAKE_H

#include "base/guid.h"
#include "disk/disk.h"

enum { EXT_MAKE_BLOCK = 4096, EXT_MAKE_INODE_RATIO = 16384 }; /* bytes; of disk to an inode */

struct ext_make {
	struct guid uuid, hash_seed;
	int64_t time; /* when it was made, seconds since 1970 */
};

/*
 * Makes an empty ext4 of all of `d`, which reads as zeros: what `mke2fs -t ext4` makes by its own
 * defaults, in blocks of 4 KiB whatever the size, with room to grow to 1024 times the size while
 * mounted.  ERR_RANGE when there is no room for it.
 */
int ext_make(struct disk *d, const struct ext_make *how, struct error *e);
/* At most so many bytes of a file system of that size are its own. */
uint64_t ext_make_overhead(uint64_t size);

#endif
