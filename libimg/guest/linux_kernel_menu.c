/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernels that only a boot loader names: GRUB's grub.cfg, Boot Loader Specification entries, and
 * extlinux.conf.  All three say "linux" (or "kernel") and "initrd", each on a line of its own.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/linux_kernel.h"

enum { MENU_LIMIT = 256, PATH_LIMIT = 400 };

struct menu {
	struct guest_image *g;
	struct linux_boots *boots;
	const char *path; /* of the menu */
	const char *base; /* where the volume is mounted that its paths are of */
	char kernel[PATH_LIMIT], initrd[PATH_LIMIT]; /* of the entry in work */
	bool first; /* no entry was finished yet */
};

/* Paths that a loader takes from the root of its volume, or of a btrfs subvolume, as the guest
 * has them; false when there is no such file. */
static bool path_resolve(const struct menu *m, const char *path, struct buffer *out)
{
	const char *inner = strchr(path + 1, '/');
	const char *const bases[] = { m->base, "", "/boot" };

	for (size_t i = 0; i < 6; i++) {
		const char *tail = i < 3 ? path : inner;

		buffer_free(out);
		if (tail && !buffer_format(out, NULL, "%s%s", bases[i % 3], tail) &&
			tree_is(m->g->tree, buffer_text(out), S_IFREG))
			return true;
	}
	return false;
}

/* The version that the path tells: vmlinuz-V, or kernel-install's V/linux. */
static int version_of(struct menu *m, const char *image, char **out, struct error *e)
{
	struct buffer path = { 0 };
	const char *name, *dash;
	char *slash;
	int rc = 0;

	*out = NULL;
	for (size_t i = 0; i < m->boots->count && !rc && !*out; i++) {
		const struct linux_start *b = &m->boots->boot[i];
		bool same = false;

		if (b->image)
			rc = linux_same_file(m->g->tree, b->image, image, &same, e);
		if (same)
			*out = strdup(b->version);
	}
	if (!rc && !*out)
		rc = buffer_string(&path, image, e);
	if (rc || *out)
		return rc;
	slash = strrchr((char *)path.data, '/');
	name = slash + 1;
	dash = strchr(name, '-');
	*slash = 0;
	slash = strrchr((char *)path.data, '/');
	if (dash && linux_is_version(dash + 1))
		*out = strdup(dash + 1);
	else if (slash && linux_is_version(slash + 1))
		*out = strdup(slash + 1);
	else
		rc = linux_image_version(m->g->tree, image, out, e);
	buffer_free(&path);
	return rc;
}

static int missing_note(struct menu *m, const char *image, struct error *e)
{
	struct linux_guest *l = m->g->state;
	struct linux_missing *new,
		*grown = reallocarray(l->missing, l->missing_count + 1, sizeof(*grown));

	if (!grown)
		return error_nomem(e, "a menu");
	l->missing = grown;
	new = &grown[l->missing_count++];
	*new = (struct linux_missing){
		.menu = strdup(m->path), .path = strdup(m->initrd), .first = m->first
	};
	if (!new->menu || !new->path)
		return error_nomem(e, "a menu");
	return version_of(m, image, &new->version, e);
}

/* Adds what no kernel known so far has; one that has no initramfs gets this. */
static int pair_add(struct menu *m, const char *image, const char *initramfs, struct error *e)
{
	char *version = NULL;
	int rc = 0;

	for (size_t i = 0; i < m->boots->count; i++) {
		const struct linux_start *b = &m->boots->boot[i];
		bool same = false;

		if (b->initramfs)
			rc = linux_same_file(m->g->tree, b->initramfs, initramfs, &same, e);
		if (rc || same)
			return rc;
	}
	rc = version_of(m, image, &version, e);
	for (size_t i = 0; version && i < m->boots->count && !rc; i++) {
		struct linux_start *b = &m->boots->boot[i];

		if (b->initramfs || strcmp(b->version, version))
			continue;
		b->initramfs = strdup(initramfs);
		free(version);
		return b->initramfs ? 0 : error_nomem(e, "a kernel");
	}
	if (!rc && version)
		rc = linux_boot_add(m->boots, version, image, initramfs, e);
	free(version);
	return rc;
}

static int entry_end(struct menu *m, struct error *e)
{
	struct buffer image = { 0 }, initramfs = { 0 };
	int rc = 0;

	if (m->kernel[0] && m->initrd[0] && path_resolve(m, m->kernel, &image)) {
		if (path_resolve(m, m->initrd, &initramfs))
			rc = pair_add(m, buffer_text(&image), buffer_text(&initramfs), e);
		else
			rc = missing_note(m, buffer_text(&image), e);
	}
	m->first = m->first && !m->kernel[0];
	m->kernel[0] = m->initrd[0] = 0;
	buffer_free(&image);
	buffer_free(&initramfs);
	return rc;
}

/* Keeps a path; GRUB may have its device in front. */
static void path_take(char out[PATH_LIMIT], const char *word, size_t len)
{
	const char *close = *word == '(' ? memchr(word, ')', len) : NULL;

	out[0] = 0;
	if (close) {
		len -= (size_t)(close + 1 - word);
		word = close + 1;
	}
	if (!len || *word != '/' || len >= PATH_LIMIT || memchr(word, '$', len))
		return;
	memcpy(out, word, len);
	out[len] = 0;
}

static bool word_is(const char *word, size_t len, const char *const *known)
{
	for (; *known; known++)
		if (strlen(*known) == len && !strncasecmp(word, *known, len))
			return true;
	return false;
}

/* The last of the words: what is unpacked last counts, and microcode comes first. */
static void initrd_take(struct menu *m, const char *rest)
{
	while (*rest && *rest != '\n') {
		size_t len = strcspn(rest, " \t,\r\n");

		if (len)
			path_take(m->initrd, rest, len);
		rest += len;
		rest += strspn(rest, " \t,\r");
	}
}

/* extlinux: initrd= among the kernel's arguments. */
static void append_take(struct menu *m, const char *rest)
{
	const char *found = strstr(rest, "initrd=");

	if (found && found < rest + strcspn(rest, "\n"))
		path_take(m->initrd, found + 7, strcspn(found + 7, " \t\r\n"));
}

static int line_take(struct menu *m, const char *line, struct error *e)
{
	static const char *const kernels[] = { "linux", "linuxefi", "linux16", "kernel", NULL };
	static const char *const initrds[] = { "initrd", "initrdefi", "initrd16", NULL };
	static const char *const starts[] = { "menuentry", "label", NULL };
	static const char *const appends[] = { "append", NULL };
	size_t len = strcspn(line, " \t\r\n");
	const char *rest = line + len + strspn(line + len, " \t");
	int rc = 0;

	if (word_is(line, len, starts))
		return entry_end(m, e);
	if (word_is(line, len, kernels)) {
		if (m->kernel[0])
			rc = entry_end(m, e);
		path_take(m->kernel, rest, strcspn(rest, " \t\r\n"));
	} else if (word_is(line, len, initrds)) {
		initrd_take(m, rest);
	} else if (word_is(line, len, appends)) {
		append_take(m, rest);
	}
	return rc;
}

static int menu_read(struct guest_image *g, struct linux_boots *b, const char *path,
	const char *base, struct error *e)
{
	struct menu m = { .g = g, .boots = b, .path = path, .base = base, .first = true };
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	for (const char *line = buffer_text(&text); *line && !rc; line += *line != 0) {
		line += strspn(line, " \t");
		rc = line_take(&m, line, e);
		line += strcspn(line, "\n");
	}
	if (!rc)
		rc = entry_end(&m, e);
	buffer_free(&text);
	return rc;
}

/* A damaged menu is looked at elsewhere: here it names nothing. */
static int menu_try(struct guest_image *g, struct linux_boots *b, const char *path,
	const char *base, struct error *e)
{
	struct error why = { 0 };

	if (!tree_is(g->tree, path, S_IFREG) || !menu_read(g, b, path, base, &why))
		return 0;
	return error_of_host(&why, e);
}

static int entries_read(
	struct guest_image *g, struct linux_boots *b, const char *base, struct error *e)
{
	struct buffer directory = { 0 }, path = { 0 };
	struct strings names = { 0 };
	int rc = buffer_format(&directory, e, "%s/loader/entries", base);

	if (!rc && tree_is(g->tree, buffer_text(&directory), S_IFDIR))
		rc = tree_list(g->tree, buffer_text(&directory), &names, e);
	for (size_t i = 0; i < names.count && i < MENU_LIMIT && !rc; i++) {
		const char *dot = strrchr(names.item[i], '.');

		path.len = 0;
		if (dot && !strcmp(dot, ".conf"))
			rc = buffer_format(
				&path, e, "%s/%s", buffer_text(&directory), names.item[i]);
		if (!rc && path.len)
			rc = menu_try(g, b, buffer_text(&path), base, e);
	}
	strings_free(&names);
	buffer_free(&path);
	buffer_free(&directory);
	return rc;
}

int linux_boots_in_menus(struct guest_image *g, struct linux_boots *b, struct error *e)
{
	static const char *const menus[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
		"/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg",
		"/extlinux/extlinux.conf" };
	static const char *const volumes[] = { "/boot", "/boot/efi", "/efi" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(menus) / sizeof(menus[0]) && !rc; i++)
		rc = menu_try(g, b, menus[i], "/boot", e);
	for (size_t i = 0; i < sizeof(volumes) / sizeof(volumes[0]) && !rc; i++)
		rc = entries_read(g, b, volumes[i], e);
	return rc;
}
