/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a guest's configuration names disks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_names_files.h"

enum {
	FILES_LIMIT = 512,
	ENVIRONMENT_LIMIT = 64 << 10, /* bytes; GRUB makes 1024 */
};

/* GRUB manual, "Environment block". */
static const char environment_magic[] = "# GRUB Environment Block\n";

/* A file, or those of a directory whose name ends so, or that file of each directory in it. */
struct place {
	const char *path;
	const char *ending, *below; /* both NULL: the file itself */
	enum name_syntax syntax;
	bool environment;
};

static const struct place places[] = {
	{ .path = "/etc/fstab", .syntax = FSTAB },
	{ .path = "/etc/crypttab", .syntax = CRYPTTAB },
	{ .path = "/etc/default/grub" },
	{ .path = "/boot/grub/grub.cfg" },
	{ .path = "/boot/grub2/grub.cfg" },
	{ .path = "/boot/grub/custom.cfg" },
	{ .path = "/boot/grub2/custom.cfg" },
	{ .path = "/boot/grub/user.cfg" },
	{ .path = "/boot/grub2/user.cfg" },
	{ .path = "/boot/grub/menu.lst" },
	{ .path = "/boot/grub/grub.conf" },
	{ .path = "/boot/extlinux/extlinux.conf" },
	{ .path = "/boot/extlinux.conf" },
	{ .path = "/boot/syslinux/syslinux.cfg" },
	{ .path = "/boot/syslinux/extlinux.conf" },
	{ .path = "/extlinux.conf" },
	{ .path = "/etc/update-extlinux.conf" },
	{ .path = "/boot/refind_linux.conf" },
	{ .path = "/etc/kernel/cmdline" },
	{ .path = "/etc/sysconfig/bootloader" },
	{ .path = "/etc/initramfs-tools/conf.d/resume" },
	{ .path = "/etc/dracut.conf", .syntax = SETTINGS },
	{ .path = "/etc/default/grub.d", .ending = ".cfg" },
	{ .path = "/etc/cmdline.d", .ending = ".conf" },
	{ .path = "/etc/dracut.conf.d", .ending = ".conf", .syntax = SETTINGS },
	{ .path = "/etc/systemd/system", .ending = ".mount", .syntax = SETTINGS },
	{ .path = "/boot/loader/entries", .ending = ".conf" },
	{ .path = "/boot/grub/grubenv", .environment = true },
	{ .path = "/boot/grub2/grubenv", .environment = true },
};

/* On the EFI system partition. */
static const struct place esp_places[] = {
	{ .path = "/loader/entries", .ending = ".conf" },
	{ .path = "/EFI", .below = "/grub.cfg" },
	{ .path = "/EFI", .below = "/grubenv", .environment = true },
	{ .path = "/EFI/syslinux", .ending = ".cfg" },
	{ .path = "/grub/grub.cfg" },
};

static int file_add(struct name_files *f, struct tree *t, const char *path, const struct place *p,
	struct error *e)
{
	struct buffer resolved = { 0 };
	struct name_file *bigger;
	bool known = false;
	int rc;

	if (f->count == FILES_LIMIT || !tree_is(t, path, S_IFREG))
		return 0;
	rc = tree_resolve(t, path, &resolved, e);
	for (size_t i = 0; i < f->count && !rc; i++)
		known = known ||
			(f->file[i].tree == t && !strcmp(f->file[i].path, buffer_text(&resolved)));
	if (rc || known) {
		buffer_free(&resolved);
		return rc;
	}
	bigger = reallocarray(f->file, f->count + 1, sizeof(*bigger));
	if (!bigger) {
		buffer_free(&resolved);
		return error_nomem(e, "device names");
	}
	f->file = bigger;
	/* The buffer's bytes become the path. */
	f->file[f->count++] = (struct name_file){ .tree = t,
		.path = (char *)resolved.data,
		.syntax = p->syntax,
		.environment = p->environment };
	return 0;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), with_len = strlen(with);

	return len > with_len && !strcmp(text + len - with_len, with);
}

static int place_add(struct name_files *f, struct tree *t, const char *path, const struct place *p,
	struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (!p->ending && !p->below)
		return file_add(f, t, path, p, e);
	if (tree_is(t, path, S_IFDIR))
		rc = tree_list(t, path, &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer one = { 0 };

		if (p->ending && !ends(names.item[i], p->ending))
			continue;
		rc = buffer_format(
			&one, e, "%s/%s%s", path, names.item[i], p->below ? p->below : "");
		if (!rc)
			rc = file_add(f, t, buffer_text(&one), p, e);
		buffer_free(&one);
	}
	strings_free(&names);
	return rc;
}

static int esp_places_add(struct guest_image *g, struct name_files *f, struct error *e)
{
	struct linux_esp *esp = &f->esp;
	size_t before = f->count;
	int rc = linux_esp_open(g, esp, e);

	for (size_t i = 0; i < sizeof(esp_places) / sizeof(esp_places[0]) && !rc && esp->tree;
		i++) {
		struct buffer path = { 0 };

		rc = linux_esp_path(esp, esp_places[i].path, &path, e);
		if (!rc)
			rc = place_add(f, esp->tree, buffer_text(&path), &esp_places[i], e);
		if (rc == -ERR_NOTFOUND)
			rc = 0;
		buffer_free(&path);
	}
	for (size_t i = before; i < f->count; i++)
		f->file[i].frozen = esp->own && !linux_esp_editable(g, esp);
	return rc;
}

int linux_name_files_find(struct guest_image *g, struct name_files *out, struct error *e)
{
	struct name_files f = { .esp.index = SIZE_MAX };
	int rc = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !rc; i++)
		rc = place_add(&f, g->tree, places[i].path, &places[i], e);
	if (!rc)
		rc = esp_places_add(g, &f, e);
	if (rc)
		linux_name_files_free(&f);
	else
		*out = f;
	return rc;
}

void linux_name_files_free(struct name_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->file[i].path);
	free(f->file);
	linux_esp_close(&f->esp);
	*f = (struct name_files){ .esp.index = SIZE_MAX };
}

int linux_name_file_read(const struct name_file *f, struct buffer *out, struct error *e)
{
	bool exists;
	int rc;

	if (!f->environment)
		return linux_text(f->tree, f->path, out, &exists, e);
	rc = tree_read(f->tree, f->path, ENVIRONMENT_LIMIT, out, e);
	/* GRUB does not read one without the signature. */
	if (rc == -ERR_RANGE ||
		(!rc && strncmp(buffer_text(out), environment_magic, strlen(environment_magic)))) {
		buffer_free(out);
		return 0;
	}
	return rc;
}

/* GRUB's block ends in '#' up to its size, which GRUB writes over in place. */
static size_t environment_used(const struct buffer *text)
{
	size_t used = text->len;

	while (used && text->data[used - 1] == '#')
		used--;
	return used;
}

int linux_name_file_fits(
	const struct name_file *f, const struct buffer *text, bool *fits, struct error *e)
{
	struct fs_stat st;
	int rc = f->environment ? tree_stat(f->tree, f->path, TREE_FOLLOW, &st, e) : 0;

	if (!rc)
		*fits = !f->environment || environment_used(text) <= st.size;
	return rc;
}

static int environment_pad(struct buffer *text, uint64_t size, struct error *e)
{
	size_t used = environment_used(text), padding;
	int rc;

	if (used > size)
		return error_set(e, ERR_RANGE,
			"the settings need %zu bytes, GRUB's environment block has %llu", used,
			(unsigned long long)size);
	padding = (size_t)size - used;
	text->len = used;
	rc = buffer_reserve(text, padding, e);
	if (rc)
		return rc;
	memset(text->data + used, '#', padding);
	text->len += padding;
	text->data[text->len] = 0;
	return 0;
}

int linux_name_file_write(
	const struct name_file *f, struct buffer *text, const char *why, struct error *e)
{
	struct tree_put put = { .why = why };
	struct fs_stat st;
	int rc = tree_stat(f->tree, f->path, TREE_FOLLOW, &st, e);

	if (!rc && f->environment)
		rc = environment_pad(text, st.size, e);
	if (!rc) {
		put.mtime = st.mtime;
		rc = tree_put_bytes(f->tree, f->path, text->data, text->len, &put, e);
	}
	return rc ? error_prefix(e, "%s", f->path) : 0;
}
