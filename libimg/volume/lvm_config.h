/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_LVM_CONFIG_H
#define LIBIMG_VOLUME_LVM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* LVM's text metadata taken apart: sections of values and further sections.  lvm.conf(5) has the
 * grammar. */

enum lvm_kind { LVM_SECTION, LVM_ARRAY, LVM_STRING, LVM_NUMBER };

struct lvm_node {
	enum lvm_kind kind;
	const char *name; /* "" for what is in an array */
	const char *text; /* of a string */
	uint64_t number;
	size_t parent, child, last, next; /* indices; 0: none, as that is the whole text */
};

struct lvm_config {
	char *bytes; /* that names and strings point into */
	struct lvm_node *node; /* [0] is the section of all that is outermost */
	size_t count, capacity;
};

/* Takes a copy of the text.  ERR_CORRUPT when it does not follow the grammar. */
int lvm_config_parse(const char *text, size_t len, struct lvm_config *out, struct error *e);
void lvm_config_free(struct lvm_config *c);

/* The first node of that name and kind in a section; 0: none. */
size_t lvm_find(const struct lvm_config *c, size_t section, const char *name, enum lvm_kind kind);
/* The string of that name, or NULL. */
const char *lvm_text(const struct lvm_config *c, size_t section, const char *name);
/* False when there is no number of that name. */
bool lvm_number(const struct lvm_config *c, size_t section, const char *name, uint64_t *out);
/* Whether an array of that name has the string. */
bool lvm_has(const struct lvm_config *c, size_t section, const char *name, const char *string);

#endif
