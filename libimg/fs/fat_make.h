/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_FAT_MAKE_H
#define LIBIMG_FS_FAT_MAKE_H

#include "disk/disk.h"

enum { FAT_MAKE_ID_SIZE = 10 }; /* "XXXX-XXXX" and its NUL */

/*
 * Makes an empty FAT32 volume of all of `d`, which reads as zeros.  `hidden` is the number of
 * sectors before it on its disk.  ERR_RANGE when it is too small or too big for FAT32.
 */
int fat_make(struct disk *d, uint32_t id, uint32_t hidden, struct error *e);
/* The number as blkid shows it. */
void fat_make_id_text(uint32_t id, char text[FAT_MAKE_ID_SIZE]);

#endif
