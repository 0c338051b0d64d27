/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_OVA_H
#define LIBIMG_JOB_OVA_H

#include "base/strings.h"
#include "disk/convert.h"
#include "disk/output.h"
#include "guest/guest.h"

/* A machine with one disk, as one archive. */
struct ova {
	const char *stem, *disk_name; /* of the files in it: STEM.ovf, STEM.mf and the disk's */
	const char *name; /* of the machine */
	struct disk *disk; /* the bytes of the stream-optimised VMDK */
	const char *sha256; /* of them */
	uint64_t capacity, populated; /* bytes of the guest's disk, and those that hold data */
	uint64_t memory; /* MiB; 0: what is usual for the guest */
	bool ide; /* the VMDK's adapter_type is ide, else lsilogic or buslogic */
	const struct guest_image *guest;
	uint64_t time; /* of the files, seconds since 1970 */
	const struct convert_options *engine; /* progress only */
};

/* Whether the disk is to be at IDE; a note when it is not known that the guest starts. */
int ova_controller(const struct guest_image *g, bool *ide, struct report *notes, struct error *e);
/* The memory that the "key=value" properties ask for, 0 when none does.  min_ram is the only one
 * that a machine has a place for: ERR_USAGE for others. */
int ova_memory(const struct strings *properties, uint64_t *out, struct error *e);
/* Writes it into `file`; *size is its length, for the commit. */
int ova_write(const struct ova *o, struct output *file, uint64_t *size, struct error *e);

#endif
