/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_BUNDLE_H
#define LIBIMG_CLOUD_BUNDLE_H

#include <stdbool.h>

#include "disk/convert.h"

/*
 * A folder of files with their digests.  It grows under a temporary name beside its destination and
 * gets its name when it is complete.
 */
struct bundle;

/* ERR_EXISTS when there is something at `destination`. */
int bundle_open(const char *destination, bool no_sync, struct bundle **out, struct error *e);
/* Copies a file of the host (by sharing its blocks where the file system can), digests on the way.
 */
int bundle_copy(struct bundle *b, const char *source, const char *name,
	const struct convert_options *progress, uint64_t *size, struct error *e);
int bundle_add(struct bundle *b, const char *name, const void *bytes, size_t len, struct error *e);
/* Writes SHA512SUMS, SHA256SUMS and MD5SUMS and gives the folder its name. */
int bundle_commit(struct bundle *b, struct error *e);
/* Without a commit before, nothing is left behind.  NULL is fine. */
void bundle_close(struct bundle *b);

/* A name that a bundle's file can have: one that the digest files can hold and do not use
 * themselves. */
bool bundle_name_fits(const char *name);

#endif
