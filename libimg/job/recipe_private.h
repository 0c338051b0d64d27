/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_RECIPE_PRIVATE_H
#define LIBIMG_JOB_RECIPE_PRIVATE_H

#include "base/buffer.h"
#include "base/xml.h"
#include "job/recipe.h"

enum {
	RECIPE_DEPTH = 8, /* of files that include each other */
	RECIPE_FILES = 64,
	RECIPE_STEPS = 10000,
	RECIPE_EXPANDED = 16 << 20, /* bytes of all texts with parameters put in */
	RECIPE_SECRET_LEAST = 4, /* what is shorter would be found, and hidden, all over */
};

/* A recipe while it is read. */
struct recipe_reading {
	struct recipe *recipe;
	const char *schema;
	const struct strings *set;
	const char *path; /* the file at hand */
	const char *stack[RECIPE_DEPTH]; /* the files that led there */
	size_t depth;
	size_t expanded;
};

/* "PATH:LINE: " in front of what is wrong there. */
int recipe_fault(const struct recipe_reading *r, const xmlNode *node, enum error_code code,
	struct error *e, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Puts the same in front of the text that is there. */
int recipe_at(const struct recipe_reading *r, const xmlNode *node, struct error *e);

/* The parameters that the file declares, with their values. */
int recipe_parameters_read(struct recipe_reading *r, const xmlNode *root, struct error *e);
/* Appends `text` with parameters put in. */
int recipe_expand(struct recipe_reading *r, const xmlNode *node, const char *text,
	struct buffer *out, struct error *e);
/* Puts parameters into all of the document, and takes out what `when` leaves out. */
int recipe_expand_all(struct recipe_reading *r, xmlNode *root, struct error *e);
/* The length of "https" in "https://..."; 0: the text is no URL of whatever kind. */
size_t recipe_scheme(const char *location);
/* Makes *path absolute, where it is neither that nor a URL. */
int recipe_path(const struct recipe_reading *r, char **path, struct error *e);

/* A validated element with the parameters put in. */
int recipe_step_read(struct recipe_reading *r, const xmlNode *node, struct error *e);
int recipe_frame_read(struct recipe_reading *r, const xmlNode *node, struct error *e);
int recipe_property_read(
	const xmlNode *node, struct recipe_property **list, size_t *count, struct error *e);
/* Steps of a file, without what else is in it. */
int recipe_include(struct recipe_reading *r, const xmlNode *node, struct error *e);

/* One more zeroed element of `size` bytes at the end of *array; NULL: no memory. */
void *recipe_grow(void **array, size_t *count, size_t size, struct error *e);
/* As xml_attribute; false where there is none. */
int recipe_flag_read(const xmlNode *node, const char *name, bool *out, struct error *e);

#endif
