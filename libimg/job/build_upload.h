/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BUILD_UPLOAD_H
#define LIBIMG_JOB_BUILD_UPLOAD_H

#include "job/build_private.h"

/* Before anything is done: that the bundle is of a kind that is uploaded, and that the cloud lets
 * us in. */
int build_upload_check(const struct build_job *j, struct error *e);
/*
 * Writes the bundle, and uploads its images if the recipe says so.  A bundle of the same plan and
 * edits that is there is not written again: an upload that failed goes on.
 */
int build_deliver(struct building *b, struct error *e);

#endif
