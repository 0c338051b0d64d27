/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_OVF_H
#define LIBIMG_CLOUD_OVF_H

#include "base/buffer.h"
#include "guest/guest.h"

/* A machine with one disk, as its OVF descriptor tells of it. */
struct ovf_facts {
	const char *name; /* of the machine */
	const char *file; /* the disk's, a stream-optimised VMDK */
	uint64_t file_size; /* bytes */
	uint64_t capacity; /* bytes of the guest's disk */
	uint64_t populated; /* of them, bytes that hold data */
	uint64_t memory; /* MiB */
	bool uefi; /* firmware that starts it; else BIOS */
	bool ide; /* the disk's controller; else SCSI (LSI Logic) */
	const struct guest *guest; /* NULL: not known */
};

/* Appends the descriptor (OVF 1.1, DSP0243).  ERR_UNSUPPORTED when a name is no UTF-8. */
int ovf_text(const struct ovf_facts *f, struct buffer *out, struct error *e);

/* The number and the name in CIM_OperatingSystem.OSType of what the guest runs. */
struct ovf_os {
	const char *id, *name;
};
struct ovf_os ovf_os_of(const struct guest *g);

#endif
