/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_FREE_H
#define LIBIMG_FS_FREE_H

#include "fs/fs.h"

/* What is free in kinds whose structures are read for that alone: as free_runs of fs_ops. */

typedef int (*free_each)(void *arg, uint64_t off, uint64_t len, struct error *e);

int swap_free_runs(struct disk *d, free_each each, void *arg, struct error *e);
/* ERR_REFUSED when it was not unmounted, or has features that may change what is free. */
int xfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e);
/* Likewise; the runs come in any order. */
int btrfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e);
/* ERR_REFUSED when Windows did not shut it down, keeps it in a hibernation file, or has shadow
 * copies of it. */
int ntfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e);
/* What its page files and a hibernation file that nothing resumes from have of the disk. */
int ntfs_paging_runs(struct disk *d, free_each each, void *arg, struct error *e);

#endif
