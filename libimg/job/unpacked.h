/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_UNPACKED_H
#define LIBIMG_JOB_UNPACKED_H

#include <stdbool.h>

#include "base/strings.h"

/* A bundle that is a tar, as a folder while somebody looks into it. */
struct unpacked {
	char *above; /* a folder of our own in the tmpdir; NULL: none */
	char *folder; /* the bundle's, in it, named after the tar */
	struct strings files;
};

/* By its name: ".tar", with or without a compression. */
bool unpacked_is_wanted(const char *path);
/*
 * Needs as much room below `tmpdir` as the files have data.  ERR_REFUSED for what no bundle holds:
 * anything but plain files, and names that lead elsewhere.  `stop` non-zero: give up; NULL: never.
 * To be closed after a failure, too.
 */
int unpacked_open(const char *path, const char *tmpdir, int (*stop)(void *arg), void *stop_arg,
	struct unpacked *out, struct error *e);
/* Takes all of it away.  All zero is fine. */
void unpacked_close(struct unpacked *u);

#endif
