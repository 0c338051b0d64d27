/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_IMAGE_H
#define LIBIMG_DISK_IMAGE_H

#include "disk/format.h"

/*
 * Opens an image: the host file, then what container its content says it is, or `format` when that
 * is not NULL.  A file that two containers claim is refused with both named; so are known
 * containers that hvimg does not read.  *used (may be NULL) tells which format it was.
 */
int image_open(const char *path, const char *format, struct disk **out, const struct format **used,
	struct error *e);
/*
 * As image_open, with what else matters: o->path is not looked at; o->chain (may be NULL) gets the
 * files that were opened, the image first.  A parent that is missing or not allowed makes reading
 * fail, not opening.
 */
int image_open_with(const char *path, const char *format, const struct open_options *o,
	struct disk **out, const struct format **used, struct error *e);
/* Which format the content says, without opening it.  ERR_CORRUPT when the file passes for a raw
 * disk, but is what is left of a container. */
int image_probe(struct disk *file, const struct format **out, struct error *e);
/* The container of which the file, which no probe claims, still has whole structures; NULL: none.
 */
const struct format *image_remains(struct disk *file);

#endif
