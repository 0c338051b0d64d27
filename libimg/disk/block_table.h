/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_BLOCK_TABLE_H
#define LIBIMG_DISK_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The slots of changed blocks, by the block's number. */
struct block_table {
	uint64_t *key; /* block number + 1; 0 is an empty place */
	uint32_t *slot;
	size_t places; /* power of two */
	size_t entries; /* places that are taken */
	uint64_t *sorted; /* block numbers, rising; NULL until block_table_sort */
};

#define BLOCK_TABLE_END UINT64_MAX /* no block has this number */

int block_table_open(struct block_table *t, struct error *e);
void block_table_close(struct block_table *t); /* all zero is fine */
/* The block's slot, valid until the next block_table_add; NULL: it has none. */
uint32_t *block_table_slot(const struct block_table *t, uint64_t block);
/* A block that is not there yet. */
int block_table_add(struct block_table *t, uint64_t block, uint32_t slot, struct error *e);
/* Sets `bits` in the slots of the blocks from `first` to before `end` that are there. */
void block_table_mark(struct block_table *t, uint64_t first, uint64_t end, uint32_t bits);
/* Nothing is added any more: block_table_next is fast from now on. */
int block_table_sort(struct block_table *t, struct error *e);
/* Whether block_table_next is worth its time: the table is sorted or small. */
bool block_table_is_quick(const struct block_table *t);
/* The first block there is from `block` on, or BLOCK_TABLE_END. */
uint64_t block_table_next(const struct block_table *t, uint64_t block);

#endif
