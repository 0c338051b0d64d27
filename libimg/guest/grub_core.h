/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_GRUB_CORE_H
#define LIBIMG_GUEST_GRUB_CORE_H

#include "fs/tree.h"

/*
 * GRUB's core image for a BIOS, made of the files that a guest has of it: what grub-mkimage would
 * make of them, up to the compressor's choices.  None of them is run.
 */
struct grub_core {
	struct tree *tree;
	const char *directory; /* "/usr/lib/grub/i386-pc" */
	const struct strings *modules; /* "ext2"; those they need come by themselves */
	const char *config; /* commands that are run first */
	const char *prefix; /* "/boot/grub" */
	uint64_t sector; /* of the disk, where the image will begin */
};

enum { GRUB_SECTOR = 512 };

/* Whole sectors.  ERR_CORRUPT names a file that is not what GRUB 2 has, ERR_NOTFOUND one that is
 * not there. */
int grub_core_make(const struct grub_core *c, struct buffer *out, struct error *e);
/* grub_core_modules.c: the modules and all they need, those first; by moddep.lst. */
int grub_modules_resolve(
	const char *moddep, const struct strings *wanted, struct strings *out, struct error *e);
/* A file of GRUB's; at most `limit` bytes. */
int grub_file_read(const struct grub_core *c, const char *name, size_t limit, struct buffer *out,
	struct error *e);

/* grub_prefix.c: the folder that a GRUB for UEFI has built in, "/EFI/debian"; appended.
 * ERR_CORRUPT when the file is none. */
int grub_prefix_read(struct tree *t, const char *path, struct buffer *out, struct error *e);

#endif
