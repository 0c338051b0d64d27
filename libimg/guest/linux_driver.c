/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules from outside, for the kernels that they were built for and no other. */
#include "guest/linux_driver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LISTED_MAX = 6 }; /* kernels that a message names */

/* What a module of the kernel itself says; *found false: it has none that can be read. */
static int kernel_info(struct guest_image *g, const char *modules, struct module_info *out,
	bool *found, struct error *e)
{
	struct buffer path = { 0 }, dep = { 0 }, bytes = { 0 };
	bool exists;
	int rc = buffer_format(&path, e, "%s/modules.dep", modules);

	*found = false;
	if (!rc)
		exists = tree_is(g->tree, buffer_text(&path), S_IFREG);
	if (!rc && exists)
		rc = tree_read(g->tree, buffer_text(&path), KMOD_TEXT_LIMIT, &dep, e);
	for (const char *line = buffer_text(&dep); *line && !rc && !*found;) {
		size_t len = strcspn(line, "\n"), end = strcspn(line, ":\n");
		struct error why = { 0 };

		buffer_free(&path);
		buffer_free(&bytes);
		rc = buffer_format(&path, e, "%s/%.*s", modules, (int)end, line);
		/* One of "extra/" may be for another kernel that is compatible. */
		if (!rc && !strncmp(line, "kernel/", 7) &&
			tree_is(g->tree, buffer_text(&path), S_IFREG)) {
			*found = !tree_read(
					 g->tree, buffer_text(&path), MODULE_LIMIT, &bytes, &why) &&
				!module_info_read(bytes.data, bytes.len, out, &why);
			rc = error_of_host(&why, e);
		}
		line += len + (line[len] != 0);
	}
	buffer_free(&path);
	buffer_free(&dep);
	buffer_free(&bytes);
	return rc;
}

/* Those of the drivers that were built for that kernel. */
static int kernel_drivers(
	struct guest_image *g, const struct driver_kernel *k, struct drivers *d, struct error *e)
{
	struct driver **chosen = calloc(d->count + 1, sizeof(*chosen));
	size_t count = 0;
	int rc = chosen ? 0 : error_nomem(e, "drivers");

	for (size_t i = 0; i < d->count && !rc; i++) {
		struct driver *driver = &d->driver[i];

		if (!driver_is_for(&driver->info, k))
			continue;
		for (size_t j = 0; j < count && !rc; j++)
			if (linux_same_module(chosen[j]->name, driver->name))
				rc = error_set(e, ERR_USAGE,
					"--drivers: %s and %s are the same module for the same "
					"kernel",
					chosen[j]->source, driver->source);
		driver->fits = true;
		chosen[count++] = driver;
	}
	if (!rc && count)
		rc = drivers_put(g, k->modules, chosen, count, e);
	free(chosen);
	return rc;
}

/* Another file of that module may be for another kernel; one at least has to fit. */
static bool is_served(const struct drivers *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->driver[i].fits && linux_same_module(d->driver[i].name, name))
			return true;
	return false;
}

/* The first of them, each in quotation marks. */
static int list_texts(const struct strings *all, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < all->count && i < LISTED_MAX && !rc; i++)
		rc = buffer_format(out, e, "%s\"%s\"", i ? ", " : "", all->item[i]);
	if (!rc && all->count > LISTED_MAX)
		rc = buffer_format(out, e, " and %zu more", all->count - LISTED_MAX);
	return rc;
}

static int list_kernels(const struct drivers *d, struct buffer *out, struct error *e)
{
	struct strings seen = { 0 };
	int rc = 0;

	for (size_t i = 0; i < d->kernel_count && !rc; i++)
		rc = strings_add_new(&seen, d->kernel[i].own.vermagic, e);
	if (!rc)
		rc = seen.count ? list_texts(&seen, out, e) : buffer_string(out, "not known", e);
	strings_free(&seen);
	return rc;
}

static int check_medium(const struct drivers *d, const struct driver_medium *m, const char *kernels,
	struct error *e)
{
	struct buffer found = { 0 };
	bool served = true;
	int rc;

	for (size_t i = 0; i < m->names.count; i++)
		served = served && is_served(d, m->names.item[i]);
	if (m->taken || served)
		return 0;
	rc = list_texts(&m->vermagics, &found, e);
	if (!rc)
		rc = error_set(e, ERR_NOTREADY,
			"--drivers: the modules of %s are built for %s, the guest's kernels are %s",
			m->path, buffer_text(&found), kernels);
	buffer_free(&found);
	return rc;
}

static int check_served(const struct drivers *d, struct error *e)
{
	struct buffer kernels = { 0 };
	int rc = list_kernels(d, &kernels, e);

	for (size_t i = 0; i < d->count && !rc; i++)
		if (!is_served(d, d->driver[i].name))
			rc = error_set(e, ERR_NOTREADY,
				"--drivers: %s is built for \"%s\", the guest's kernels are %s",
				d->driver[i].source, d->driver[i].info.vermagic,
				buffer_text(&kernels));
	for (size_t i = 0; i < d->medium_count && !rc; i++)
		rc = check_medium(d, &d->medium[i], buffer_text(&kernels), e);
	buffer_free(&kernels);
	return rc;
}

/* Those that have a module which says what they are. */
static int kernels_read(
	struct guest_image *g, struct driver_kernel *out, size_t *count, struct error *e)
{
	const struct linux_guest *l = g->state;
	int rc = 0;

	for (size_t i = 0; i < l->kernel_count && !rc; i++) {
		bool found = false;

		if (l->kernel[i].modules)
			rc = kernel_info(g, l->kernel[i].modules, &out[*count].own, &found, e);
		if (!rc && found)
			out[(*count)++].modules = l->kernel[i].modules;
	}
	return rc;
}

int linux_drivers_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct linux_guest *l = g->state;
	struct driver_kernel *kernels = calloc(l->kernel_count + 1, sizeof(*kernels));
	struct drivers d = { .kernel = kernels };
	int rc = kernels ? kernels_read(g, kernels, &d.kernel_count, e) : error_nomem(e, "drivers");

	if (!rc)
		rc = drivers_read(c->drivers, &d, e);
	for (size_t i = 0; i < d.kernel_count && !rc; i++)
		rc = kernel_drivers(g, &kernels[i], &d, e);
	if (!rc)
		rc = check_served(&d, e);
	for (size_t i = 0; i < d.kernel_count; i++)
		module_info_free(&kernels[i].own);
	drivers_free(&d);
	free(kernels);
	return rc;
}
