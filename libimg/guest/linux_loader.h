/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_LOADER_H
#define LIBIMG_GUEST_LINUX_LOADER_H

#include "guest/linux.h"

/* The guest's EFI system partition, where fstab puts it or in a tree of its own. */
struct linux_esp {
	size_t index; /* volume; SIZE_MAX: there is none that can be read */
	struct tree *tree;
	char prefix[128]; /* of its paths in the tree, "" or "/boot/efi" */
	bool own; /* the tree is closed with this */
};

/* Where fstab puts the volume; "" when it does not. */
int linux_mount_point(struct guest_image *g, size_t index, char *out, size_t size, struct error *e);

/* No partition is no error. */
int linux_esp_open(struct guest_image *g, struct linux_esp *out, struct error *e);
void linux_esp_close(struct linux_esp *esp);
/* A path of the partition, "/EFI/BOOT", as the tree names it, and spelled as it is there.
 * ERR_NOTFOUND when there is no such. */
int linux_esp_path(
	const struct linux_esp *esp, const char *path, struct buffer *out, struct error *e);
/* Whether it can be written to. */
bool linux_esp_editable(const struct guest_image *g, const struct linux_esp *esp);

/* One file that the fallback loader is made of. */
struct loader_part {
	struct tree *tree; /* where it comes from; NULL: from `text` */
	char *from;
	char *text;
	char *to; /* on the partition, "/EFI/BOOT/BOOTX64.EFI" */
	uint64_t size;
};

enum { LOADER_PARTS = 8 };

/* What makes firmware without a boot entry start the guest as its own loader does. */
struct loader_plan {
	struct loader_part part[LOADER_PARTS];
	size_t count; /* 0: the guest has no loader for this, or there is nothing to do */
	struct tree *look; /* the partition's own tree */
	bool drop_program; /* shim's fallback program has no entries to make: it goes */
};

/* linux_loader_plan.c */
int linux_loader_plan(struct guest_image *g, struct loader_plan *out, struct error *e);
void linux_loader_plan_free(struct loader_plan *p);
/* linux_loader_stub.c: what GRUB on the partition is told so that it finds its configuration.
 * *out NULL: that can't be said. */
int linux_loader_stub(struct guest_image *g, char **out, struct error *e);

#endif
