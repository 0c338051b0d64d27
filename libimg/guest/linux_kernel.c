/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels that are installed, and the files that belong to each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Versions become parts of paths, here and in an initramfs. */
static bool is_version(const char *text)
{
	return *text >= '0' && *text <= '9' && strlen(text) < 128 && !strstr(text, "..");
}

static int versions_find(struct guest_image *g, struct strings *out, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(g->tree, "/boot", S_IFDIR))
		rc = tree_list(g->tree, "/boot", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++)
		if (begins(names.item[i], "vmlinuz-") && is_version(names.item[i] + 8))
			rc = strings_add_new(out, names.item[i] + 8, e);
	strings_free(&names);
	if (!rc && tree_is(g->tree, "/lib/modules", S_IFDIR))
		rc = tree_list(g->tree, "/lib/modules", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		char path[256];

		if (!is_version(names.item[i]))
			continue;
		snprintf(path, sizeof(path), "/lib/modules/%s/vmlinuz", names.item[i]);
		if (tree_is(g->tree, path, S_IFREG))
			rc = strings_add_new(out, names.item[i], e);
	}
	strings_free(&names);
	if (!rc && out->count > KERNEL_LIMIT)
		rc = error_set(e, ERR_RANGE, "%zu kernels, more than %d", out->count, KERNEL_LIMIT);
	return rc;
}

/* The first of the patterns that exists as `type`, with the version put in. */
static int path_find(struct tree *t, const char *const *patterns, const char *version,
	uint32_t type, char **out, struct error *e)
{
	*out = NULL;
	for (; *patterns; patterns++) {
		const char *gap = strchr(*patterns, '*');
		char path[256];

		snprintf(path, sizeof(path), "%.*s%s%s", (int)(gap - *patterns), *patterns, version,
			gap + 1);
		if (!tree_is(t, path, type))
			continue;
		*out = strdup(path);
		return *out ? 0 : error_nomem(e, "a path");
	}
	return 0;
}

static int files_find(struct tree *t, struct kernel *k, struct linux_kernel *l, struct error *e)
{
	static const char *const images[] = { "/boot/vmlinuz-*", "/lib/modules/*/vmlinuz", NULL };
	static const char *const configs[] = { "/boot/config-*", "/lib/modules/*/config", NULL };
	static const char *const initramfs[] = { "/boot/initrd.img-*", "/boot/initramfs-*.img",
		"/boot/initrd-*", "/lib/modules/*/initrd", NULL };
	static const char *const modules[] = { "/lib/modules/*", NULL };
	int rc = path_find(t, images, k->version, S_IFREG, &k->image, e);

	if (!rc)
		rc = path_find(t, configs, k->version, S_IFREG, &k->config, e);
	if (!rc)
		rc = path_find(t, initramfs, k->version, S_IFREG, &k->initramfs, e);
	if (!rc)
		rc = path_find(t, modules, k->version, S_IFDIR, &l->modules, e);
	return rc;
}

/* An archive that can't be read is no failure of ours: it is told, and nothing in it is counted on.
 */
static int initramfs_load(struct tree *t, struct kernel *k, struct linux_kernel *l, struct error *e)
{
	const struct linux_file file = { .tree = t, .path = k->initramfs };
	struct error why = { 0 };
	struct fs_stat st;
	int rc;

	if (!k->initramfs)
		return 0;
	rc = tree_stat(t, k->initramfs, TREE_FOLLOW, &st, &why);
	if (!rc)
		rc = linux_initramfs_read(&file, st.size, k->version, &l->initramfs, &why);
	if (rc == -ERR_IO || rc == -ERR_NOMEM) {
		*e = why;
		return rc;
	}
	if (rc) {
		k->problem = strdup(why.text);
		return k->problem ? 0 : error_nomem(e, "a kernel");
	}
	k->compression = strdup(l->initramfs.layout.compression);
	if (l->initramfs.generator)
		k->generator = strdup(l->initramfs.generator);
	if (!k->compression || (l->initramfs.generator && !k->generator))
		return error_nomem(e, "a kernel");
	return 0;
}

static int kernel_load(struct guest_image *g, struct kernel *k, struct linux_kernel *l,
	const char *version, struct error *e)
{
	int rc;

	k->version = strdup(version);
	if (!k->version)
		return error_nomem(e, "a kernel");
	rc = files_find(g->tree, k, l, e);
	if (!rc)
		rc = initramfs_load(g->tree, k, l, e);
	if (!rc)
		rc = linux_modules_load(g, k, l, e);
	return rc ? error_prefix(e, "kernel %s", version) : 0;
}

int linux_kernels_load(struct guest_image *g, struct error *e)
{
	struct linux_guest *l = g->state;
	struct strings versions = { 0 };
	int rc = versions_find(g, &versions, e);

	if (!rc && versions.count) {
		g->guest.kernel = calloc(versions.count, sizeof(*g->guest.kernel));
		l->kernel = calloc(versions.count, sizeof(*l->kernel));
		if (!g->guest.kernel || !l->kernel)
			rc = error_nomem(e, "kernels");
	}
	for (size_t i = 0; i < versions.count && !rc; i++) {
		g->guest.kernel_count = l->kernel_count = i + 1;
		rc = kernel_load(g, &g->guest.kernel[i], &l->kernel[i], versions.item[i], e);
	}
	strings_free(&versions);
	return rc;
}

void linux_kernels_free(struct linux_guest *l)
{
	for (size_t i = 0; i < l->kernel_count; i++) {
		free(l->kernel[i].modules);
		free(l->kernel[i].obstacle);
		linux_initramfs_free(&l->kernel[i].initramfs);
	}
	free(l->kernel);
	l->kernel = NULL;
	l->kernel_count = 0;
}
