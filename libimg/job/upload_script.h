/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_UPLOAD_SCRIPT_H
#define LIBIMG_JOB_UPLOAD_SCRIPT_H

#include "cloud/bundle.h"

/* The script in a bundle that uploads it without hvimg. */
extern const char upload_script_name[];

/* Puts the host's file `path` into the bundle as that script. */
int upload_script_add(const char *path, struct bundle *b, struct error *e);

#endif
