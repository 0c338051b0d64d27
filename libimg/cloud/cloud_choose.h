/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_CLOUD_CHOOSE_H
#define LIBIMG_CLOUD_CLOUD_CHOOSE_H

#include "cloud/cloud_settings.h"

/* Sets name and values: those of the cloud that is meant, its profile and region taken in.  What is
 * set is the caller's to free also after a failure. */
int cloud_choose(
	const char *name, char *const *environment, struct cloud_settings *out, struct error *e);

#endif
