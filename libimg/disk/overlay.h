/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_OVERLAY_H
#define LIBIMG_DISK_OVERLAY_H

#include "base/digest.h"
#include "disk/disk.h"

/*
 * A writable disk over `below` (not owned, never written).  Changed 4 KiB blocks are kept in memory
 * up to `memory_limit` bytes, then in an unlinked file in `tmpdir`; what disk_zero makes zero takes
 * no room there.  One thread edits; after
 * overlay_freeze any number may read and writing is refused.
 */
int overlay_open(struct disk *below, const char *tmpdir, uint64_t memory_limit, struct disk **out,
	struct error *e);
int overlay_freeze(struct disk *overlay, struct error *e);
/* Bytes that the changed blocks hold. */
uint64_t overlay_used(const struct disk *overlay);
/* The sha256 of what a frozen overlay changes, and where; not of what is below. */
int overlay_digest(struct disk *overlay, char hex[DIGEST_HEX_MAX], struct error *e);

#endif
