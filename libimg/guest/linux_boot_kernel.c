/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels that a menu will show, and what they are told. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_boot_private.h"

static int newer_first(const void *a, const void *b)
{
	const struct linux_start *x = a, *y = b;
	const int order = strverscmp(y->version, x->version);

	return order ? order : strcmp(x->initramfs, y->initramfs);
}

static int resolved(struct tree *t, char **path, struct error *e)
{
	struct buffer whole = { 0 };
	int rc = tree_resolve(t, *path, &whole, e);

	if (rc) {
		buffer_free(&whole);
		return error_prefix(e, "%s", *path);
	}
	free(*path);
	*path = (char *)whole.data;
	return 0;
}

/* GRUB's words end at these, or mean something else to it. */
static bool is_word(const char *text)
{
	return *text &&
		strspn(text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"_=,.:/@+%^~-") == strlen(text);
}

static int kernel_check(struct booting *b, const struct linux_start *k, bool *use, struct error *e)
{
	*use = k->image && k->initramfs && is_word(k->image) && is_word(k->initramfs);
	if (!k->image || *use)
		return 0;
	if (!k->initramfs)
		return booting_note(b, SEVERITY_WARNING, "boot-kernel-left-out",
			"install initramfs-tools or dracut in the guest", e,
			"kernel %s has no initramfs: no menu entry is made for it", k->version);
	return booting_note(b, SEVERITY_WARNING, "boot-kernel-left-out", NULL, e,
		"kernel %s: a boot loader would misread the names of its files", k->version);
}

static int none_found(const struct linux_boots *all, struct error *e)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->boot[i].image && !all->boot[i].initramfs)
			return error_set(e, ERR_NOTREADY,
				"kernel %s has no initramfs: the guest needs what makes one, "
				"initramfs-tools (Debian, Ubuntu) or dracut (others)",
				all->boot[i].version);
	return error_set(e, ERR_NOTREADY,
		"the guest has no kernel in /boot or /lib/modules: it needs a package of one, "
		"linux-image-amd64 (Debian), linux-image-generic (Ubuntu), kernel (Fedora and its "
		"like)");
}

int booting_kernels_find(struct booting *b, struct error *e)
{
	struct linux_boots all = { 0 };
	int rc = linux_boots_by_name(b->root, &all, e);

	for (size_t i = 0; i < all.count && !rc; i++) {
		struct linux_start *k = &all.boot[i];
		bool use = false;

		rc = kernel_check(b, k, &use, e);
		if (!rc && use)
			rc = resolved(b->root, &k->image, e);
		if (!rc && use)
			rc = resolved(b->root, &k->initramfs, e);
		if (!rc && use)
			rc = linux_boot_add(&b->kernels, k->version, k->image, k->initramfs, e);
	}
	if (!rc && !b->kernels.count)
		rc = none_found(&all, e);
	linux_boots_free(&all);
	if (!rc)
		qsort(b->kernels.boot, b->kernels.count, sizeof(*b->kernels.boot), newer_first);
	return rc;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The root is another one now, and how it is mounted is the menu's. */
static int words_add(struct booting *b, const char *text, bool *console, struct error *e)
{
	struct strings words = { 0 };
	int rc = strings_split(&words, text, " \t\r\n", e);

	for (size_t i = 0; i < words.count && !rc; i++) {
		const char *word = words.item[i];

		if (begins(word, "root=") || !strcmp(word, "ro") || !strcmp(word, "rw"))
			continue;
		*console = *console || begins(word, "console=");
		if (is_word(word))
			rc = buffer_format(&b->arguments, e, " %s", word);
		else
			rc = booting_note(b, SEVERITY_WARNING, "boot-argument-left-out", NULL, e,
				"/etc/default/grub: %.100s is no word that can be taken as it is",
				word);
	}
	strings_free(&words);
	return rc;
}

int booting_arguments_find(struct booting *b, struct error *e)
{
	static const char *const settings[] = { "GRUB_CMDLINE_LINUX",
		"GRUB_CMDLINE_LINUX_DEFAULT" };
	struct buffer text = { 0 };
	bool exists, console = false;
	int rc = linux_text(b->root, "/etc/default/grub", &text, &exists, e);

	for (size_t i = 0; i < 2 && !rc; i++) {
		char *value = NULL;

		rc = linux_shell_value(buffer_text(&text), settings[i], &value, e);
		if (!rc && value)
			rc = words_add(b, value, &console, e);
		free(value);
	}
	buffer_free(&text);
	if (!rc && !console)
		rc = buffer_string(&b->arguments,
			!strcmp(b->arch, "aarch64") ? " console=tty0 console=ttyAMA0"
						    : " console=tty0 console=ttyS0,115200n8",
			e);
	return rc;
}
