/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_APPLIANCE_H
#define LIBIMG_FS_APPLIANCE_H

#include "fs/fs.h"

/*
 * File systems that hvimg has no code for, opened by a Linux kernel in a small virtual machine:
 * libguestfs's appliance, where libguestfs is installed.  It needs no root and has no network; of
 * the guest nothing runs.  The volumes are served to it over NBD on private sockets, from threads
 * of their own: a disk given here is used by those threads too (see disk/locked.h).
 *
 * What the appliance writes is kept aside until fs_sync, and dropped when nothing was put or
 * removed: looking, or an edit that changes nothing, leaves the disk as it was.  A log that was not
 * replayed is replayed there, so reads see what the guest wrote.
 *
 * The kernel's XFS and btrfs stamp times and choose places as they like: what an edit writes is not
 * the same bytes each time, though the files are.
 */
struct appliance;

/* Starts nothing yet.  `tmpdir` NULL: /var/tmp.  `cancelled` (may be NULL) is asked before each
 * thing that is done there, and by another thread while it starts; once it is true all fail with
 * ERR_CANCELLED. */
int appliance_open(const char *tmpdir, bool (*cancelled)(void *arg), void *cancelled_arg,
	struct appliance **out, struct error *e);
/* Stops it; edits that were not synced are lost.  File systems opened in it must be closed before;
 * the disks that were added may be closed after.  NULL is fine. */
void appliance_close(struct appliance *a);

/* Whether it opens file systems of this type, as fs_identify names it. */
bool appliance_opens(const char *type);
/* Adds a volume, before the first fs_open_with; afterwards ERR_USAGE.  More than 24: ERR_RANGE. */
int appliance_add(struct appliance *a, struct disk *d, const struct fs_id *id, struct error *e);

/* Whether it could be started here, as far as can be told without: ERR_UNSUPPORTED with what to
 * install. */
int appliance_check(struct error *e);

/* Opens the file system of a volume that was added; the first starts the appliance. */
int appliance_fs_open(struct disk *d, const struct fs_id *id, const struct fs_options *o,
	struct fs **out, struct error *e);

#endif
