/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/root_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"

enum {
	BUCKETS_FIRST = 1 << 12,
	TEXT_MAX = 256 << 20, /* bytes */
};

/* FNV-1a: the names' order in the buckets reaches no output. */
static uint64_t hash_of(uint32_t dir, const char *name, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ dir;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

int root_names_open(struct root_names *n, uint64_t root, struct error *e)
{
	*n = (struct root_names){ .buckets = BUCKETS_FIRST, .capacity = 1024, .count = 1 };
	n->name = calloc(n->capacity, sizeof(*n->name));
	n->bucket = calloc(n->buckets, sizeof(*n->bucket));
	if (!n->name || !n->bucket) {
		root_names_close(n);
		return error_nomem(e, "names");
	}
	n->name[0] = (struct root_name){ .node = root, .mode = S_IFDIR };
	return 0;
}

void root_names_close(struct root_names *n)
{
	free(n->name);
	free(n->text);
	free(n->bucket);
	*n = (struct root_names){ 0 };
}

int64_t root_names_find(const struct root_names *n, uint32_t dir, const char *name, size_t len)
{
	uint32_t at = n->bucket[hash_of(dir, name, len) % n->buckets];

	for (; at; at = n->name[at - 1].chain) {
		const struct root_name *one = &n->name[at - 1];

		if (one->parent == dir && one->len == len &&
			!memcmp(n->text + one->text, name, len))
			return at - 1;
	}
	return ROOT_NAME_NONE;
}

static void chain_in(struct root_names *n, uint32_t i)
{
	struct root_name *one = &n->name[i];
	uint32_t *bucket =
		&n->bucket[hash_of(one->parent, n->text + one->text, one->len) % n->buckets];

	one->chain = *bucket;
	*bucket = i + 1;
}

static int buckets_grow(struct root_names *n, struct error *e)
{
	uint32_t *more = calloc(n->buckets * 4, sizeof(*more));

	if (!more)
		return error_nomem(e, "names");
	free(n->bucket);
	n->bucket = more;
	n->buckets *= 4;
	for (size_t i = 1; i < n->count; i++)
		chain_in(n, (uint32_t)i);
	return 0;
}

static int room_make(struct root_names *n, size_t len, struct error *e)
{
	if (n->count >= ROOT_NAMES_MAX || n->text_len + len > TEXT_MAX)
		return error_set(e, ERR_UNSUPPORTED, "more than %zu names", n->count);
	if (n->count == n->capacity) {
		struct root_name *more = reallocarray(n->name, n->capacity * 2, sizeof(*more));

		if (!more)
			return error_nomem(e, "names");
		n->name = more;
		n->capacity *= 2;
	}
	if (n->text_len + len > n->text_capacity) {
		size_t capacity = n->text_capacity * 2 + 65536;
		char *more = realloc(n->text, capacity);

		if (!more)
			return error_nomem(e, "names");
		n->text = more;
		n->text_capacity = capacity;
	}
	return n->count > n->buckets ? buckets_grow(n, e) : 0;
}

int root_names_add(struct root_names *n, uint32_t dir, const char *name, size_t len, uint32_t *out,
	struct error *e)
{
	struct root_name *parent;
	uint32_t i;
	int rc = room_make(n, len, e);

	if (rc)
		return rc;
	i = (uint32_t)n->count++;
	memcpy(n->text + n->text_len, name, len);
	n->name[i] = (struct root_name){
		.parent = dir, .text = (uint32_t)n->text_len, .len = (uint8_t)len
	};
	n->text_len += len;
	chain_in(n, i);
	parent = &n->name[dir];
	if (parent->last)
		n->name[parent->last - 1].next = i + 1;
	else
		parent->first = i + 1;
	parent->last = i + 1;
	*out = i;
	return 0;
}
