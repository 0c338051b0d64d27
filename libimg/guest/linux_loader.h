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

/* No partition is no error. */
int linux_esp_open(struct guest_image *g, struct linux_esp *out, struct error *e);
void linux_esp_close(struct linux_esp *esp);
/* A path of the partition, "/EFI/BOOT", as the tree names it, and spelled as it is there.
 * ERR_NOTFOUND when there is no such. */
int linux_esp_path(
	const struct linux_esp *esp, const char *path, struct buffer *out, struct error *e);
/* Whether it can be written to. */
bool linux_esp_editable(const struct guest_image *g, const struct linux_esp *esp);

#endif
