/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_HIVE_CHECK_H
#define LIBIMG_GUEST_HIVE_CHECK_H

#include "guest/hive_private.h"

struct hive_check_key {
	uint32_t at, parent, depth;
};

struct hive_check {
	const uint8_t *bins;
	uint32_t size, minor;
	uint8_t *allocated, *reached, *shared; /* a bit for each place where a cell can be */
	struct hive_check_key *stack; /* keys to be looked at */
	size_t count, capacity;
	struct buffer security; /* one offset a key */
};

/* ERR_CORRUPT: "WHAT at OFFSET" */
int hive_bad(struct error *e, uint32_t at, const char *what);
/* The content of an allocated cell of at least `len` bytes that starts with `magic`, unless that is
 * NULL; NULL: there is none, said in *e. */
const void *hive_check_cell(
	const struct hive_check *c, uint32_t at, const char *magic, size_t len, struct error *e);
/* The same of one that nothing has claimed before. */
const void *hive_check_claim(
	struct hive_check *c, uint32_t at, const char *magic, size_t len, struct error *e);
/* The same of one that others of its kind may share; *first: it was not met before. */
const void *hive_check_share(struct hive_check *c, uint32_t at, const char *magic, size_t len,
	bool *first, struct error *e);

/* hive_check_key.c: everything that the root key leads to. */
int hive_check_keys(struct hive_check *c, uint32_t root, struct error *e);
/* hive_check_value.c: one key's values. */
int hive_check_values(struct hive_check *c, const struct hive_key *k, struct error *e);

#endif
