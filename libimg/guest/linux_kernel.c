/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels that are installed, and the files that belong to each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_kernel.h"

bool linux_is_version(const char *text)
{
	return *text >= '0' && *text <= '9' && strlen(text) < 128 && !strstr(text, "..") &&
		!strchr(text, '/');
}

static int text_copy(const char *text, char **out, struct error *e)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? error_nomem(e, "a kernel") : 0;
}

int linux_boot_add(struct linux_boots *b, const char *version, const char *image,
	const char *initramfs, struct error *e)
{
	struct linux_start *grown, *new;
	int rc;

	if (b->count == KERNEL_LIMIT)
		return error_set(e, ERR_RANGE, "more than %d kernels", KERNEL_LIMIT);
	grown = reallocarray(b->boot, b->count + 1, sizeof(*grown));
	if (!grown)
		return error_nomem(e, "a kernel");
	b->boot = grown;
	new = &grown[b->count++];
	*new = (struct linux_start){ 0 };
	rc = text_copy(version, &new->version, e);
	if (!rc)
		rc = text_copy(image, &new->image, e);
	return rc ? rc : text_copy(initramfs, &new->initramfs, e);
}

void linux_boots_free(struct linux_boots *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->boot[i].version);
		free(b->boot[i].image);
		free(b->boot[i].initramfs);
	}
	free(b->boot);
	*b = (struct linux_boots){ 0 };
}

int linux_same_file(struct tree *t, const char *a, const char *b, bool *answer, struct error *e)
{
	struct buffer x = { 0 }, y = { 0 };
	struct error why = { 0 };
	int rc = tree_resolve(t, a, &x, &why);

	if (!rc)
		rc = tree_resolve(t, b, &y, &why);
	*answer = !rc && !strcmp(buffer_text(&x), buffer_text(&y));
	buffer_free(&x);
	buffer_free(&y);
	return error_of_host(&why, e);
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
		if (tree_is(t, path, type))
			return text_copy(path, out, e);
	}
	return 0;
}

static int files_find(struct tree *t, struct kernel *k, struct linux_kernel *l, struct error *e)
{
	static const char *const configs[] = { "/boot/config-*", "/lib/modules/*/config", NULL };
	static const char *const modules[] = { "/lib/modules/*", NULL };
	int rc = path_find(t, configs, k->version, S_IFREG, &k->config, e);

	return rc ? rc : path_find(t, modules, k->version, S_IFDIR, &l->modules, e);
}

/* An archive that can't be read is no failure of ours: it is told, and nothing in it is counted on.
 */
static int initramfs_load(struct tree *t, struct kernel *k, struct linux_kernel *l, struct error *e)
{
	const struct linux_file file = { .tree = t, .path = k->initramfs, .offset = l->uki.offset };
	struct error why = { 0 };
	struct fs_stat st;
	int rc;

	if (!k->initramfs)
		return 0;
	rc = tree_stat(t, k->initramfs, TREE_FOLLOW, &st, &why);
	if (!rc)
		rc = linux_initramfs_read(&file, l->uki.present ? l->uki.size : st.size, k->version,
			&l->initramfs, &why);
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

/* What `boot` holds becomes the kernel's. */
static int kernel_load(struct guest_image *g, struct kernel *k, struct linux_kernel *l,
	struct linux_start *boot, struct error *e)
{
	int rc;

	k->version = boot->version;
	k->image = boot->image;
	k->initramfs = boot->initramfs;
	l->uki = boot->uki;
	*boot = (struct linux_start){ 0 };
	rc = files_find(g->tree, k, l, e);
	if (!rc)
		rc = initramfs_load(g->tree, k, l, e);
	if (!rc)
		rc = linux_modules_load(g, k, l, e);
	return rc ? error_prefix(e, "kernel %s", k->version) : 0;
}

static int boots_find(struct guest_image *g, struct linux_boots *b, struct error *e)
{
	int rc = linux_boots_by_name(g->tree, b, e);

	if (!rc)
		rc = linux_boots_in_menus(g, b, e);
	return rc ? rc : linux_boots_unified(g, b, e);
}

int linux_kernels_load(struct guest_image *g, struct error *e)
{
	struct linux_guest *l = g->state;
	struct linux_boots boots = { 0 };
	int rc = boots_find(g, &boots, e);

	if (!rc && boots.count) {
		g->guest.kernel = calloc(boots.count, sizeof(*g->guest.kernel));
		l->kernel = calloc(boots.count, sizeof(*l->kernel));
		if (!g->guest.kernel || !l->kernel)
			rc = error_nomem(e, "kernels");
	}
	for (size_t i = 0; i < boots.count && !rc; i++) {
		g->guest.kernel_count = l->kernel_count = i + 1;
		rc = kernel_load(g, &g->guest.kernel[i], &l->kernel[i], &boots.boot[i], e);
	}
	linux_boots_free(&boots);
	return rc;
}

void linux_kernels_free(struct linux_guest *l)
{
	for (size_t i = 0; i < l->kernel_count; i++) {
		free(l->kernel[i].modules);
		free(l->kernel[i].obstacle);
		linux_initramfs_free(&l->kernel[i].initramfs);
	}
	for (size_t i = 0; i < l->missing_count; i++) {
		free(l->missing[i].menu);
		free(l->missing[i].path);
		free(l->missing[i].version);
	}
	free(l->missing);
	free(l->kernel);
	l->missing = NULL;
	l->missing_count = 0;
	l->kernel = NULL;
	l->kernel_count = 0;
}
