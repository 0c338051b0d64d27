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
	const char *subformat; /* as image_info; may be NULL */
	uint64_t virtual_size; /* bytes */
	uint64_t block_size; /* bytes; 0 takes the format's default */
	uint64_t log_size; /* VHDX: bytes; 0 takes 1 MiB */
	uint32_t logical_sector; /* bytes; 0 takes 512 */
	const struct guest *guest; /* NULL: not known */
	const struct target *target; /* NULL: none */
	const char *firmware; /* "bios" or "uefi", where the target takes any; NULL: not known */
	const struct strings
		*properties; /* the user's "key=value", which win; "key=" removes; may be NULL */
};

/*
 * Body of POST /v2/images: name, disk_format, container_format, min_disk and what target and guest
 * say.  All values but those of Glance's own numbers and booleans are strings.  ERR_USAGE for a
 * property that Glance does not let anybody set. The caller decrefs.
 */
int image_properties(const struct image_facts *f, json_t **out, struct error *e);

/* The smallest flavor in GiB whose disk compute-hyperv finds large enough for a VHD or VHDX
 * (os-win, vhdutils.py: get_internal_vhd_size_by_file_size); for other formats the size rounded up.
 */
uint64_t min_disk_gib(const struct image_facts *f);

/* The largest disk in bytes, of whole sectors, that compute-hyperv finds small enough for a flavor
 * of `gib` GiB, by the same sums; 0: none.  The facts need no virtual_size. */
uint64_t flavor_disk_size(const struct image_facts *f, uint64_t gib);

/* Whether an image of this Glance disk_format starts on that target's clouds: compute-hyperv takes
 * vhd and vhdx only, and where no OpenStack cloud is none does. */
bool target_takes(const struct target *t, const char *disk_format);
/* Whether one is for that target when nobody says otherwise. */
bool target_suits(const struct target *t, const char *disk_format);

#endif
