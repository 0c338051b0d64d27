/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_HOST_H
#define TOOLS_HOST_H

#include "base/buffer.h"
#include "base/error.h"
#include "guest/target.h"
#include "tools/command.h"

/* The folder that holds targets/: HVIMG_RECIPES, the source tree's beside the program, or the
 * installed one. */
int recipes_folder(struct buffer *path, struct error *e);
/* The shipped targets, and those that `names` means (NULL: none); both are the caller's to free. */
int load_targets(
	const char *names, struct target_list *known, struct target_list *named, struct error *e);
/* --tmpdir, TMPDIR or /var/tmp. */
const char *scratch_folder(const struct common *c);
/* Appends XDG_CACHE_HOME/hvimg, else .cache/hvimg in HOME; nothing when neither is a path. */
int cache_folder(struct buffer *path, struct error *e);
/* SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), 0 without. */
int source_date(uint64_t *out, struct error *e);

#endif
