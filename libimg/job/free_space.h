/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_FREE_SPACE_H
#define LIBIMG_JOB_FREE_SPACE_H

#include "base/report.h"
#include "disk/disk.h"
#include "volume/volume.h"

/* What the guest's file systems hold free, or worth nothing, left out of a copy. */

struct dropped_volume {
	char id[VOLUME_ID_SIZE]; /* as struct volume */
	const char *filesystem; /* static, as struct fs_id; NULL: none known */
	uint64_t dropped; /* bytes */
};

struct dropped {
	struct dropped_volume *volume; /* in the order of the partition table */
	size_t count;
	struct report findings; /* why a volume was left whole */
};

struct drop_choice {
	bool free; /* what the file systems hold free */
	bool paging; /* what the systems that use them keep of their memory */
};

/*
 * `disk` (not owned, not written to any more) with all that is chosen as zeros.  A volume whose
 * file system is not known, is damaged or was not shut down cleanly is left whole.
 */
int free_space_mask(struct disk *disk, const struct drop_choice *what, struct disk **out,
	struct dropped *dropped, struct error *e);
void dropped_free(struct dropped *d);

#endif
