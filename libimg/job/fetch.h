/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_FETCH_H
#define LIBIMG_JOB_FETCH_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "disk/convert.h"

/* Files of web servers, kept in a folder of this host's. */

struct fetch_job {
	const char *url; /* http or https; user and password in it are used, and shown nowhere */
	const char *cache; /* the folder; made, for its owner only, when it is not there */
	const char *digest_name,
		*digest; /* "sha256" or "sha512", lower case hex; NULL: not pinned */
	const char *cacert; /* file of CA certificates, or a folder; NULL: the system's */
	bool no_sync;
	/* Its progress is told the bytes that are there of all; of 0 while nobody knows how many
	 * there are. */
	const struct convert_options *engine;
	/* Told what is waited for, and why; NULL: nobody is. */
	void (*say)(void *arg, const char *text);
	void *say_arg;
};

/* All zero: nothing.  While it is locked no other hvimg changes the file of that path. */
struct fetched {
	struct buffer path;
	char sha256[DIGEST_HEX_MAX]; /* of what is there */
	bool locked;
	int lock;
};

/*
 * A pinned file that is in the cache as it should be is taken from there, and nobody is asked.
 * What is not pinned is asked for again, and taken from the cache if the server says that it is
 * still the same.  What was left of a download goes on where it ended, if a digest or the server
 * can tell that it is the same file; so does one whose connection breaks, a few times.
 *
 * ERR_REFUSED, with both digests, for what is not what was pinned: it does not stay.  Errors name
 * the address without its secrets.
 */
int fetch_file(const struct fetch_job *j, struct fetched *out, struct error *e);
/* The same without asking anybody or writing anything: `out` stays empty when that does not do. */
int fetch_cached(const struct fetch_job *j, struct fetched *out, struct error *e);
/* Lets others change the file; the path stays. */
void fetched_unlock(struct fetched *f);
void fetched_free(struct fetched *f);

#endif
