/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_LINT_PRIVATE_H
#define LIBIMG_CLOUD_LINT_PRIVATE_H

#include "cloud/lint.h"

struct lint {
	const json_t *body;
	const struct lint_rules *rules;
	struct report *out;
};

/* Adds a finding; `fix` may be NULL. */
int lint_note(struct lint *l, enum severity severity, const char *code, const char *fix,
	struct error *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A text property; NULL: not there, or no text. */
const char *lint_text(const struct lint *l, const char *name);
bool lint_is(const struct lint *l, const char *name, const char *value);
/* Whether compute-hyperv is to start it. */
bool lint_for_hyperv(const struct lint *l);

/* The parts of lint_body. */
int lint_base(struct lint *l, struct error *e);
int lint_extra(struct lint *l, struct error *e);
int lint_hyperv(struct lint *l, struct error *e);
int lint_clouds(struct lint *l, struct error *e);

/* What Nova and the drivers read, as strings. */
enum property_type {
	PROPERTY_TEXT,
	PROPERTY_WORD, /* one of the values */
	PROPERTY_FOLDED, /* one of the values, in any case */
	PROPERTY_BOOLEAN,
	PROPERTY_NUMBER,
	PROPERTY_UUID,
};

struct known_property {
	const char *name;
	enum property_type type;
	const char *values; /* "a|b" */
};

extern const struct known_property known_properties[]; /* ended by a NULL name */
const struct known_property *property_by_name(const char *name); /* NULL: not known */
/* The known property that `name` is likely to be meant for; NULL: none. */
const char *property_near(const char *name);
/* Whether `value` is one of "a|b". */
bool value_listed(const char *values, const char *value, bool fold);
/* Writes the one of "a|b" that is likely meant; false: none. */
enum { VALUE_MAX = 64 };
bool value_near(const char *values, const char *value, char near[VALUE_MAX]);

#endif
