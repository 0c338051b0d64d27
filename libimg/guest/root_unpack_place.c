/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of a root tar.  They begin at the root, with a slash or not; none leaves it. */
#include <string.h>
#include <sys/stat.h>

#include "guest/root_unpack_private.h"

enum { PATH_BYTES_MAX = 4095 }; /* no kernel takes longer ones */

/* The next part of a path that is more than a dot; length 0 at its end. */
static int part_next(const char **at, const char **part, size_t *len, struct error *e)
{
	for (;;) {
		*at += strspn(*at, "/");
		*part = *at;
		*len = strcspn(*at, "/");
		*at += *len;
		if (*len == 2 && !memcmp(*part, "..", 2))
			return error_set(e, ERR_CORRUPT, "a path with \"..\" in it");
		if (*len > FS_NAME_MAX)
			return error_set(e, ERR_CORRUPT, "a name of %zu bytes; ext4 has %d", *len,
				FS_NAME_MAX);
		if (*len != 1 || **part != '.')
			return 0;
	}
}

static int directory_make(struct unpacking *u, uint32_t dir, const char *name, size_t len,
	uint32_t *out, struct error *e)
{
	const struct fs_put put = { .mode = S_IFDIR | 0755, .mtime = u->job->time };
	const struct ext_fill_device none = { 0 };
	uint64_t node;
	int rc = ext_fill_node(u->job->root, &put, none, &node, e);

	if (!rc)
		rc = root_names_add(&u->names, dir, name, len, out, e);
	if (rc)
		return rc;
	u->names.name[*out].node = node;
	u->names.name[*out].mode = S_IFDIR;
	u->size->nodes++;
	return 0;
}

static int step(struct unpacking *u, uint32_t *dir, const char *name, size_t len, bool make,
	struct error *e)
{
	const int64_t at = root_names_find(&u->names, *dir, name, len);
	uint32_t mode;

	if (at == ROOT_NAME_NONE)
		return make ? directory_make(u, *dir, name, len, dir, e)
			    : error_set(e, ERR_CORRUPT, "\"%.*s\" is not in the tar before it",
				      (int)len, name);
	mode = u->names.name[at].mode;
	if (!S_ISDIR(mode))
		return error_set(e, ERR_CORRUPT, "the path leads through \"%.*s\", which is %s",
			(int)len, name, S_ISLNK(mode) ? "a link" : "no directory");
	*dir = (uint32_t)at;
	return 0;
}

static int walk(
	struct unpacking *u, const char *path, bool make, struct unpack_place *out, struct error *e)
{
	const char *part;
	size_t len;
	int rc;

	*out = (struct unpack_place){ 0 };
	if (strlen(path) > PATH_BYTES_MAX)
		return error_set(e, ERR_CORRUPT, "a path of %zu bytes", strlen(path));
	rc = part_next(&path, &part, &len, e);
	while (!rc && len) {
		if (out->len)
			rc = step(u, &out->dir, out->name, out->len, make, e);
		out->name = part;
		out->len = len;
		if (!rc)
			rc = part_next(&path, &part, &len, e);
	}
	return rc;
}

int unpack_place_make(
	struct unpacking *u, const char *path, struct unpack_place *out, struct error *e)
{
	return walk(u, path, true, out, e);
}

int unpack_place_find(struct unpacking *u, const char *path, uint32_t *out, struct error *e)
{
	struct unpack_place p;
	int64_t at;
	int rc = walk(u, path, false, &p, e);

	if (rc)
		return rc;
	at = p.len ? root_names_find(&u->names, p.dir, p.name, p.len) : 0;
	if (at == ROOT_NAME_NONE)
		return error_set(
			e, ERR_CORRUPT, "\"%.*s\" is not in the tar before it", (int)p.len, p.name);
	*out = (uint32_t)at;
	return 0;
}
