/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_NTFS_NAME_H
#define LIBIMG_FS_NTFS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	NTFS_NAME_UNITS = 255, /* of UTF-16 in a name */
	NTFS_NAME_BYTES = 3 * NTFS_NAME_UNITS, /* of UTF-8 in a name */
};

struct ntfs_name {
	uint16_t text[NTFS_NAME_UNITS]; /* UTF-16 in host order */
	uint8_t units;
};

/* False when it is empty, too long or no UTF-8. */
bool ntfs_name_read(const char *name, struct ntfs_name *out);
/* From little-endian units. */
void ntfs_name_load(const void *units, uint8_t count, struct ntfs_name *out);
void ntfs_name_store(const struct ntfs_name *name, uint8_t out[2 * NTFS_NAME_UNITS]);
/* What is no character, or would end a name, becomes U+FFFD. */
void ntfs_name_text(const struct ntfs_name *name, char out[NTFS_NAME_BYTES + 1]);
/* ERR_USAGE when Windows can't have a file of that name. */
int ntfs_name_check(const char *name, struct ntfs_name *out, struct error *e);

#endif
