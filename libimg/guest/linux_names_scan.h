/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_NAMES_SCAN_H
#define LIBIMG_GUEST_LINUX_NAMES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a file is read. */
enum name_syntax {
	FSTAB, /* first field: fstab(5) */
	CRYPTTAB, /* second field: crypttab(5) */
	WORDS, /* anywhere: kernel command lines and shell-like settings */
};

/* A name that only one hypervisor gives a disk. */
struct name_found {
	const char *device; /* in the text scanned, `len` bytes */
	size_t len;
	uint64_t line;
	bool required;
	bool command_line; /* read by the kernel or the initramfs */
};

typedef int (*name_visit)(void *arg, const struct name_found *n, struct error *e);

/* Calls `visit` for each name, in the order of the text; a non-zero answer ends the scan. */
int linux_names_scan(
	enum name_syntax syntax, const char *text, name_visit visit, void *arg, struct error *e);

#endif
