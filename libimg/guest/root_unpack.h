/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_ROOT_UNPACK_H
#define LIBIMG_GUEST_ROOT_UNPACK_H

#include "base/report.h"
#include "fs/fs.h"

/* The root file system of a Linux guest, out of a tar of the host. */
struct root_unpack {
	const char *tar; /* plain, or compressed by gzip, bzip2, xz or zstd */
	struct fs *root; /* a fresh ext4, open for writing */
	int64_t time; /* of directories that the tar has not, seconds since 1970 */
	struct report *notes; /* what was left out */
	/* Of the tar's bytes; non-zero cancels.  May be NULL. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
};

/* What all of the tar would take. */
struct root_size {
	uint64_t bytes; /* of blocks */
	uint64_t nodes;
};

/*
 * Owners by number, modes, times, attributes, ACLs, hard links, holes and devices are taken over.
 * The same name again takes the place of the one before.  ERR_CORRUPT for names that lead out of
 * the tree, through links or files, and for links to what the tar has not.  ERR_RANGE names what
 * did not fit; then *size is of the whole tar, and *full true.
 */
int root_unpack(const struct root_unpack *u, struct root_size *size, bool *full, struct error *e);

#endif
