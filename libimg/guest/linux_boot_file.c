/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are put, copied and moved. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_boot_private.h"

enum { ESP_FILES = 10000 };

int booting_note(struct booting *b, enum severity severity, const char *code, const char *fix,
	struct error *e, const char *format, ...)
{
	struct finding f = { .severity = severity };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	f.code = (char *)(uintptr_t)code;
	f.fix = (char *)(uintptr_t)fix;
	f.text = text;
	return report_add(b->notes, &f, e);
}

static struct tree_put put_of(const struct booting *b)
{
	return (struct tree_put){ .mtime = b->job->mtime, .why = "to start the guest" };
}

int booting_put(struct booting *b, struct tree *t, const char *path, const void *bytes, size_t len,
	struct error *e)
{
	const struct tree_put put = put_of(b);

	return tree_put_bytes(t, path, bytes, len, &put, e);
}

struct copying {
	struct tree *tree;
	const char *path;
};

static int copy_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct copying *c = arg;

	return tree_read_at(c->tree, c->path, off, buf, len, e);
}

int booting_copy(struct booting *b, struct tree *from, const char *source, struct tree *to,
	const char *path, struct error *e)
{
	struct copying c = { .tree = from, .path = source };
	struct tree_put put = put_of(b);
	struct fs_stat st;
	int rc = tree_stat(from, source, TREE_FOLLOW, &st, e);

	if (rc)
		return error_prefix(e, "%s", source);
	if (!S_ISREG(st.mode))
		return error_set(e, ERR_CORRUPT, "%s is not a file", source);
	put.has_mode = true;
	put.mode = 0644;
	rc = tree_put_reader(to, path, st.size, copy_read, &c, &put, e);
	return rc ? error_prefix(e, "copying %s to %s", source, path) : 0;
}

static bool ends(const char *name, const char *with)
{
	const size_t len = strlen(name), tail = strlen(with);

	return len > tail && !strcmp(name + len - tail, with);
}

int booting_modules_copy(struct booting *b, const char *platform, struct error *e)
{
	struct strings names = { 0 };
	char folder[64];
	int rc;

	snprintf(folder, sizeof(folder), "/usr/lib/grub/%s", platform);
	if (!tree_is(b->root, folder, S_IFDIR))
		return 0;
	rc = tree_list(b->root, folder, &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer from = { 0 }, to = { 0 };

		if (!ends(names.item[i], ".mod") && !ends(names.item[i], ".lst"))
			continue;
		rc = buffer_format(&from, e, "%s/%s", folder, names.item[i]);
		if (!rc)
			rc = buffer_format(&to, e, "%s/%s/%s", b->grub, platform, names.item[i]);
		if (!rc)
			rc = booting_copy(
				b, b->root, buffer_text(&from), b->root, buffer_text(&to), e);
		buffer_free(&from);
		buffer_free(&to);
	}
	strings_free(&names);
	return rc;
}

/* RPMs of shim and GRUB have their files below /boot/efi. */
#define ESP_PLACE "/boot/efi"

int booting_esp_fill(struct booting *b, struct error *e)
{
	struct strings all = { 0 };
	int rc = 0;

	if (tree_is(b->root, ESP_PLACE, S_IFDIR))
		rc = tree_list_all(b->root, ESP_PLACE, ESP_FILES, &all, e);
	for (size_t i = 0; i < all.count && !rc; i++) {
		const char *path = all.item[i];
		struct fs_stat st;

		rc = tree_stat(b->root, path, TREE_NOFOLLOW, &st, e);
		if (!rc && S_ISREG(st.mode))
			rc = booting_copy(b, b->root, path, b->esp, path + strlen(ESP_PLACE), e);
	}
	/* What lies below a mount point takes room and is never seen. */
	for (size_t i = all.count; i > 0 && !rc; i--)
		rc = tree_remove(b->root, all.item[i - 1], "is on the EFI system partition", e);
	strings_free(&all);
	return rc;
}
