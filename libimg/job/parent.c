/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent of a child that is about to be made, and the way to it from there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/host_file.h"
#include "disk/image.h"
#include "job/pieces.h"

const struct parent_spec *parent_spec_of(const struct parent *p)
{
	return p->spec.disk ? &p->spec : NULL;
}

/* The folder of `path` without symbolic links; the caller frees it. */
static int folder_real(const char *path, char **out, struct error *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	char *folder = len ? strndup(path, len) : strdup(".");
	char *real = folder ? realpath(folder, NULL) : NULL;
	int rc = 0;

	if (!folder)
		rc = error_nomem(e, "a file name");
	else if (!real)
		rc = error_errno(e, errno, "the folder %.512s", folder);
	free(folder);
	if (!rc)
		*out = real;
	return rc;
}

/* Where two absolute folders without "." and ".." stop being the same: behind the last slash, or
 * the end, that both have. */
static size_t common_length(const char *a, const char *b)
{
	size_t common = 0, i;

	for (i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			common = i + 1;
	if ((!a[i] || a[i] == '/') && (!b[i] || b[i] == '/'))
		common = i;
	return common;
}

/* The way from folder `from` to `name` in folder `to`. */
static int relative_make(
	const char *from, const char *to, const char *name, struct buffer *out, struct error *e)
{
	size_t common = common_length(from, to);
	int rc = 0;

	for (const char *rest = from + common; !rc && *rest; rest += strcspn(rest, "/")) {
		rest += strspn(rest, "/");
		if (*rest)
			rc = buffer_string(out, "../", e);
	}
	to += common;
	to += strspn(to, "/");
	if (!rc && *to)
		rc = buffer_format(out, e, "%s/", to);
	return rc ? rc : buffer_string(out, name, e);
}

/* The file's own name is kept when it is a symbolic link: that is the name that was given. */
static int paths_make(struct parent *p, const char *path, const char *allow_dir,
	const char *destination, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *folder = NULL, *from = NULL;
	int rc = folder_real(path, &folder, e);

	if (!rc)
		rc = buffer_format(&p->path, e, "%s%s%s", folder, folder[1] ? "/" : "", name);
	/* Without an allow_dir nothing was read that is anywhere else. */
	if (!rc)
		rc = buffer_string(&p->allow_dir, allow_dir && *allow_dir ? allow_dir : folder, e);
	/* What is sent to a pipe is taken to end up in the working folder. */
	if (!rc)
		rc = folder_real(strcmp(destination, "-") ? destination : "./", &from, e);
	if (!rc)
		rc = relative_make(from, folder, name, &p->relative, e);
	free(folder);
	free(from);
	p->spec.path = buffer_text(&p->path);
	p->spec.relative = buffer_text(&p->relative);
	return rc;
}

/* A child that replaces a file of its own chain has lost what it is made over. */
static int destination_check(const struct parent *p, const char *destination, struct error *e)
{
	struct stat st;

	if (!strcmp(destination, "-") || stat(destination, &st))
		return 0;
	for (size_t i = 0; i < p->chain.count; i++)
		if (p->chain.link[i].device == st.st_dev && p->chain.link[i].inode == st.st_ino)
			return error_set(e, ERR_USAGE,
				"%s is the parent, or one of the parent's parents: it cannot be "
				"the destination too",
				destination);
	return 0;
}

static int image_take(
	struct parent *p, const struct parent_choice *c, const char *allow_dir, struct error *e)
{
	struct open_options o = { .allow_dir = allow_dir, .chain = &p->chain };
	int rc = image_open_with(c->path, c->format, &o, &p->spec.disk, &p->spec.format, e);

	if (!rc)
		rc = host_file_open(c->path, &p->watch, e);
	return rc;
}

int parent_open(const struct parent_choice *c, const char *allow_dir, const char *destination,
	const struct format *child, struct parent *out, struct error *e)
{
	struct parent p = { 0 };
	int rc = 0;

	*out = p;
	if (!c->path && c->format)
		return error_set(e, ERR_USAGE, "-F: the format of a parent, and no --parent");
	if (!c->path)
		return 0;
	if (!child->has_parents)
		return error_set(e, ERR_USAGE, "--parent: a %s is never a child", child->name);
	rc = image_take(&p, c, allow_dir, e);
	if (!rc)
		rc = destination_check(&p, destination, e);
	if (!rc)
		rc = paths_make(&p, c->path, allow_dir, destination, e);
	if (rc)
		parent_close(&p);
	else
		*out = p;
	return rc ? error_prefix(e, "parent") : 0;
}

int parent_open_again(const struct chain *chain, const char *allow_dir, const char *destination,
	const struct format *child, struct parent *out, struct error *e)
{
	const struct chain_link *is = &chain->link[1];
	struct parent_choice c;
	char *folder = NULL;
	int rc;

	if (chain->count < 2 || !is->format)
		return error_set(e, ERR_NOTFOUND, "the parent of %s could not be opened",
			chain->link[0].path);
	c = (struct parent_choice){ is->path, is->format->name };
	rc = *allow_dir ? 0 : folder_real(chain->link[0].path, &folder, e);

	if (!rc)
		rc = parent_open(&c, folder ? folder : allow_dir, destination, child, out, e);
	free(folder);
	if (rc ||
		(out->chain.link[0].device == is->device && out->chain.link[0].inode == is->inode))
		return rc;
	parent_close(out);
	return error_set(e, ERR_CORRUPT, "%s became another file meanwhile", is->path);
}

int parent_check_readable(const struct parent *p, struct error *e)
{
	uint8_t sector[512];
	int rc = 0;

	if (p->spec.disk && p->spec.disk->size >= sizeof(sector))
		rc = disk_read(p->spec.disk, 0, sector, sizeof(sector), e);
	return rc ? error_prefix(e, "parent %s", p->spec.path) : 0;
}

int parent_unchanged(const struct parent *p, struct error *e)
{
	int rc = p->watch ? host_file_unchanged(p->watch, e) : 0;

	return rc ? error_prefix(e, "parent %s", p->spec.path) : 0;
}

void parent_close(struct parent *p)
{
	disk_close(p->spec.disk);
	disk_close(p->watch);
	chain_free(&p->chain);
	buffer_free(&p->path);
	buffer_free(&p->relative);
	buffer_free(&p->allow_dir);
	*p = (struct parent){ 0 };
}
