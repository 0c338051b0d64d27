/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_PROFILE_H
#define LIBIMG_JOB_PROFILE_H

#include "disk/format.h"

/* A named choice of container, options and size for one kind of cloud. */
struct profile {
	const char *name;
	const char *format; /* when neither -O nor the ending says; NULL: they must */
	const char *formats[5]; /* what it may be, ended by NULL */
	const char *subformat; /* what it must be, of a format that has the choice; NULL: any */
	const char *option; /* "key=value" that it adds; NULL: none */
	/* What the destination would refuse. */
	struct profile_refusal {
		const char *format, *option; /* "key=value" */
		const char *why;
	} forbidden[2];
	const char *alone; /* why there is nothing to do with a child there; NULL: there is */
	uint64_t round; /* sizes are rounded up to a multiple; 0: not */
	const char *why; /* of formats and subformat */
};

/* ERR_USAGE names the known ones. */
int profile_find(const char *name, const struct profile **out, struct error *e);
/* Adds what the profile wants to `options`; ERR_USAGE when format, options or that the image is to
 * be a `child` contradict it. */
int profile_apply(const struct profile *p, const struct format *f, bool child,
	struct strings *options, struct error *e);

#endif
