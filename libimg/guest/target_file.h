/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TARGET_FILE_H
#define LIBIMG_GUEST_TARGET_FILE_H

#include "guest/target.h"

/* One file of recipes/targets: checked against `schema`, its targets appended to the list. */
int target_file_load(const char *path, const char *schema, struct target_list *l, struct error *e);
void target_free(struct target *t);
/* One more zeroed element of `size` bytes at the end of *array; NULL: no memory. */
void *targets_grow(void **array, size_t *count, size_t size, struct error *e);

#endif
