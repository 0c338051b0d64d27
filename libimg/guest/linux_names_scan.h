/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_NAMES_SCAN_H
#define LIBIMG_GUEST_LINUX_NAMES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a file is read. */
enum name_syntax {
	WORDS, /* anywhere: kernel command lines and shell-like settings */
	SETTINGS, /* anywhere, and only a path will do: dracut.conf(5), systemd.mount(5) */
	FSTAB, /* first field: fstab(5) */
	CRYPTTAB, /* second field: crypttab(5) */
};

/* A name that only one hypervisor gives a disk. */
struct name_found {
	const char *device; /* in the text scanned, `len` bytes */
	size_t len;
	uint64_t line;
	bool required;
	bool command_line; /* read by the kernel or the initramfs */
	bool root; /* what is mounted at / */
	bool resume; /* where a hibernated system would be */
	bool path_only; /* UUID= is not understood here */
};

typedef int (*name_visit)(void *arg, const struct name_found *n, struct error *e);

/* Calls `visit` for each name, in the order of the text; a non-zero answer ends the scan. */
int linux_names_scan(
	enum name_syntax syntax, const char *text, name_visit visit, void *arg, struct error *e);

/* Whether the whole of it is such a name. */
bool linux_name_is_unstable(const char *device);
/* Of "/dev/disk/by-path/pci-0000:00:04.0-part3" the partition's number, and the length of what
 * names the disk; 0: it is no link to a partition. */
unsigned linux_link_partition(const char *device, size_t *disk_len);

#endif
