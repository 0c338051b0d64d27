/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SECOND_H
#define LIBIMG_DISK_SECOND_H

#include "disk/disk.h"

/*
 * A VHD or VHDX as libvhdi reads it: an implementation that is not ours, to check ours against.  It
 * knows neither logs nor where holes are, and reads in one thread at a time.
 */
int second_reader_open(const char *path, struct disk **out, struct error *e);
/* As second_reader_open, for a child of the image at `parent` (NULL: for none), which stands alone.
 * Only a VHD is read right. */
int second_reader_open_child(
	const char *path, const char *parent, struct disk **out, struct error *e);

#endif
