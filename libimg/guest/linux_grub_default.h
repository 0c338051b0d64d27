/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_GRUB_DEFAULT_H
#define LIBIMG_GUEST_LINUX_GRUB_DEFAULT_H

#include "guest/guest_image.h"
#include "guest/linux_command_line.h"

/* What grub-mkconfig would make a kernel command line of: /etc/default/grub and, where the guest's
 * own grub-mkconfig reads that too, the files of /etc/default/grub.d. */
struct grub_default {
	bool used; /* the guest has a grub-mkconfig and settings for it */
	bool unclear; /* a command is run for the value, or it can't be followed */
	bool has_directory;
	struct buffer line; /* GRUB_CMDLINE_LINUX */
	struct buffer more; /* GRUB_CMDLINE_LINUX_DEFAULT, which follows it */
	size_t assignments; /* taken so far */
	struct buffer last; /* name of the last file of the directory that sets the first */
};

#define GRUB_DEFAULT "/etc/default/grub"

int grub_default_load(struct guest_image *g, struct grub_default *out, struct error *e);
/* Writes what is lacking, by a file of our own in the directory where that does. */
int grub_default_apply(struct guest_image *g, const struct grub_default *d,
	const struct argument_list *wanted, struct error *e);
void grub_default_free(struct grub_default *d);

#endif
