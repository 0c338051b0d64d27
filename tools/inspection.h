/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_INSPECTION_H
#define TOOLS_INSPECTION_H

#include <jansson.h>

#include "disk/format.h"
#include "guest/guest.h"

/* What inspect found, ready to be shown. */
struct inspection {
	const char *path;
	const struct format *format;
	struct disk *disk;
	struct guest_image *image;
	struct readiness *readiness;
	size_t readiness_count;
};

json_t *inspection_json(const struct inspection *i);
void inspection_print(const struct inspection *i);
/* The part of a guest's that only Windows has. */
json_t *windows_json(const struct windows_info *w);
void windows_print(const struct windows_info *w);
/* The part of it about targets. */
void inspection_print_readiness(const struct inspection *i);

#endif
