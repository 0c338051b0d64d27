/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_PROPERTIES_H
#define LIBIMG_CLOUD_PROPERTIES_H

#include <jansson.h>

#include "base/strings.h"
#include "disk/format.h"
#include "guest/guest.h"

/* What Glance is told of an image. */

struct image_facts {
	const char *name;
	const struct format *format;
	const char *subformat;		/* as image_info; may be NULL */
	uint64_t virtual_size;		/* bytes */
	uint64_t block_size;		/* bytes */
	uint64_t log_size;		/* VHDX: bytes; 0 takes 1 MiB */
	const struct guest *guest;	/* NULL: not known */
	const struct target *target;	/* NULL: none */
	const struct strings *properties;	/* the user's "key=value", which win; "key=" removes */
};

/* Body of POST /v2/images.  The caller decrefs. */
int image_properties(const struct image_facts *f, json_t **out, struct error *e);

/* The smallest flavor in GiB whose disk compute-hyperv finds large enough for the image (os-win, vhdutils.py:
 * get_internal_vhd_size_by_file_size). */
uint64_t min_disk_gib(const char *glance_format, const char *subformat, uint64_t virtual_size,
	uint64_t block_size, uint64_t log_size);

#endif
