/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_LOOKUP_H
#define LIBIMG_DISK_LOOKUP_H

#include "disk/disk.h"

/* A file found in an allowed folder.  It cannot be exchanged between the check and the opening. */
struct lookup {
	int fd; /* names the file without opening it (O_PATH) */
	char *path; /* without symbolic links */
};

/*
 * Finds what `image` means by `reference`, see chain_open; only a regular file in `folder` or below
 * it counts.  ERR_REFUSED: outside, or of a kind that no reference may be; ERR_NOTFOUND.
 */
int lookup_open(const char *image, const char *folder, const char *reference, bool windows,
	struct lookup *out, struct error *e);
/* Opens what was found, for reading. */
int lookup_file(const struct lookup *l, struct disk **out, struct error *e);
void lookup_close(struct lookup *l);

#endif
