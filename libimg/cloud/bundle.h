/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_BUNDLE_H
#define LIBIMG_CLOUD_BUNDLE_H

#include <stdbool.h>

#include "cloud/pack.h"
#include "cloud/sums.h"
#include "disk/convert.h"

/*
 * Files with their digests, in a folder or in a tar.  It grows under a temporary name beside its
 * destination, or under none, and gets its name when it is complete.
 */
struct bundle;

struct bundle_options {
	bool tar; /* else a folder */
	enum pack_kind pack; /* of a tar */
	uint64_t time; /* of a tar's files, seconds since 1970 */
	unsigned threads; /* that pack; 0: one a processor */
	bool no_sync;
};

/* ERR_EXISTS when there is something at `destination`. */
int bundle_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e);
/* Copies a file of the host, reading it once, digests on the way; into a folder by sharing its
 * blocks where the file system can.  */
int bundle_copy(struct bundle *b, const char *source, const char *name,
	const struct convert_options *progress, uint64_t *size, struct error *e);
/* The same of a finished file beside the destination, which a folder takes as it is; `hex` are its
 * digests.  It may be gone from its place afterwards. */
int bundle_take(struct bundle *b, const char *source, const char *name,
	char hex[SUM_COUNT][DIGEST_HEX_MAX], const struct convert_options *progress,
	struct error *e);
int bundle_add(struct bundle *b, const char *name, const void *bytes, size_t len, struct error *e);
/* The same for a program. */
int bundle_add_program(
	struct bundle *b, const char *name, const void *bytes, size_t len, struct error *e);
/* Writes SHA512SUMS, SHA256SUMS and MD5SUMS, in the order in which files came, and gives the bundle
 * its name. */
int bundle_commit(struct bundle *b, struct error *e);
/* Without a commit before, nothing is left behind.  NULL is fine. */
void bundle_close(struct bundle *b);

/* A name that a bundle's file can have: one that the digest files can hold and do not use
 * themselves. */
bool bundle_name_fits(const char *name);

#endif
