/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_BLOCK_CACHE_H
#define FORMATS_BLOCK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Blocks of one size, copied in and out under a lock that is held for nothing else. */
struct block_cache;
/* Keeps up to `bytes` of them, at least one block. */
int block_cache_open(size_t block, size_t bytes, struct block_cache **out, struct error *e);
/* Copies `len` bytes from `skip` of the block known as `key`; false when it is not there. */
bool block_cache_get(struct block_cache *c, uint64_t key, size_t skip, void *buf, size_t len);
void block_cache_put(struct block_cache *c, uint64_t key, const void *block);
void block_cache_close(struct block_cache *c);

#endif
