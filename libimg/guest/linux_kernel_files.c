/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels by the names of their files, as distributions lay them out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_kernel.h"

enum { NAME_LIMIT = 128 };

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* What follows "vmlinuz-" and its like. */
static const char *image_suffix(const char *name)
{
	static const char *const images[] = { "vmlinuz-", "Image-", "vmlinux-" };

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (begins(name, images[i]) && strlen(name) < NAME_LIMIT)
			return name + strlen(images[i]);
	return NULL;
}

static int version_note(struct strings *out, const char *version, struct error *e)
{
	int rc = strings_add_new(out, version, e);

	if (!rc && out->count > KERNEL_LIMIT)
		rc = error_set(e, ERR_RANGE, "more than %d kernels", KERNEL_LIMIT);
	return rc;
}

static int versions_find(struct tree *t, struct strings *out, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, "/boot", S_IFDIR))
		rc = tree_list(t, "/boot", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		const char *suffix = image_suffix(names.item[i]);

		if (suffix && linux_is_version(suffix))
			rc = version_note(out, suffix, e);
	}
	strings_free(&names);
	if (!rc && tree_is(t, "/lib/modules", S_IFDIR))
		rc = tree_list(t, "/lib/modules", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		char path[256];

		if (!linux_is_version(names.item[i]))
			continue;
		snprintf(path, sizeof(path), "/lib/modules/%s/vmlinuz", names.item[i]);
		if (tree_is(t, path, S_IFREG))
			rc = version_note(out, names.item[i], e);
	}
	strings_free(&names);
	return rc;
}

/* The first of the patterns that exists as a file, with the name put in; "" when none does. */
static void path_find(struct tree *t, const char *const *patterns, const char *name, char out[512])
{
	for (; *patterns; patterns++) {
		const char *gap = strchr(*patterns, '*');

		snprintf(out, 512, "%.*s%s%s", (int)(gap - *patterns), *patterns, name, gap + 1);
		if (tree_is(t, out, S_IFREG))
			return;
	}
	out[0] = 0;
}

static const char *path_or_null(const char *path)
{
	return path[0] ? path : NULL;
}

static const char *const initramfs_names[] = { "/boot/initrd.img-*", "/boot/initramfs-*.img",
	"/boot/initrd-*", "/boot/initramfs-*", "/boot/initrd-*.img", NULL };

/* Arch's packages say which name without a version belongs to a kernel: "linux". */
static int pkgbase_read(struct tree *t, const char *version, char out[NAME_LIMIT], struct error *e)
{
	struct buffer text = { 0 };
	char path[256];
	bool exists;
	size_t len;
	int rc;

	snprintf(path, sizeof(path), "/lib/modules/%s/pkgbase", version);
	rc = linux_text(t, path, &text, &exists, e);
	len = strcspn(buffer_text(&text), " \t\r\n");
	if (len >= NAME_LIMIT || memchr(buffer_text(&text), '/', len))
		len = 0;
	memcpy(out, buffer_text(&text), len);
	out[len] = 0;
	buffer_free(&text);
	return rc;
}

/* The further initramfs that mkinitcpio makes, with all modules. */
static int fallback_add(struct tree *t, struct linux_boots *b, const char *version,
	const char *image, const char *name, struct error *e)
{
	static const char *const fallback[] = { "/boot/initramfs-*-fallback.img", NULL };
	char path[512];

	path_find(t, fallback, name, path);
	return path[0] ? linux_boot_add(b, version, image, path, e) : 0;
}

static int version_add(struct tree *t, struct linux_boots *b, const char *version, struct error *e)
{
	static const char *const images[] = { "/boot/vmlinuz-*", "/boot/Image-*", "/boot/vmlinux-*",
		NULL };
	static const char *const package_images[] = { "/lib/modules/*/vmlinuz", NULL };
	static const char *const package_initramfs[] = { "/lib/modules/*/initrd", NULL };
	char image[512], initramfs[512], base[NAME_LIMIT];
	int rc = pkgbase_read(t, version, base, e);

	if (rc)
		return rc;
	path_find(t, images, version, image);
	if (!image[0] && base[0])
		path_find(t, images, base, image);
	if (!image[0])
		path_find(t, package_images, version, image);
	path_find(t, initramfs_names, version, initramfs);
	if (!initramfs[0] && base[0])
		path_find(t, initramfs_names, base, initramfs);
	if (!initramfs[0])
		path_find(t, package_initramfs, version, initramfs);
	rc = linux_boot_add(b, version, path_or_null(image), path_or_null(initramfs), e);
	return rc || !base[0] ? rc : fallback_add(t, b, version, path_or_null(image), base, e);
}

static bool is_known_image(const struct linux_boots *b, const char *path)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->boot[i].image && !strcmp(b->boot[i].image, path))
			return true;
	return false;
}

/* "vmlinuz-linux": the version is in the image. */
static int unversioned_add(struct tree *t, struct linux_boots *b, const char *name,
	const char *suffix, struct error *e)
{
	char image[512], initramfs[512], *version = NULL;
	int rc;

	snprintf(image, sizeof(image), "/boot/%s", name);
	if (!tree_is(t, image, S_IFREG) || is_known_image(b, image))
		return 0;
	rc = linux_image_version(t, image, &version, e);
	path_find(t, initramfs_names, suffix, initramfs);
	if (!rc && version && initramfs[0])
		rc = linux_boot_add(b, version, image, initramfs, e);
	if (!rc && version && initramfs[0])
		rc = fallback_add(t, b, version, image, suffix, e);
	free(version);
	return rc;
}

int linux_boots_by_name(struct tree *t, struct linux_boots *b, struct error *e)
{
	struct strings versions = { 0 }, names = { 0 };
	int rc = versions_find(t, &versions, e);

	for (size_t i = 0; i < versions.count && !rc; i++)
		rc = version_add(t, b, versions.item[i], e);
	if (!rc && tree_is(t, "/boot", S_IFDIR))
		rc = tree_list(t, "/boot", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		const char *suffix = image_suffix(names.item[i]);

		if (suffix && !linux_is_version(suffix))
			rc = unversioned_add(t, b, names.item[i], suffix, e);
	}
	strings_free(&versions);
	strings_free(&names);
	return rc;
}
