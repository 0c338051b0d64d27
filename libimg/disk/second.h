/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SECOND_H
#define LIBIMG_DISK_SECOND_H

#include "disk/disk.h"

/*
 * A VHD or VHDX as libvhdi reads it: an implementation that is not ours, to check ours against.  It
 * knows neither logs nor where holes are, and reads in one thread at a time.
 */
int second_reader_open(const char *path, struct disk **out, struct error *e);

#endif
