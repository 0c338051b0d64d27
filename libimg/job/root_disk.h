/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_ROOT_DISK_H
#define LIBIMG_JOB_ROOT_DISK_H

#include "base/report.h"
#include "disk/convert.h"

/* A disk that starts, made of the root file system of a Linux guest. */

struct root_disk_job {
	const char *tar; /* of the host; plain or compressed */
	uint64_t disk_size; /* bytes */
	int64_t time; /* of what the tar does not bring along, seconds since 1970 */
	const char *tmpdir;
	struct convert_options engine; /* progress only */
};

/* All zero is none. */
struct root_disk {
	struct disk *empty;
	struct disk *disk; /* over it; nothing is written to it any more */
};

/*
 * A GPT with a BIOS boot partition, an EFI system partition and, last, an ext4 with all that is in
 * the tar, and what starts them.  The same tar, size and time make the same bytes: every identifier
 * comes from them.  ERR_RANGE when the tar does not fit, with the size that is enough.
 */
int root_disk_make(const struct root_disk_job *j, struct root_disk *out, struct report *notes,
	struct error *e);
void root_disk_close(struct root_disk *d);

#endif
