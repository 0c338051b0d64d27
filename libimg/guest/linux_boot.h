/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_BOOT_H
#define LIBIMG_GUEST_LINUX_BOOT_H

#include "base/report.h"
#include "fs/fs.h"

/* Makes a Linux guest's fresh disk start, by BIOS and by UEFI. */
struct linux_boot {
	struct disk *disk; /* the whole disk, writable, 512-byte sectors, GPT */
	uint64_t bios_off, bios_size; /* the BIOS boot partition, bytes */
	struct fs *root, *esp; /* open for writing */
	const char *root_uuid; /* of the ext4, as text */
	const char *esp_uuid; /* "XXXX-XXXX", as blkid shows it */
	const char *root_partuuid; /* as text, lower case */
	int64_t mtime; /* of new files, seconds since 1970 */
	const char *tmpdir;
};

/*
 * Loaders are the guest's own: nothing is run, and nothing of the host's is put in.  Of BIOS and
 * UEFI those that the guest has a loader for; a note tells of one that is left out.  ERR_NOTREADY
 * names the packages when it has none, or no kernel with an initramfs.
 */
int linux_boot_install(const struct linux_boot *b, struct report *notes, struct error *e);

#endif
