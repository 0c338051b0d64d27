/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TARGET_FILE_H
#define LIBIMG_GUEST_TARGET_FILE_H

#include "base/xml.h"
#include "guest/target.h"

/* The file NAME.xml of `directory`, with what it uses of its subdirectory shared/, each checked
 * against `schema`.  The caller frees the target. */
int target_file_load(const char *directory, const char *file, const char *schema,
	struct target *out, struct error *e);
/* Takes over what one element says; `path` is where it was read. */
int target_need_add(const char *path, const xmlNode *n, struct target *t, struct error *e);
/* What several elements have: a boolean attribute, `need`, and the names of all children of one
 * kind. */
int target_flag_read(const xmlNode *node, const char *name, bool *out, struct error *e);
int target_need_read(const xmlNode *node, enum module_need *out, struct error *e);
int target_names_read(const xmlNode *node, const char *kind, struct strings *out, struct error *e);
void target_free(struct target *t);
/* One more zeroed element of `size` bytes at the end of *array; NULL: no memory. */
void *targets_grow(void **array, size_t *count, size_t size, struct error *e);

#endif
