/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_CHECKING_H
#define LIBIMG_JOB_CHECKING_H

#include "job/job.h"

/* The steps of job_check.  What they find goes to r->check. */

/* cross.c: reads all content, by libvhdi too where it can. */
int content_cross(const struct check_job *j, struct check_outcome *r, struct error *e);
/*
 * repair.c: writes j->repair and sets r->repaired, or adds a finding that says why it can't be.
 * `watch` is the image's file.
 */
int image_repair(
	const struct check_job *j, struct disk *watch, struct check_outcome *r, struct error *e);

/* check.c: fails as reading anything would, when the disk's parent is missing or wrong. */
int content_probe(struct disk *d, struct error *e);

/* Whether an error tells of the image, not of the host or of what the user wants. */
static inline bool error_tells_of_image(int rc)
{
	return rc == -ERR_CORRUPT || rc == -ERR_UNSUPPORTED || rc == -ERR_REFUSED ||
		rc == -ERR_NOTFOUND || rc == -ERR_RANGE;
}

#endif
