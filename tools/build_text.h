/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_BUILD_TEXT_H
#define TOOLS_BUILD_TEXT_H

#include "job/build.h"
#include "tools/command.h"

/* What hvimg build prints. */

/* The shipped recipes. */
int build_print_list(const struct common *c, const char *recipes, struct error *e);
/* Of a plan what would be done, else what there is now. */
void build_print(const struct build_job *j, const struct build_result *r);
int build_print_json(const struct build_job *j, const struct build_result *r, struct error *e);

#endif
