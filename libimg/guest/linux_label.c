/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SELinux: what the guest's kernel will do about labels, and files that have none. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/linux.h"

/* A word of the kernel command line in what the boot loader reads, "selinux=0". */
static int has_argument(struct guest_image *g, const char *word, bool *found, struct error *e)
{
	static const char *const paths[] = { "/etc/default/grub", "/boot/grub/grub.cfg",
		"/boot/grub2/grub.cfg", "/boot/grub2/grubenv", "/etc/kernel/cmdline" };

	*found = false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !*found; i++) {
		struct buffer text = { 0 };
		bool exists;
		int rc = linux_text(g->tree, paths[i], &text, &exists, e);
		const char *at = rc ? NULL : strstr(buffer_text(&text), word);

		for (; at && !*found; at = strstr(at + 1, word))
			*found = at > buffer_text(&text) && strchr(" \t\"'=", at[-1]) &&
				strchr(" \t\"'\n", at[strlen(word)]);
		buffer_free(&text);
		if (rc)
			return rc;
	}
	return 0;
}

int linux_selinux_load(struct guest_image *g, struct error *e)
{
	static const char *const modes[] = { "enforcing", "permissive", "disabled" };
	struct buffer text = { 0 };
	bool exists, off = false, lenient = false;
	char *mode = NULL;
	int rc = linux_text(g->tree, "/etc/selinux/config", &text, &exists, e);

	if (!rc && exists)
		rc = linux_shell_value(buffer_text(&text), "SELINUX", &mode, e);
	if (!rc && mode)
		rc = has_argument(g, "selinux=0", &off, e);
	if (!rc && mode)
		rc = has_argument(g, "enforcing=0", &lenient, e);
	for (size_t i = 0; i < 3 && !rc && mode && !g->guest.selinux; i++) {
		if (strcasecmp(mode, modes[i]) != 0)
			continue;
		if (off)
			i = 2;
		else if (lenient && !i)
			i = 1;
		g->guest.selinux = strdup(modes[i]);
		rc = g->guest.selinux ? 0 : error_nomem(e, "a guest");
	}
	free(mode);
	buffer_free(&text);
	return rc;
}
