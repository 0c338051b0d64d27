/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_LINT_H
#define LIBIMG_JOB_LINT_H

#include <stdbool.h>

#include "base/report.h"
#include "guest/target.h"

struct lint_job {
	const char *what; /* a bundle's folder or tar, or one image.json */
	const char *image; /* the file that it describes; NULL: the bundle's one image, or none */
	unsigned glance; /* major version */
	const struct target_list *known; /* all targets */
	const char *tmpdir; /* where a tar is unpacked */
	int (*stop)(void *arg); /* meanwhile; non-zero: give up; NULL: never */
	void *stop_arg;
	bool no_digests; /* digest files are read, what they name is not */
};

/* Would Glance, Nova and compute-hyperv take it?  What speaks against it is in the report. */
int job_lint(const struct lint_job *j, struct report *out, struct error *e);

#endif
