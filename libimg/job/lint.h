/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_LINT_H
#define LIBIMG_JOB_LINT_H

#include <stdbool.h>

#include "base/report.h"
#include "guest/target.h"

struct lint_job {
	const char *what; /* a bundle's folder, or one image.json */
	const char *image; /* the file that it describes; NULL: the bundle's one image, or none */
	unsigned glance; /* major version */
	const struct target_list *known; /* all targets */
	bool no_digests; /* digest files are read, what they name is not */
};

/* Would Glance, Nova and compute-hyperv take it?  What speaks against it is in the report. */
int job_lint(const struct lint_job *j, struct report *out, struct error *e);

#endif
