/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_ACCOUNT_H
#define LIBIMG_GUEST_LINUX_ACCOUNT_H

#include "base/buffer.h"
#include "base/strings.h"

/* Texts of records, one a line, fields apart by ':' (passwd(5), group(5), shadow(5), subuid(5));
 * the first field is the name. */

enum {
	ACCOUNT_ID = 2, /* of passwd and group */
	ACCOUNT_GROUP = 3, /* of passwd */
	ACCOUNT_COMMENT = 4,
	ACCOUNT_HOME = 5,
	ACCOUNT_SHELL = 6,
	GROUP_MEMBERS = 3, /* of group and gshadow */
};

bool account_has(const struct buffer *text, const char *name);
/* Field `field` of the record; *out NULL: there is no such record, or it has no such field. */
int account_field(
	const struct buffer *text, const char *name, unsigned field, char **out, struct error *e);
/* The same as a number; *found false when it is none. */
int account_number(const struct buffer *text, const char *name, unsigned field, uint32_t *out,
	bool *found, struct error *e);
/* Whether some record has that number in the field. */
bool account_number_used(const struct buffer *text, unsigned field, uint32_t number);
/* As useradd(8) numbers: one above the highest of min..max that is used, else the lowest that is
 * free.  ERR_RANGE: none is. */
int account_number_free(const struct buffer *text, unsigned field, uint32_t min, uint32_t max,
	uint32_t *out, struct error *e);
/* Appends a record, given without its end of line. */
int account_add(struct buffer *text, const char *record, struct error *e);
/* Puts `value` into a field of the record, which there is. */
int account_set(
	struct buffer *text, const char *name, unsigned field, const char *value, struct error *e);
/* Adds a member to a group's list of them, unless it is there. */
int account_join(struct buffer *text, const char *group, const char *member, struct error *e);

#endif
