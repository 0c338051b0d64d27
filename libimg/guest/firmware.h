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

/* Likewise, for a path below the directory `base`, which is as spelled already ("": the root);
 * `out` gets both. */
int firmware_path_below(
	struct tree *t, const char *base, const char *path, struct buffer *out, struct error *e);

/* As firmware_path, for what is to be made: names that are not there are taken as they are. */
int firmware_place(struct tree *t, const char *path, struct buffer *out, struct error *e);

/* Whether the first sector holds what a BIOS can start, and what that starts is there.  *why: in
 * words, of at most `size` bytes, what is wrong; "" when nothing is. */
int firmware_bios_fault(const struct guest_image *g, char *why, size_t size, struct error *e);

/* What the first sector starts: "grub", "extlinux", "bootmgr", "ntldr", "other" (static); NULL:
 * nothing. */
int firmware_bios_kind(const struct guest_image *g, const char **out, struct error *e);

/* Likewise, of what is known of Windows beyond that: that its boot manager is on the active
 * partition, and that this begins where its boot sector says. */
int firmware_windows_fault(const struct guest_image *g, char *why, size_t size, struct error *e);
/* The boot manager on the active partition: "bootmgr" or "ntldr" (static); NULL: none. *volume, an
 * index, and `path` tell where it is. */
int firmware_windows_manager(const struct guest_image *g, const char **out, size_t *volume,
	struct buffer *path, struct error *e);

/* What lies where UEFI firmware looks, "/EFI/BOOT". */
struct fallback {
	bool present; /* BOOTX64.EFI or its like */
	bool is_shim, is_signed, is_trusted;
	bool has_second; /* GRUB, which shim starts */
	bool second_is_signed;
	bool has_program; /* shim's own fallback program, which it starts rather */
	bool has_entries; /* a BOOT.CSV for that program */
	char issuer[128]; /* "" when not signed */
};
/* `t`: the EFI system partition's own tree. */
int firmware_fallback(struct tree *t, const char *arch, struct fallback *out, struct error *e);
/* Whether what is there would find nothing to start. */
bool firmware_fallback_lacks(const struct fallback *f);
int firmware_uefi_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);

/* Findings about what the target's firmware would start. */
int firmware_check(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);

#endif
