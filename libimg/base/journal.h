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

struct journal {
	struct edit *edit;
	size_t count;
	size_t capacity;
};

/* Copies the texts.  A second edit of the same path on the same volume keeps the first `before`,
 * and vanishes when it restores it. */
int journal_add(struct journal *j, const struct edit *entry, struct error *e);
const char *edit_action_name(enum edit_action a);
void journal_free(struct journal *j);

#endif
