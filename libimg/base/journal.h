/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_JOURNAL_H
#define LIBIMG_BASE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* What was changed in a guest, before and after: the source of plan and manifest. */
enum edit_action { EDIT_CREATE, EDIT_REPLACE, EDIT_REMOVE };

/* One state of a file; `present` false means that there is none. */
struct edit_state {
	bool present;
	uint32_t mode, uid, gid; /* mode with the type bits */
	uint64_t size;
	char sha256[DIGEST_HEX_MAX]; /* of the content, or of a link's target; "" for a directory */
};

struct edit {
	enum edit_action action;
	char *volume; /* id of the volume */
	char *path; /* path in the guest */
	char *why; /* one line for people */
	struct edit_state before, after;
};

/* One state of a registry value, or of a key (`value` of the edit NULL). */
struct registry_state {
	bool present;
	uint32_t type;
	uint8_t *data; /* NULL for a key */
	size_t len;
};

struct registry_edit {
	enum edit_action action;
	char *volume; /* id of the volume */
	char *hive; /* path in the guest */
	char *key; /* parts apart by '\\' */
	char *value; /* "" the default one; NULL: the key itself, made or removed with all below */
	char *why;
	struct registry_state before, after;
};

struct journal {
	struct edit *edit;
	size_t count;
	size_t capacity;
	struct registry_edit *registry;
	size_t registry_count, registry_capacity;
};

/* Copies the texts.  A second edit of the same path on the same volume keeps the first `before`,
 * and vanishes when it restores it. */
int journal_add(struct journal *j, const struct edit *entry, struct error *e);
/* Likewise for the registry: a second edit of the same value, keys and names compared in any case.
 * A key that is removed takes along what was recorded below it, and one in a new key needs no
 * entry. */
int journal_add_registry(struct journal *j, const struct registry_edit *entry, struct error *e);
const char *edit_action_name(enum edit_action a);
void journal_free(struct journal *j);

#endif
