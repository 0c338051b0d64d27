/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_RAID_H
#define LIBIMG_VOLUME_RAID_H

#include "disk/disk.h"
#include "volume/volume.h"

/* A member of a Linux software array (md), by its superblock.  md(4). */
struct raid_member {
	const char *version; /* static: "0.90", "1.0", "1.1" or "1.2" */
	uint8_t uuid[16]; /* of the array */
	char name[33]; /* as it was made, "host:name"; "" when it has none */
	int level; /* -1 is linear */
	uint32_t devices; /* that the array has */
};

/*
 * *found tells whether `d` is one.  Versions 0.90 and 1.0 have their superblock near the end, so
 * that the start of the disk looks like what is in the array.
 */
int raid_find(struct disk *d, struct raid_member *out, bool *found, struct error *e);
/* Adds a finding for each volume that is one. */
int raid_report(const struct volume_list *l, struct report *report, struct error *e);

#endif
