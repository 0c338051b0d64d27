/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_CPIO_READ_H
#define LIBIMG_GUEST_CPIO_READ_H

#include "guest/decompress.h"

/* A link whose content was asked for but comes with a later entry of the same inode. */
struct cpio_link {
	uint32_t inode, major, minor, mode;
	char *name;
};

/* Reads newc archives ("070701", and "070702" with checksums) from streams. */
struct cpio_reader {
	const struct initramfs_visitor *visitor;
	unsigned segment;
	uint64_t entries; /* so far, over all archives */
	bool firmware_only; /* so far, in the archives since the caller set it */
	struct buffer name, content;
	struct cpio_link *link;
	size_t link_count;
};

enum { CPIO_NAME_LIMIT = 4096, CPIO_LINK_LIMIT = 1024 };

/*
 * Visits the entries of one archive and stops after its trailer.  *complete is false when the
 * stream ended before a header instead.
 */
int cpio_read_archive(struct cpio_reader *r, struct stream *s, bool *complete, struct error *e);
void cpio_reader_free(struct cpio_reader *r);

#endif
