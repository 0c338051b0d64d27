/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SCRATCH_H
#define LIBIMG_DISK_SCRATCH_H

#include "disk/disk.h"

/*
 * A writable disk over `below` (not owned) that keeps what is written aside, in memory up to
 * `memory_limit` bytes and then in an unlinked file in `tmpdir`, until scratch_commit.  Its
 * operations wait for each other; `below` is read by whichever thread reads the scratch.
 */
int scratch_open(struct disk *below, const char *tmpdir, uint64_t memory_limit, struct disk **out,
	struct error *e);
/* Writes to `below` what was written and differs from it. */
int scratch_commit(struct disk *scratch, struct error *e);
/* The first failure of an operation so far, or 0: whoever used the disk from elsewhere saw that
 * there was one, not which. */
int scratch_failure(struct disk *scratch, struct error *e);

#endif
