/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DRIVER_MEDIUM_H
#define LIBIMG_GUEST_DRIVER_MEDIUM_H

#include <stdbool.h>

#include "base/buffer.h"

/* The files that a path of the host holds: a folder, a medium or an archive, and those inside. */

enum {
	MEDIUM_PATH_MAX = 1024, /* bytes of a path inside; what is longer is no driver */
	MEDIUM_CAB_MAX = 128 << 20, /* bytes of a cabinet inside another file */
};

struct medium_file {
	/* Where it is, "/" between folders: "drivers.zip: viostor/w10/viostor.inf" on a medium with
	 * that archive.  The same at every walk. */
	const char *place;
	const char *path; /* the end of it: in the innermost archive */
	const char *link; /* the place of what it is another name of, or NULL */
	bool servicing; /* a cabinet that is a package of Windows itself */

	/* For medium_file_read. */
	const char *host;
	struct archive_file *archived;
	const struct buffer *bytes;
};

typedef int (*medium_visit)(void *arg, struct medium_file *f, struct error *e);

/* In an order of its own, the same each time.  No path that is shown leaves its archive: one that
 * would is ERR_CORRUPT.  ERR_USAGE: it is nothing that may hold drivers. */
int medium_walk(const char *path, medium_visit visit, void *arg, struct error *e);
/* The bytes, once; ERR_RANGE when there are more than `limit`. */
int medium_file_read(struct medium_file *f, size_t limit, struct buffer *out, struct error *e);

/* driver_host.c: a file in or below a folder of the host, by a path with "/" in any case; *out
 * NULL: there is none.  Links are not followed. */
int medium_beside(const char *folder, const char *path, char **out, struct error *e);
int medium_host_read(const char *path, size_t limit, struct buffer *out, struct error *e);

#endif
