/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHDX_CHECK_H
#define FORMATS_VHDX_CHECK_H

#include "disk/check.h"
#include "formats/vhdx.h"

/* What the parts of the check of a VHDX tell each other. */

struct vhdx_check {
	struct check *c;
	struct disk *file; /* not owned */
	struct disk *view; /* the same with its log replayed */
	struct vhdx_image image; /* owns no path */
	uint64_t front; /* file offset at which the last of log and regions ends */
	/* Bits for each MiB of the file: whether a structure or block is there, and whether an
	 * entry keeps it although its block has no content. */
	uint64_t units; /* number of bits */
	uint8_t *used, *kept;
};

/* Metadata items. */
enum vhdx_check_item {
	VHDX_CHECK_PARAMETERS,
	VHDX_CHECK_DISK_SIZE,
	VHDX_CHECK_DISK_ID,
	VHDX_CHECK_LOGICAL,
	VHDX_CHECK_PHYSICAL,
	VHDX_CHECK_LOCATOR,
	VHDX_CHECK_ITEMS,
};

/* vhdx_check_units.c: who has which MiB of the file; VHDX_UNITS_MAX of them are told apart. */
#define VHDX_UNITS_MAX (2 * VHDX_MAX_SIZE / VHDX_MIB)
int vhdx_units_open(struct vhdx_check *v, struct error *e);
void vhdx_units_close(struct vhdx_check *v);
/* Whether `r` is somebody else's already, at least in part; now all of it is taken. */
bool vhdx_units_take(struct vhdx_check *v, struct vhdx_range r);
void vhdx_units_keep(struct vhdx_check *v, struct vhdx_range r);
/* Room for whole blocks that nobody has is a finding. */
int vhdx_check_leaks(struct vhdx_check *v, struct error *e);

/* Whether a structure can be at `r`: on MiB, behind the header section, inside the file (2.1). */
bool vhdx_range_is_good(const struct vhdx_check *v, struct vhdx_range r);

/* In each, *good tells whether what follows from it can be looked at. */
/* vhdx_check_header.c: the header section but for the region tables. */
int vhdx_check_headers(struct vhdx_check *v, bool *good, struct error *e);
/* vhdx_check_region.c */
int vhdx_check_regions(struct vhdx_check *v, bool *good, struct error *e);
/* The metadata table, and which of its entries are the known items; NULL: not there, or not usable.
 */
struct vhdx_check_table {
	struct vhdx_metadata_table table;
	const struct vhdx_metadata_entry *item[VHDX_CHECK_ITEMS];
};
/* vhdx_check_metadata.c: table and values. */
int vhdx_check_metadata(struct vhdx_check *v, bool *good, struct error *e);
/* vhdx_check_values.c: of a table with all items that there have to be. */
int vhdx_check_values(
	struct vhdx_check *v, const struct vhdx_check_table *m, bool *good, struct error *e);
/* vhdx_check_locator.c: a Parent Locator item, `len` bytes at file offset `off`. */
int vhdx_check_locator(
	struct vhdx_check *v, const uint8_t *item, size_t len, uint64_t off, struct error *e);
/* vhdx_check_bat.c */
int vhdx_check_bat(struct vhdx_check *v, struct error *e);

#endif
