/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_HOST_FILE_H
#define LIBIMG_DISK_HOST_FILE_H

#include "disk/disk.h"

/*
 * A file or block device of the host, read only, byte for byte.  Its holes are extents with `zero`.
 * A file that becomes shorter while it is open gives ERR_CORRUPT with both sizes.
 */
int host_file_open(const char *path, struct disk **out, struct error *e);
/* Its descriptor, which stays the disk's. */
int host_file_descriptor(struct disk *d);
/* What tells the file from all others of the host. */
int host_file_identity(struct disk *d, uint64_t *device, uint64_t *inode, struct error *e);
/* Whether `path` leads to the same file, or to the same block device; not when nothing is there. */
int host_file_is(struct disk *d, const char *path, bool *same, struct error *e);
/* When it was last written to, seconds since 1970. */
int host_file_modified(struct disk *d, int64_t *out, struct error *e);
/* ERR_CORRUPT when size or modification time are no longer those of the opening. */
int host_file_unchanged(struct disk *d, struct error *e);

#endif
