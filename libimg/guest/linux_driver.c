/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules from outside, for the kernels that they were built for and no other. */
#include "guest/linux_driver.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
static int kernel_drivers(struct guest_image *g, const char *modules, struct drivers *d,
	struct strings *seen, struct error *e)
{
	struct driver **chosen = calloc(d->count + 1, sizeof(*chosen));
	struct module_info own = { 0 };
	size_t count = 0;
	bool found = false;
	int rc = chosen ? kernel_info(g, modules, &own, &found, e) : error_nomem(e, "drivers");

	if (!rc && found)
		rc = strings_add_new(seen, own.vermagic, e);
	for (size_t i = 0; i < d->count && !rc && found; i++) {
		struct driver *driver = &d->driver[i];

		if (strcmp(driver->info.vermagic, own.vermagic) != 0 ||
			driver->info.machine != own.machine)
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
		rc = drivers_put(g, modules, chosen, count, e);
	module_info_free(&own);
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

static int check_served(const struct drivers *d, const struct strings *seen, struct error *e)
{
	struct buffer kernels = { 0 };
	int rc = 0;

	for (size_t i = 0; i < seen->count && !rc; i++)
		rc = buffer_format(&kernels, e, "%s\"%s\"", i ? ", " : "", seen->item[i]);
	for (size_t i = 0; i < d->count && !rc; i++)
		if (!is_served(d, d->driver[i].name))
			rc = error_set(e, ERR_NOTREADY,
				"--drivers: %s is built for \"%s\", the guest's kernels are %s",
				d->driver[i].source, d->driver[i].info.vermagic,
				seen->count ? buffer_text(&kernels) : "not known");
	buffer_free(&kernels);
	return rc;
}

int linux_drivers_apply(struct guest_image *g, const struct strings *paths, struct error *e)
{
	const struct linux_guest *l = g->state;
	struct strings seen = { 0 };
	struct drivers d = { 0 };
	int rc = drivers_read(paths, &d, e);

	for (size_t i = 0; i < l->kernel_count && !rc; i++)
		if (l->kernel[i].modules)
			rc = kernel_drivers(g, l->kernel[i].modules, &d, &seen, e);
	if (!rc)
		rc = check_served(&d, &seen, e);
	drivers_free(&d);
	strings_free(&seen);
	return rc;
}
