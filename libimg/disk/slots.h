/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SLOTS_H
#define LIBIMG_DISK_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SLOT_SIZE = 4096 };
#define SLOTS_MAX (UINT32_C(1) << 31)

/* Blocks of SLOT_SIZE bytes by number: the first ones in memory, the rest in an unlinked file. */
struct slots {
	uint32_t used; /* slots taken: 0 to used - 1 */
	uint32_t memory_slots; /* those before the file begins */
	uint8_t **memory; /* one allocation a slot */
	int file; /* -1 until needed */
	char *folder; /* of the file */
};

/* Keeps up to `memory_limit` bytes in memory, and makes a file in `folder` when there are more. */
int slots_open(struct slots *s, const char *folder, uint64_t memory_limit, struct error *e);
/* The next slot; it has to be written before it is read. */
int slots_take(struct slots *s, uint32_t *out, struct error *e);
/* `len` bytes from `at` of a slot. */
int slots_read(
	const struct slots *s, uint32_t slot, size_t at, void *buf, size_t len, struct error *e);
/* All of a slot. */
int slots_write(struct slots *s, uint32_t slot, const void *block, struct error *e);
void slots_close(struct slots *s);

#endif
