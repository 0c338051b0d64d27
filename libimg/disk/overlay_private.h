/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_OVERLAY_PRIVATE_H
#define LIBIMG_DISK_OVERLAY_PRIVATE_H

#include "disk/block_table.h"
#include "disk/overlay.h"
#include "disk/ranges.h"
#include "disk/slots.h"

struct overlay {
	struct disk disk;
	struct disk *below;
	bool frozen;
	struct block_table table;
	struct ranges zeros; /* bytes, whole blocks */
	struct slots slots;
};

/* Bytes of one block that is in the table. */
int overlay_changed_read(struct overlay *o, uint64_t off, void *buf, size_t len, struct error *e);

#endif
