/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SPOOL_H
#define LIBIMG_DISK_SPOOL_H

#include "disk/convert.h"

/*
 * What comes out of a pipe, kept in a file without a name in `tmpdir` so that it can be read at any
 * offset; zeros take no room there.  Reads `descriptor` to its end.  Of the options, progress
 * counts, with a total of 0: nobody knows it.
 */
struct spool;
int spool_open(int descriptor, const char *tmpdir, const struct convert_options *o,
	struct spool **out, struct error *e);
/* A path under which this process can open what came, until spool_close. */
const char *spool_path(const struct spool *s);
void spool_close(struct spool *s); /* NULL is fine */

#endif
