/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules in files and folders of the host, and what is kept of all that are found. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "guest/linux_driver.h"

enum {
	DRIVERS_MAX = 4096,
	HELD_MAX = 512 << 20, /* bytes of all modules */
	NOTED_MAX = 4096, /* names of modules and kernels of a medium that are remembered */
};

const char *driver_suffix(const char *path)
{
	static const char *const suffixes[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst" };
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (len > suffix && !strcmp(path + len - suffix, suffixes[i]))
			return path + len - suffix;
	}
	return NULL;
}

bool driver_is_for(const struct module_info *m, const struct driver_kernel *k)
{
	return m->machine == k->own.machine && !strcmp(m->vermagic, k->own.vermagic);
}

static bool is_for_any(const struct drivers *d, const struct module_info *m)
{
	for (size_t i = 0; i < d->kernel_count; i++)
		if (driver_is_for(m, &d->kernel[i]))
			return true;
	return false;
}

static int note(struct strings *all, const char *text, struct error *e)
{
	return all->count < NOTED_MAX ? strings_add_new(all, text, e) : 0;
}

/* The name ends up in the guest's indexes, which are lines of words. */
static bool is_sound_name(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || strchr(":#", *name))
			return false;
	return true;
}

static int room_make(struct drivers *d, struct error *e)
{
	const size_t grown = d->capacity ? d->capacity * 2 : 8;
	struct driver *all;

	if (d->count == DRIVERS_MAX || d->held > HELD_MAX)
		return error_set(e, ERR_RANGE, "more than %d modules or %d bytes of them",
			DRIVERS_MAX, HELD_MAX);
	if (d->count < d->capacity)
		return 0;
	all = reallocarray(d->driver, grown, sizeof(*all));
	if (!all)
		return error_nomem(e, "drivers");
	d->driver = all;
	d->capacity = grown;
	return 0;
}

static int driver_take(struct drivers *d, const char *source, const char *name,
	struct buffer *bytes, struct module_info *info, struct error *e)
{
	struct buffer place = { 0 };
	struct driver *driver;
	int rc = room_make(d, e);

	if (!rc)
		rc = buffer_format(&place, e, "extra/%s", name);
	if (!rc) {
		driver = &d->driver[d->count++];
		*driver = (struct driver){ .path = strdup(buffer_text(&place)),
			.source = strdup(source),
			.name = strndup(name, (size_t)(driver_suffix(name) - name)),
			.bytes = *bytes,
			.info = *info };
		d->held += bytes->len;
		*bytes = (struct buffer){ 0 };
		*info = (struct module_info){ 0 };
		if (!driver->path || !driver->source || !driver->name)
			rc = error_nomem(e, "a driver");
	}
	buffer_free(&place);
	return rc;
}

/* A package may hold another whole of the same module. */
static bool is_held(const struct drivers *d, const char *name, const struct buffer *bytes)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct driver *old = &d->driver[i];

		if (!strcmp(old->path + strlen("extra/"), name) && old->bytes.len == bytes->len &&
			!memcmp(old->bytes.data, bytes->data, bytes->len))
			return true;
	}
	return false;
}

static int note_other(
	struct driver_medium *m, const char *name, const char *vermagic, struct error *e)
{
	char *bare = strndup(name, (size_t)(driver_suffix(name) - name));
	int rc = bare ? note(&m->names, bare, e) : error_nomem(e, "a driver");

	free(bare);
	return rc ? rc : note(&m->vermagics, vermagic, e);
}

int drivers_add(struct drivers *d, const char *source, const char *name, struct buffer *bytes,
	struct driver_medium *medium, struct error *e)
{
	struct module_info info = { 0 };
	struct error why = { 0 };
	int rc;

	if (!is_sound_name(name))
		rc = error_set(e, ERR_USAGE, "a module can't be called \"%s\"", name);
	else
		rc = module_info_read(bytes->data, bytes->len, &info, &why);
	if (rc && medium && why.code == ERR_UNSUPPORTED)
		return note_other(medium, name, "another kind of processor", e);
	if (why.code)
		rc = error_set(e, (enum error_code)why.code, "%s", why.text);
	if (!rc && medium && !is_for_any(d, &info)) {
		rc = note_other(medium, name, info.vermagic, e);
	} else if (!rc && !(medium && is_held(d, name, bytes))) {
		rc = driver_take(d, source, name, bytes, &info, e);
		if (!rc && medium)
			medium->taken++;
	}
	module_info_free(&info);
	return rc ? error_prefix(e, "%s", source) : 0;
}

static int file_add(const char *path, struct drivers *d, struct error *e)
{
	const char *slash = strrchr(path, '/');
	struct buffer bytes = { 0 };
	int rc = file_read(path, MODULE_LIMIT, &bytes, e);

	if (!rc)
		rc = drivers_add(d, path, slash ? slash + 1 : path, &bytes, NULL, e);
	buffer_free(&bytes);
	return rc;
}

static int entry_read(const FTSENT *entry, struct drivers *out, struct driver_medium *medium,
	size_t *found, struct error *e)
{
	if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		return error_errno(e, entry->fts_errno, "%s", entry->fts_path);
	if (entry->fts_info != FTS_F)
		return 0;
	if (driver_suffix(entry->fts_path)) {
		++*found;
		return file_add(entry->fts_path, out, e);
	}
	return media_is(entry->fts_path) ? media_read(entry->fts_path, out, medium, found, e) : 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int path_read(char *path, struct drivers *out, struct driver_medium *medium, struct error *e)
{
	char *const roots[] = { path, NULL };
	FTS *walk = fts_open(roots, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	size_t found = 0;
	FTSENT *entry;
	int rc = 0;

	if (!walk)
		return error_errno(e, errno, "%s", path);
	while (!rc && (errno = 0, entry = fts_read(walk)))
		rc = entry_read(entry, out, medium, &found, e);
	if (!rc && errno)
		rc = error_errno(e, errno, "%s", path);
	fts_close(walk);
	if (!rc && !found)
		rc = error_set(e, ERR_USAGE,
			"%s holds no kernel module (.ko, .ko.gz, .ko.xz or .ko.zst), neither in a "
			"package (.rpm, .deb) nor on a medium (.iso, .zip, .tar); other packages "
			"are to be installed in the guest, and drivers for Windows fit no Linux "
			"guest",
			path);
	return rc;
}

int drivers_read(const struct strings *paths, struct drivers *out, struct error *e)
{
	int rc = 0;

	out->medium = calloc(paths->count + 1, sizeof(*out->medium));
	if (!out->medium)
		return error_nomem(e, "drivers");
	for (size_t i = 0; i < paths->count && !rc; i++) {
		struct driver_medium *medium = &out->medium[out->medium_count++];

		medium->path = strdup(paths->item[i]);
		rc = medium->path ? path_read(paths->item[i], out, medium, e)
				  : error_nomem(e, "drivers");
	}
	return rc;
}

void drivers_free(struct drivers *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->driver[i].source);
		free(d->driver[i].path);
		free(d->driver[i].name);
		buffer_free(&d->driver[i].bytes);
		module_info_free(&d->driver[i].info);
	}
	for (size_t i = 0; i < d->medium_count; i++) {
		free(d->medium[i].path);
		strings_free(&d->medium[i].names);
		strings_free(&d->medium[i].vermagics);
	}
	free(d->driver);
	free(d->medium);
	*d = (struct drivers){ 0 };
}
