/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SNIFF_H
#define LIBIMG_CLOUD_SNIFF_H

#include "base/report.h"
#include "disk/disk.h"

/*
 * What Glance and Nova find in an image: the inspectors of oslo.utils (format_inspector.py), which
 * look at a few bytes of a stream and know less than a reader of the format.  More than one may
 * claim a file; when none does it is raw.
 */
enum sniff_format {
	SNIFF_RAW,
	SNIFF_QCOW2,
	SNIFF_VHD, /* dynamic or differencing: a fixed one has its only footer at the end */
	SNIFF_VHDX,
	SNIFF_VMDK,
	SNIFF_VDI,
	SNIFF_QED,
	SNIFF_ISO,
	SNIFF_GPT, /* any boot sector that is not FAT's, MBR included */
	SNIFF_LUKS,
	SNIFF_COUNT
};

/* A safety check that the image fails. */
struct sniff_failure {
	enum sniff_format format;
	const char *check; /* oslo's name for it; "structure": its inspector gives up */
	const char *why;
};

enum { SNIFF_FAILURES = 8 };

/* The last sector of a VHD of any type; oslo does not look at it. */
struct sniff_footer {
	bool there;
	uint32_t type; /* 2 fixed, 3 dynamic, 4 differencing */
	uint64_t original_size, current_size;
};

/* What os-win and we want to know of a VHDX, and oslo does not. */
struct sniff_vhdx {
	bool has_parent;
	bool odd_order; /* the tables are not in the order that os-win reads them in */
};

struct sniff {
	bool match[SNIFF_COUNT]; /* never SNIFF_RAW */
	uint64_t virtual_size[SNIFF_COUNT]; /* what Glance would note; 0: not known */
	struct sniff_failure failure[SNIFF_FAILURES];
	size_t failures;
	struct sniff_footer footer;
	struct sniff_vhdx vhdx;
};

/* Looks at the bytes of `file`, not at the guest's. */
int sniff_file(struct disk *file, struct sniff *out, struct error *e);
const char *sniff_name(enum sniff_format f); /* Glance's disk_format: "vhd" */
/* How many formats claim the file, and the one when it is one; SNIFF_RAW for none. */
size_t sniff_matches(const struct sniff *s, enum sniff_format *one);

#endif
