/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_FIRMWARE_H
#define LIBIMG_GUEST_FIRMWARE_H

#include "guest/guest_image.h"

/* What firmware starts from a disk, whatever guest is on it. */

/* The EFI system partition: by partition type, else a FAT volume with /EFI.  SIZE_MAX: none. */
size_t firmware_esp(const struct guest_image *g);

/* UEFI 2.10, 3.5.1.1: what firmware starts from a disk that it has no boot entry for,
 * "BOOTX64.EFI". */
const char *firmware_fallback_name(const char *arch);
/* How loaders are called for that processor: "x64", "ia32", "aa64". */
const char *firmware_suffix(const char *arch);

/* `path` as the directories spell it: FAT does not tell upper from lower case.  ERR_NOTFOUND when
 * there is no such path. */
int firmware_path(struct tree *t, const char *path, struct buffer *out, struct error *e);

/* Whether the first sector holds what a BIOS can start, and what that starts is there.  *why: in
 * words, of at most `size` bytes, what is wrong; "" when nothing is. */
int firmware_bios_fault(const struct guest_image *g, char *why, size_t size, struct error *e);

/* Findings about what the target's firmware would start. */
int firmware_check(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);

#endif
