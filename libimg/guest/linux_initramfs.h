/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_INITRAMFS_H
#define LIBIMG_GUEST_LINUX_INITRAMFS_H

#include "guest/linux.h"

/* Symbolic links of an initramfs that a path to modules may go through.  Private to
 * linux_initramfs*.c. */

enum { LINK_LIMIT = 12 };

struct linux_link {
	char *name, *target;
};

struct linux_links {
	struct linux_link link[LINK_LIMIT];
	size_t count;
};

/* Where lib/modules/V leads: "usr/lib/modules/V". */
int linux_initramfs_root(
	const struct linux_links *links, const char *version, char **out, struct error *e);

#endif
