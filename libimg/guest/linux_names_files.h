/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_NAMES_FILES_H
#define LIBIMG_GUEST_LINUX_NAMES_FILES_H

#include "guest/linux_loader.h"
#include "guest/linux_names_scan.h"

/* A file that may name disks. */
struct name_file {
	struct tree *tree;
	char *path; /* links resolved */
	enum name_syntax syntax;
	bool environment; /* GRUB's environment block, whose size stays */
	bool frozen; /* it can't be written to */
};

/* Each once, in an order that depends on the image alone. */
struct name_files {
	struct name_file *file;
	size_t count;
	struct linux_esp esp;
};

int linux_name_files_find(struct guest_image *g, struct name_files *out, struct error *e);
void linux_name_files_free(struct name_files *f);
/* The text of a file, "" when it is none that can hold names. */
int linux_name_file_read(const struct name_file *f, struct buffer *out, struct error *e);
/* Writes the text that linux_name_file_read gave, edited.  ERR_RANGE when it no longer fits. */
int linux_name_file_write(
	const struct name_file *f, struct buffer *text, const char *why, struct error *e);
/* Whether `len` bytes, padding at the end not counted, are not too many for it. */
int linux_name_file_fits(
	const struct name_file *f, const struct buffer *text, bool *fits, struct error *e);

/* What is known while names are looked at. */
struct names {
	struct guest_image *g;
	struct name_files files;
	struct strings disk; /* links that are the disk itself: "/dev/disk/by-path/pci-..." */
	const struct name_file *file; /* the one being read */
};
int linux_names_open(struct guest_image *g, struct names *out, struct error *e);
void linux_names_close(struct names *s);
/* The volume that a name of one hypervisor means; SIZE_MAX: not known. */
size_t linux_names_volume(const struct names *s, const char *device);

#endif
