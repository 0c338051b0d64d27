/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules in packages, and in media that hold packages or modules. */
#include <string.h>

#include "guest/archive_walk.h"
#include "guest/linux_driver.h"

struct search {
	struct drivers *drivers;
	struct driver_medium *medium;
	size_t found;
};

bool media_is(const char *path)
{
	const enum archive_kind kind = archive_kind(path);

	return kind != ARCHIVE_NONE && kind != ARCHIVE_CAB;
}

static int module_read(struct search *s, struct archive_file *f, const char *name, struct error *e)
{
	struct buffer bytes = { 0 };
	int rc = archive_file_read(f, MODULE_LIMIT, &bytes, e);

	if (!rc)
		rc = drivers_add(s->drivers, f->source, name, &bytes, s->medium, e);
	s->found += !rc;
	buffer_free(&bytes);
	return rc;
}

/* What a regular file inside is: a medium holds packages and modules, a package modules alone.  The
 * files of a Debian package, deb(5), are in one member of it. */
static enum archive_kind inner_kind(const struct archive_file *f)
{
	const enum archive_kind kind = archive_kind(f->path);

	if (f->in == ARCHIVE_DEB)
		return !strncmp(f->path, "data.tar", 8) ? ARCHIVE_TAR : ARCHIVE_NONE;
	if (f->in == ARCHIVE_RPM || f->depth)
		return ARCHIVE_NONE;
	return kind == ARCHIVE_RPM || kind == ARCHIVE_DEB ? kind : ARCHIVE_NONE;
}

static int file_visit(void *arg, struct archive_file *f, struct error *e)
{
	const char *slash = strrchr(f->path, '/');
	const enum archive_kind kind = inner_kind(f);

	if (f->link)
		return 0;
	if (kind != ARCHIVE_NONE)
		return archive_file_walk(f, kind, e);
	return driver_suffix(f->path) ? module_read(arg, f, slash ? slash + 1 : f->path, e) : 0;
}

int media_read(const char *path, struct drivers *out, struct driver_medium *medium, size_t *found,
	struct error *e)
{
	struct search search = { .drivers = out, .medium = medium };
	struct archive_count count = { 0 };
	const struct archive_visitor visitor = { file_visit, &search, &count };
	int rc = archive_walk(path, archive_kind(path), &visitor, e);

	*found += search.found;
	return rc;
}
