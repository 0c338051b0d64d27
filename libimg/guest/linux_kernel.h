/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_KERNEL_H
#define LIBIMG_GUEST_LINUX_KERNEL_H

#include "guest/linux.h"

/* How the kernels of a guest are found.  Private to linux_kernel*.c and linux_uki.c. */

/* A kernel and an initramfs that are started together. */
struct linux_start {
	char *version;
	char *image, *initramfs; /* guest paths, or NULL */
	struct linux_uki uki;
};

struct linux_boots {
	struct linux_start *boot;
	size_t count;
};

/* `image` and `initramfs` may be NULL. */
int linux_boot_add(struct linux_boots *b, const char *version, const char *image,
	const char *initramfs, struct error *e);
void linux_boots_free(struct linux_boots *b);
/* Whether both paths lead to one file that is there. */
int linux_same_file(struct tree *t, const char *a, const char *b, bool *answer, struct error *e);
/* Versions become parts of paths, here and in an initramfs. */
bool linux_is_version(const char *text);

/* linux_kernel_files.c: by the names that distributions give the files. */
int linux_boots_by_name(struct tree *t, struct linux_boots *b, struct error *e);
/* linux_kernel_menu.c: what boot loaders start besides; also notes what they name in vain. */
int linux_boots_in_menus(struct guest_image *g, struct linux_boots *b, struct error *e);
/* linux_uki.c: unified kernel images on the ESP. */
int linux_boots_unified(struct guest_image *g, struct linux_boots *b, struct error *e);

/* linux_kernel_version.c: of a kernel image, by its header, else the one that has modules.  *out
 * NULL: not known. */
int linux_image_version(struct tree *t, const char *path, char **out, struct error *e);
/* Of the `size` bytes that the file has from its offset on. */
int linux_part_version(const struct linux_file *f, uint64_t size, char **out, struct error *e);

#endif
