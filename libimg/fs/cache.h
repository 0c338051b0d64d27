/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_CACHE_H
#define LIBIMG_FS_CACHE_H

#include "disk/disk.h"

/*
 * A write-back cache between a file system library, which reads and writes block by block, and a
 * disk.  What is written reaches the disk when the cache is full or flushed, in rising order and in
 * long runs.  One thread.
 */
struct cache;

/* `d` is not owned. */
int cache_open(struct disk *d, struct cache **out, struct error *e);
int cache_read(struct cache *c, uint64_t off, void *buf, size_t len, struct error *e);
int cache_write(struct cache *c, uint64_t off, const void *buf, size_t len, struct error *e);
int cache_flush(struct cache *c, struct error *e);
/* Drops what was not flushed.  NULL is fine. */
void cache_close(struct cache *c);

#endif
