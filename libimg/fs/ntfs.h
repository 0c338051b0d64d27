/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_NTFS_H
#define LIBIMG_FS_NTFS_H

#include "fs/fs.h"

/* Opens what fs_identify called ntfs. */
int ntfs_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e);

#endif
