/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHD_CHECK_H
#define FORMATS_VHD_CHECK_H

#include "disk/check.h"
#include "formats/vhd.h"

/* What the parts of the check of a VHD tell each other. */

/* A structure that is no block, and its place in the file. */
struct vhd_part {
	const char *name; /* static text */
	uint64_t off, len;
};

enum { VHD_PARTS_MAX = 8 + VHD_LOCATORS };

struct vhd_check {
	struct check *c;
	struct disk *file; /* not owned */
	struct vhd_image image; /* owns no path */
	struct vhd_header header;
	struct vhd_part part[VHD_PARTS_MAX];
	size_t parts;
};

static inline bool vhd_overlap(uint64_t off, uint64_t len, uint64_t other, uint64_t other_len)
{
	return off < other + other_len && other < off + len;
}

/* vhd_check_header.c: the dynamic disk header; *good when what follows from it can be looked at. */
int vhd_check_header(struct vhd_check *v, bool *good, struct error *e);
/* Notes where a structure is; two that overlap are a finding. */
int vhd_check_part(
	struct vhd_check *v, const char *name, uint64_t off, uint64_t len, struct error *e);
/* vhd_check_parent.c: what a differencing disk says about its parent, and whether the parent that
 * was found is as old as that. */
int vhd_check_parent(struct vhd_check *v, struct error *e);
/* vhd_check_batmap.c: blktap's map of full blocks, when there is one. */
int vhd_check_batmap(struct vhd_check *v, struct error *e);
/* vhd_check_table.c: BAT, places of the blocks, and room that nothing uses. */
int vhd_check_table(struct vhd_check *v, struct error *e);

#endif
