/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BOOTSTRAP_H
#define LIBIMG_JOB_BOOTSTRAP_H

#include "base/buffer.h"
#include "base/strings.h"
#include "disk/convert.h"

/*
 * The root file system of a Debian or a relative of it, installed of packages by the host's
 * mmdebstrap.  This is the one place where hvimg has code of a guest run: scripts of packages, in a
 * user namespace, which mmdebstrap makes for them.
 */
struct bootstrap_job {
	const char *suite; /* "bookworm" */
	/* An http, https, file or copy URL, or a line of sources.list.  A password in it is shown
	 * nowhere, and not left in the guest. */
	const char *mirror;
	const struct strings *packages; /* beside those without which there is no apt */
	const char *cache; /* the folder of such tars; made, for its owner only */
	const char *tmpdir; /* for what is being installed; any user can enter it */
	uint64_t time; /* no file of it is newer, seconds since 1970; 0: as it comes */
	bool refresh; /* install again what is there already */
	bool no_sync;
	const struct convert_options *engine; /* only its progress, to stop */
	/* Told what takes long, or how old what is used is; may be NULL. */
	void (*say)(void *arg, const char *text);
	void *say_arg;
};

/*
 * Appends the path of a tar in the cache.  A tar that is there, of the same suite, mirror,
 * packages, time and processor, is used again, however old, unless `refresh`: a mirror has other
 * packages the next day, so that only the tar pins what an image is made of.  ERR_NOTFOUND without
 * mmdebstrap.
 */
int bootstrap_run(const struct bootstrap_job *j, struct buffer *path, struct error *e);

#endif
