/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_ROOT_DISK_PRIVATE_H
#define LIBIMG_JOB_ROOT_DISK_PRIVATE_H

#include "fs/fs.h"

/*
 * The type of the root partition of what is in `root`: that of its processor in the Discoverable
 * Partitions Specification, which systemd and its tools find without a command line, else that of
 * any Linux file system.  To growpart both are the same.  *out is static.
 */
int root_disk_type(struct fs *root, const char **out, struct error *e);

#endif
