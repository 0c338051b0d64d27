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

static int is_unlabelled(
	struct guest_image *g, const struct edit *edit, bool *answer, struct error *e)
{
	const size_t volume = guest_volume_index(g, edit->volume);
	struct xattr *all = NULL;
	size_t count = 0;
	int rc;

	*answer = false;
	/* FAT has none; the guest's kernel gives all its files one. */
	if (edit->action != EDIT_CREATE || volume == SIZE_MAX || !g->volume[volume].fs ||
		!g->volume[volume].fs->ops->xattrs || S_ISLNK(edit->after.mode))
		return 0;
	rc = tree_xattrs(g->tree, edit->path, &all, &count, e);
	*answer = !rc;
	for (size_t i = 0; i < count && !rc; i++)
		if (!strcmp(all[i].name, "security.selinux"))
			*answer = false;
	xattrs_free(all, count);
	return rc;
}

int linux_labels_apply(struct guest_image *g, struct error *e)
{
	bool unlabelled = false;
	int rc = 0;

	if (!g->guest.selinux || !strcmp(g->guest.selinux, "disabled") || !g->journal)
		return 0;
	for (size_t i = 0; i < g->journal->count && !rc && !unlabelled; i++)
		rc = is_unlabelled(g, &g->journal->edit[i], &unlabelled, e);
	if (rc || !unlabelled || tree_is(g->tree, "/.autorelabel", 0))
		return rc;
	return linux_put(g, "/.autorelabel", "", 0,
		"SELinux gives labels at the next start: a new file has none", e);
}
