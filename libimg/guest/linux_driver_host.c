/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules in files and folders of the host. */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_driver.h"

enum { DRIVERS_MAX = 4096 };

/* Where the name of a module file ends: ".ko", ".ko.xz" and so on; NULL: it is none. */
static const char *module_suffix(const char *path)
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

static int file_read(const char *path, struct buffer *out, struct error *e)
{
	FILE *f = fopen(path, "rb");
	uint8_t piece[1 << 16];
	size_t got;
	int rc = 0;

	if (!f)
		return error_errno(e, errno, "opening it");
	while (!rc && (got = fread(piece, 1, sizeof(piece), f)) > 0)
		rc = out->len + got > MODULE_LIMIT
			? error_set(e, ERR_RANGE, "more than %d bytes", MODULE_LIMIT)
			: buffer_append(out, piece, got, e);
	if (!rc && ferror(f))
		rc = error_errno(e, errno, "reading it");
	fclose(f);
	return rc;
}

static int driver_read(const char *path, struct driver *d, struct error *e)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *suffix = module_suffix(path);
	struct buffer place = { 0 };
	int rc = file_read(path, &d->bytes, e);

	if (!rc)
		rc = module_info_read(d->bytes.data, d->bytes.len, &d->info, e);
	if (!rc)
		rc = buffer_format(&place, e, "extra/%s", name);
	if (!rc) {
		d->path = strdup(buffer_text(&place));
		d->source = strdup(path);
		d->name = strndup(name, (size_t)(suffix - name));
		rc = d->path && d->source && d->name ? 0 : error_nomem(e, "a driver");
	}
	if (!rc && strpbrk(name, " \t\r\n:#"))
		rc = error_set(e, ERR_USAGE, "a module can't be called \"%s\"", name);
	buffer_free(&place);
	return rc ? error_prefix(e, "%s", path) : 0;
}

static int driver_add(const char *path, struct drivers *out, struct error *e)
{
	if (out->count == DRIVERS_MAX)
		return error_set(e, ERR_RANGE, "%s: more than %d modules", path, DRIVERS_MAX);
	if (out->count == out->capacity) {
		size_t grown = out->capacity ? out->capacity * 2 : 8;
		struct driver *all = reallocarray(out->driver, grown, sizeof(*all));

		if (!all)
			return error_nomem(e, "drivers");
		out->driver = all;
		out->capacity = grown;
	}
	out->driver[out->count] = (struct driver){ 0 };
	return driver_read(path, &out->driver[out->count++], e);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int path_read(char *path, struct drivers *out, struct error *e)
{
	char *const roots[] = { path, NULL };
	const size_t before = out->count;
	FTS *walk = fts_open(roots, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int rc = 0;

	if (!walk)
		return error_errno(e, errno, "%s", path);
	while (!rc && (errno = 0, entry = fts_read(walk))) {
		if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR ||
			entry->fts_info == FTS_ERR)
			rc = error_errno(e, entry->fts_errno, "%s", entry->fts_path);
		else if (entry->fts_info == FTS_F && module_suffix(entry->fts_path))
			rc = driver_add(entry->fts_path, out, e);
	}
	if (!rc && errno)
		rc = error_errno(e, errno, "%s", path);
	fts_close(walk);
	if (!rc && out->count == before)
		rc = error_set(e, ERR_USAGE,
			"%s holds no kernel module (.ko, .ko.gz, .ko.xz or .ko.zst); packages are "
			"to be unpacked first, and drivers for Windows fit no Linux guest",
			path);
	return rc;
}

int drivers_read(const struct strings *paths, struct drivers *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < paths->count && !rc; i++)
		rc = path_read(paths->item[i], out, e);
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
	free(d->driver);
	*d = (struct drivers){ 0 };
}
