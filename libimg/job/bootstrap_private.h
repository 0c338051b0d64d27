/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BOOTSTRAP_PRIVATE_H
#define LIBIMG_JOB_BOOTSTRAP_PRIVATE_H

#include "job/bootstrap.h"

/* `arg`: the job's engine. */
bool bootstrap_cancelled(void *arg);
/* bootstrap_install.c: mmdebstrap, its tar into the file. */
int bootstrap_install(const struct bootstrap_job *j, int output, struct error *e);
/* Takes user and password out of each URL in the text. */
void bootstrap_hide(char *text);

#endif
