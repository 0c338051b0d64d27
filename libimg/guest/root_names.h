/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_ROOT_NAMES_H
#define LIBIMG_GUEST_ROOT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The names of a tree that is being unpacked, in memory: which are there, in which directory, what
 * they stand for.  Entries are numbers; the root is 0. */

enum { ROOT_NAMES_MAX = 4 << 20, ROOT_NAME_NONE = -1 };

struct root_name {
	uint64_t node; /* in the file system */
	uint32_t mode; /* only the type counts */
	uint32_t parent;
	uint32_t text; /* where the name begins */
	uint32_t chain; /* the next of the same hash, and 1 */
	uint32_t first, last, next; /* names in it; the next in its directory; each and 1 */
	uint8_t len; /* of the name */
};

struct root_names {
	struct root_name *name;
	size_t count, capacity;
	char *text;
	size_t text_len, text_capacity;
	uint32_t *bucket; /* first entry and 1 */
	size_t buckets; /* a power of two */
};

/* With the root alone. */
int root_names_open(struct root_names *n, uint64_t root, struct error *e);
void root_names_close(struct root_names *n);
/* ROOT_NAME_NONE when there is none. */
int64_t root_names_find(const struct root_names *n, uint32_t dir, const char *name, size_t len);
/* A new one, of 1 to 255 bytes, last in its directory.  ERR_UNSUPPORTED: too many. */
int root_names_add(struct root_names *n, uint32_t dir, const char *name, size_t len, uint32_t *out,
	struct error *e);

#endif
