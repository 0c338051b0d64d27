/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_PE_GROW_H
#define LIBIMG_GUEST_PE_GROW_H

#include "guest/pe.h"

/*
 * A PE image with other content in one of its sections, which is read as if it were there.  The
 * sections keep their order; those behind move up, in the file and, where they must, in memory.
 */
struct pe_grown {
	uint64_t size; /* of the new image */
	const struct initramfs_source *old, *content;
	struct buffer headers; /* the new image's, to the end of the section table */
	uint64_t start, end; /* of the section in the old image; what follows stays */
	uint64_t follows; /* where that is in the new one */
};

/*
 * `source` and `content` stay the caller's and in use.  ERR_UNSUPPORTED when more depends on where
 * things are than the section table: a signature, or a directory that points behind the section.
 */
int pe_grow(const struct initramfs_source *source, const char *section,
	const struct initramfs_source *content, struct pe_grown *out, struct error *e);
/* A read function as struct initramfs_source has it, for a struct pe_grown. */
int pe_grown_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
void pe_grown_free(struct pe_grown *g);

#endif
