/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_LOCKED_H
#define LIBIMG_DISK_LOCKED_H

#include "disk/disk.h"

/*
 * A disk over `below` (not owned) whose operations wait for each other, so that several threads may
 * use a disk that is written.  Everything must then reach `below` through it.
 */
int locked_open(struct disk *below, struct disk **out, struct error *e);

#endif
