/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_CLOUD_FILE_H
#define LIBIMG_CLOUD_CLOUD_FILE_H

#include <jansson.h>

#include "base/error.h"

/* clouds.yaml, secure.yaml and clouds-public.yaml: where they are, and what they hold. */

/* The value of a variable; NULL when it is not set or empty. */
const char *environment_value(char *const *environment, const char *name);

/*
 * Reads the first of the files NAME.yaml, NAME.yml and NAME.json that is there: first the one that
 * `variable` (NULL: none) names, then those of the current folder, the user's and the system's
 * folders.  *out is NULL without one.  Texts and mappings as in JSON; scalars stay texts; "-" in
 * keys becomes "_".
 */
int cloud_file_find(const char *name, const char *variable, char *const *environment, json_t **out,
	struct error *e);
/* Puts what `over` says into `below`, mapping by mapping. */
int cloud_file_merge(json_t *below, json_t *over, struct error *e);

#endif
