/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bounded cache of equal blocks.  Readers copy out instead of pinning, so a block may be replaced
 * at any time and the lock is never held across a read of the file.  Set-associative: a lookup
 * looks at WAYS_MAX slots at most, however many there are.
 */
#include "formats/block_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS_MAX = 8 };

struct slot {
	uint64_t key;
	uint64_t used; /* tick of the last use, 0 when empty */
};

struct block_cache {
	pthread_mutex_t lock;
	size_t block;
	size_t sets, ways;
	uint64_t tick; /* under `lock`, as are slot and bytes */
	struct slot *slot; /* sets * ways */
	uint8_t *bytes;
};

int block_cache_open(size_t block, size_t bytes, struct block_cache **out, struct error *e)
{
	struct block_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return error_nomem(e, "a block cache");
	if (pthread_mutex_init(&c->lock, NULL)) {
		free(c);
		return error_nomem(e, "a block cache");
	}
	c->block = block;
	c->ways = bytes / block < WAYS_MAX ? bytes / block : WAYS_MAX;
	c->sets = bytes / block / c->ways;
	c->slot = calloc(c->sets * c->ways, sizeof(*c->slot));
	/* Zeroed memory of this size takes up pages only as they are used. */
	c->bytes = calloc(c->sets * c->ways, block);
	if (!c->slot || !c->bytes) {
		block_cache_close(c);
		return error_nomem(e, "a block cache");
	}
	*out = c;
	return 0;
}

/* First slot of the set that `key` belongs to; keys are offsets, so their low bits say little. */
static size_t cache_set(const struct block_cache *c, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % c->sets * c->ways;
}

bool block_cache_get(struct block_cache *c, uint64_t key, size_t skip, void *buf, size_t len)
{
	size_t first = cache_set(c, key);
	bool found = false;

	pthread_mutex_lock(&c->lock);
	for (size_t i = first; i < first + c->ways && !found; i++) {
		if (!c->slot[i].used || c->slot[i].key != key)
			continue;
		c->slot[i].used = ++c->tick;
		memcpy(buf, c->bytes + i * c->block + skip, len);
		found = true;
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

/* The slot that holds `key` already, or the one unused longest. */
static size_t cache_victim(const struct block_cache *c, uint64_t key)
{
	size_t first = cache_set(c, key);
	size_t victim = first;

	for (size_t i = first; i < first + c->ways; i++) {
		if (c->slot[i].used && c->slot[i].key == key)
			return i;
		if (c->slot[i].used < c->slot[victim].used)
			victim = i;
	}
	return victim;
}

void block_cache_put(struct block_cache *c, uint64_t key, const void *block)
{
	size_t i;

	pthread_mutex_lock(&c->lock);
	i = cache_victim(c, key);
	c->slot[i] = (struct slot){ .key = key, .used = ++c->tick };
	memcpy(c->bytes + i * c->block, block, c->block);
	pthread_mutex_unlock(&c->lock);
}

void block_cache_close(struct block_cache *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->slot);
	free(c->bytes);
	free(c);
}
