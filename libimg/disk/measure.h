/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_MEASURE_H
#define LIBIMG_DISK_MEASURE_H

#include "disk/convert.h"

/*
 * How long the container of `writer` becomes when every unit of a disk of `size` bytes holds data
 * that does not compress.  Finishes the writer, whose output should be one that keeps nothing.  Of
 * the options, progress counts, and is always told that nothing is done yet.
 */
int measure_full(struct writer *writer, uint64_t size, const struct convert_options *o,
	uint64_t *file_size, struct error *e);

#endif
