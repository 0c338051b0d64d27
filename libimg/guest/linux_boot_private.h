/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_BOOT_PRIVATE_H
#define LIBIMG_GUEST_LINUX_BOOT_PRIVATE_H

#include "guest/linux_boot.h"
#include "guest/linux_kernel.h"

/* What the parts of linux_boot_install share. */
struct booting {
	const struct linux_boot *job;
	struct report *notes;
	struct tree *root, *esp;
	const char *arch; /* static: "x86_64" */
	const char *grub; /* static: "/boot/grub" */
	char *title; /* of the system, fit for any menu */
	struct linux_boots kernels; /* newest first, each with image and initramfs */
	struct buffer arguments; /* of the kernel, without "root=" */
	bool menu; /* a GRUB is installed that reads grub.cfg */
};

/* linux_boot_kernel.c: fills kernels and arguments. */
int booting_kernels_find(struct booting *b, struct error *e);
int booting_arguments_find(struct booting *b, struct error *e);

/* Each says whether the guest has such a loader; when it has, it is installed. */
/* linux_boot_bios.c */
int booting_bios(struct booting *b, bool *done, struct error *e);
/* linux_boot_uefi.c: by GRUB, begun by shim or itself */
int booting_uefi(struct booting *b, bool *done, struct error *e);
/* linux_boot_systemd.c */
int booting_systemd(struct booting *b, bool *done, struct error *e);

/* linux_boot_menu.c */
int booting_menu_write(struct booting *b, struct error *e);
/* linux_boot_settings.c: fstab and machine-id, where the guest has none. */
int booting_settings_write(struct booting *b, struct error *e);

/* linux_boot_file.c */
int booting_put(struct booting *b, struct tree *t, const char *path, const void *bytes, size_t len,
	struct error *e);
/* From a tree, links followed, to another or the same. */
int booting_copy(struct booting *b, struct tree *from, const char *source, struct tree *to,
	const char *path, struct error *e);
/* GRUB's modules for a platform, "i386-pc", to where GRUB looks for them. */
int booting_modules_copy(struct booting *b, const char *platform, struct error *e);
/* What the guest's packages have put where the EFI system partition will be, moved to it. */
int booting_esp_fill(struct booting *b, struct error *e);
int booting_note(struct booting *b, enum severity severity, const char *code, const char *fix,
	struct error *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
