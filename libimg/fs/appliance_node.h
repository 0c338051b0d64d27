/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_APPLIANCE_NODE_H
#define LIBIMG_FS_APPLIANCE_NODE_H

#include "fs/fs.h"

/* Numbers for names in directories, given once and kept until the end; the root is NODES_ROOT. */
enum { NODES_ROOT = 1 };

struct node {
	uint64_t parent; /* 0: the root */
	char *name;
	struct fs_stat stat; /* when present */
	bool present;
	bool loaded; /* a directory whose children are all known */
	uint64_t next; /* with the same hash; 0: none */
	uint64_t *child; /* in the order they became known */
	size_t child_count, child_room;
};

/* All zero is empty, without a root. */
struct nodes {
	struct node **node; /* [0] is the root */
	size_t count, room;
	uint64_t *bucket;
	size_t buckets; /* a power of two */
};

/* The number of `name` in `parent`, a new one when it has none; in an empty table that is the root
 * (parent 0). */
int nodes_add(struct nodes *n, uint64_t parent, const char *name, uint64_t *out, struct error *e);
/* 0: no number was given to that name. */
uint64_t nodes_find(const struct nodes *n, uint64_t parent, const char *name);
/* NULL: no such number. */
struct node *nodes_get(const struct nodes *n, uint64_t number);
/* Appends "/a/b", nothing for the root. */
int nodes_path(const struct nodes *n, uint64_t number, struct buffer *out, struct error *e);
void nodes_free(struct nodes *n);

#endif
