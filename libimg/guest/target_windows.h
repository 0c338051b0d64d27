/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TARGET_WINDOWS_H
#define LIBIMG_GUEST_TARGET_WINDOWS_H

#include "guest/target_file.h"

/* Takes over what one element says of Windows; others are left to target_need_add. */
int target_windows_add(const char *path, const xmlNode *n, struct target *t, struct error *e);
/* The attributes of <target> itself. */
int target_windows_limits(const xmlNode *root, struct target *t, struct error *e);
void target_windows_free(struct target *t);

int target_driver_add(const char *path, const xmlNode *n, struct target *t, struct error *e);
/* What only a whole target shows. */
int target_drivers_check(
	const char *path, const xmlNode *root, const struct target *t, struct error *e);
void target_driver_free(struct target_driver *d);

/* A number of 32 bits by the schema; 0 where there is no such attribute. */
int target_number_read(const xmlNode *node, const char *name, uint32_t *out, struct error *e);

#endif
