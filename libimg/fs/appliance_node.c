/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/appliance_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM_FIRST = 64,
	NODES_MAX = 4 << 20,
	DEPTH_MAX = 2048, /* a path of the appliance has at most 4096 bytes */
};

/* FNV-1a over the parent and the name. */
static uint64_t hash(uint64_t parent, const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ parent;

	h *= UINT64_C(0x100000001b3);
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

struct node *nodes_get(const struct nodes *n, uint64_t number)
{
	return number && number <= n->count ? n->node[number - 1] : NULL;
}

uint64_t nodes_find(const struct nodes *n, uint64_t parent, const char *name)
{
	uint64_t number = n->buckets ? n->bucket[hash(parent, name) & (n->buckets - 1)] : 0;

	while (number) {
		const struct node *x = n->node[number - 1];

		if (x->parent == parent && !strcmp(x->name, name))
			return number;
		number = x->next;
	}
	return 0;
}

static void bucket_put(struct nodes *n, uint64_t number)
{
	struct node *x = n->node[number - 1];
	uint64_t *bucket = &n->bucket[hash(x->parent, x->name) & (n->buckets - 1)];

	x->next = *bucket;
	*bucket = number;
}

static int make_room(struct nodes *n, struct error *e)
{
	size_t room = n->room ? n->room * 2 : ROOM_FIRST;
	struct node **all;
	uint64_t *bucket;

	if (n->count < n->room)
		return 0;
	if (n->count == NODES_MAX)
		return error_set(e, ERR_RANGE, "more than %d files looked at", NODES_MAX);
	all = reallocarray(n->node, room, sizeof(struct node *));
	if (!all)
		return error_nomem(e, "names of files");
	n->node = all;
	bucket = calloc(room, sizeof(*bucket));
	if (!bucket)
		return error_nomem(e, "names of files");
	free(n->bucket);
	n->bucket = bucket;
	n->buckets = room;
	n->room = room;
	for (uint64_t i = 1; i <= n->count; i++)
		bucket_put(n, i);
	return 0;
}

static int child_add(struct node *parent, uint64_t number, struct error *e)
{
	size_t room = parent->child_room ? parent->child_room * 2 : 8;
	uint64_t *all;

	if (parent->child_count == parent->child_room) {
		all = reallocarray(parent->child, room, sizeof(*all));
		if (!all)
			return error_nomem(e, "names of files");
		parent->child = all;
		parent->child_room = room;
	}
	parent->child[parent->child_count++] = number;
	return 0;
}

int nodes_add(struct nodes *n, uint64_t parent, const char *name, uint64_t *out, struct error *e)
{
	uint64_t number = nodes_find(n, parent, name);
	struct node *up = nodes_get(n, parent), *x;
	int rc;

	if (number) {
		*out = number;
		return 0;
	}
	if (!up && (parent || n->count))
		return error_set(e, ERR_USAGE, "no directory %" PRIu64, parent);
	rc = make_room(n, e);
	if (rc)
		return rc;
	x = calloc(1, sizeof(*x));
	if (!x || !(x->name = strdup(name))) {
		free(x);
		return error_nomem(e, "names of files");
	}
	x->parent = parent;
	number = n->count + 1;
	rc = up ? child_add(up, number, e) : 0;
	if (rc) {
		free(x->name);
		free(x);
		return rc;
	}
	n->node[n->count++] = x;
	bucket_put(n, number);
	*out = number;
	return 0;
}

int nodes_path(const struct nodes *n, uint64_t number, struct buffer *out, struct error *e)
{
	const struct node *way[DEPTH_MAX];
	size_t depth = 0;
	int rc = 0;

	for (; number != NODES_ROOT; number = way[depth - 1]->parent) {
		const struct node *x = nodes_get(n, number);

		if (!x || depth == DEPTH_MAX)
			return error_set(e, ERR_RANGE, "no path to file %" PRIu64, number);
		way[depth++] = x;
	}
	while (depth-- && !rc)
		rc = buffer_format(out, e, "/%s", way[depth]->name);
	return rc;
}

void nodes_free(struct nodes *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->node[i]->name);
		free(n->node[i]->child);
		free(n->node[i]);
	}
	free(n->node);
	free(n->bucket);
	*n = (struct nodes){ 0 };
}
