/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_GPT_MAKE_H
#define LIBIMG_VOLUME_GPT_MAKE_H

#include "base/guid.h"
#include "disk/disk.h"

enum {
	GPT_MAKE_ENTRIES = 128, /* as every tool makes */
	GPT_MAKE_TABLE = GPT_MAKE_ENTRIES * 128, /* bytes of them */
};

struct gpt_partition {
	unsigned number; /* from 1 on */
	const char *type, *name; /* a GUID; ASCII */
	struct guid id;
	uint64_t off, size; /* bytes, whole sectors */
};

/* Bytes at the end of a disk that the backup takes, and at its beginning the MBR and the GPT. */
uint64_t gpt_make_tail(const struct disk *d);
uint64_t gpt_make_head(const struct disk *d);

/*
 * Writes a protective MBR and both copies of a GPT; what else is on the disk stays.  ERR_USAGE when
 * a partition is not in the usable part of the disk, or two of them overlap.
 */
int gpt_make(struct disk *d, struct guid id, const struct gpt_partition *p, size_t count,
	struct error *e);

#endif
