/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One entry of a root tar. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/checked.h"
#include "guest/root_unpack_private.h"

enum { BLOCK = 4096, PATH_SHOWN = 200 }; /* bytes */

/* Holes take nothing. */
static uint64_t bytes_to_store(struct archive_entry *entry)
{
	const uint64_t size = (uint64_t)archive_entry_size(entry);
	la_int64_t off, len;
	uint64_t sum = 0;

	if (!archive_entry_sparse_reset(entry))
		return size;
	while (archive_entry_sparse_next(entry, &off, &len) == ARCHIVE_OK)
		if (len < 0 || !add_fits(sum, round_up((uint64_t)len, BLOCK), &sum))
			return UINT64_MAX;
	return sum < size ? sum : size;
}

static int room_check(struct unpacking *u, struct archive_entry *entry, struct error *e)
{
	const uint64_t bytes = bytes_to_store(entry);
	uint64_t room;
	int rc = u->job->root->ops->free_bytes(u->job->root, &room, e);

	if (!rc && bytes > room)
		rc = error_set(e, ERR_RANGE, "%llu bytes, and %llu are left",
			(unsigned long long)bytes, (unsigned long long)room);
	return rc;
}

static int content_copy(
	struct unpacking *u, struct ext_fill_file *f, uint64_t size, struct error *e)
{
	const void *bytes;
	la_int64_t off;
	size_t len;
	int got;

	while ((got = archive_read_data_block(u->archive, &bytes, &len, &off)) != ARCHIVE_EOF) {
		int rc;

		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return unpack_fault(u, e);
		if (off < 0 || !range_fits((uint64_t)off, len, size))
			return error_set(e, ERR_CORRUPT, "content past its end");
		rc = ext_fill_write(f, (uint64_t)off, bytes, len, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int file_fill(
	struct unpacking *u, struct archive_entry *entry, uint64_t node, struct error *e)
{
	const uint64_t size = (uint64_t)archive_entry_size(entry);
	struct ext_fill_file *f = NULL;
	int rc;

	if (!size)
		return 0;
	rc = ext_fill_open(u->job->root, node, &f, e);
	if (!rc)
		rc = content_copy(u, f, size, e);
	if (!rc)
		rc = ext_fill_finish(f, size, e);
	ext_fill_close(f);
	return rc;
}

/* What stood at the name goes; its place stays. */
static int name_clear(struct unpacking *u, uint32_t at, uint32_t mode, struct error *e)
{
	const struct root_name *old = &u->names.name[at];

	if (!S_ISDIR(old->mode))
		return ext_fill_unlink(u->job->root, old->node, e);
	if (old->first)
		return error_set(
			e, ERR_CORRUPT, "it takes the place of a directory that is not empty");
	if (!at || old->node == EXT_FILL_LOST_FOUND)
		return error_set(e, ERR_CORRUPT, "it must be a directory, and has mode 0%o", mode);
	return ext_fill_unlink(u->job->root, old->node, e);
}

static int name_set(struct unpacking *u, const struct unpack_place *p, uint64_t node, uint32_t mode,
	struct error *e)
{
	const int64_t old = root_names_find(&u->names, p->dir, p->name, p->len);
	uint32_t at = (uint32_t)old;
	int rc = old == ROOT_NAME_NONE ? root_names_add(&u->names, p->dir, p->name, p->len, &at, e)
				       : name_clear(u, at, mode, e);

	if (rc)
		return rc;
	u->names.name[at].node = node;
	u->names.name[at].mode = mode & S_IFMT;
	return 0;
}

/* A directory that is there gets another look; all else is made anew. */
static int node_put(struct unpacking *u, struct archive_entry *entry, const struct unpack_place *p,
	const struct fs_put *put, struct error *e)
{
	const struct ext_fill_device device = { .major = (uint32_t)archive_entry_rdevmajor(entry),
		.minor = (uint32_t)archive_entry_rdevminor(entry) };
	const int64_t old = p->len ? root_names_find(&u->names, p->dir, p->name, p->len) : 0;
	uint64_t node;
	int rc;

	if (old != ROOT_NAME_NONE && S_ISDIR(put->mode) && S_ISDIR(u->names.name[old].mode))
		return ext_fill_looks(u->job->root, u->names.name[old].node, put, e);
	if (!p->len)
		return error_set(e, ERR_CORRUPT, "the root is no directory");
	rc = S_ISREG(put->mode) ? room_check(u, entry, e) : 0;
	if (!rc)
		rc = ext_fill_node(u->job->root, put, device, &node, e);
	if (!rc && S_ISREG(put->mode))
		rc = file_fill(u, entry, node, e);
	return rc ? rc : name_set(u, p, node, put->mode, e);
}

static int link_put(
	struct unpacking *u, const struct unpack_place *p, const char *target, struct error *e)
{
	uint32_t at;
	uint64_t node;
	uint32_t mode;
	int64_t old;
	int rc = unpack_place_find(u, target, &at, e);

	if (rc)
		return error_prefix(e, "hard link to \"%s\"", target);
	node = u->names.name[at].node;
	mode = u->names.name[at].mode;
	if (S_ISDIR(mode) || !p->len)
		return error_set(e, ERR_CORRUPT, "a hard link to the directory \"%s\"", target);
	old = root_names_find(&u->names, p->dir, p->name, p->len);
	if (old != ROOT_NAME_NONE && u->names.name[old].node == node)
		return 0;
	rc = ext_fill_link(u->job->root, node, e);
	return rc ? rc : name_set(u, p, node, mode, e);
}

static int looks_read(struct archive_entry *entry, struct fs_put *put, struct error *e)
{
	const la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return error_set(e, ERR_CORRUPT, "owner %lld:%lld", (long long)uid, (long long)gid);
	if (archive_entry_size(entry) < 0)
		return error_set(
			e, ERR_CORRUPT, "%lld bytes", (long long)archive_entry_size(entry));
	*put = (struct fs_put){ .mode = archive_entry_mode(entry) & (S_IFMT | 07777),
		.uid = (uint32_t)uid,
		.gid = (uint32_t)gid,
		.mtime = archive_entry_mtime(entry),
		.target = archive_entry_symlink(entry) };
	if (S_ISLNK(put->mode) && (!put->target || !*put->target))
		return error_set(e, ERR_CORRUPT, "a link to nothing");
	return 0;
}

static void size_count(struct unpacking *u, struct archive_entry *entry)
{
	const uint32_t mode = archive_entry_mode(entry);
	uint64_t bytes = S_ISREG(mode) ? bytes_to_store(entry) : 0;

	/* A directory, a long link, a block of attributes. */
	if (S_ISDIR(mode) || S_ISLNK(mode) || archive_entry_xattr_count(entry))
		bytes += BLOCK;
	if (bytes > UINT64_MAX - BLOCK ||
		!add_fits(u->size->bytes, round_up(bytes, BLOCK), &u->size->bytes))
		u->size->bytes = UINT64_MAX;
	u->size->nodes++;
}

static int entry_put(
	struct unpacking *u, struct archive_entry *entry, const char *path, struct error *e)
{
	struct unpack_place place;
	struct fs_put put;
	int rc = unpack_place_make(u, path, &place, e);

	if (!rc && archive_entry_hardlink(entry))
		return link_put(u, &place, archive_entry_hardlink(entry), e);
	if (!rc)
		rc = looks_read(entry, &put, e);
	if (rc)
		return rc;
	rc = unpack_xattrs(u, entry, &put, e);
	if (!rc)
		rc = node_put(u, entry, &place, &put, e);
	xattrs_free((struct xattr *)(uintptr_t)put.xattr, put.xattr_count);
	return rc;
}

int unpack_entry(struct unpacking *u, struct archive_entry *entry, struct error *e)
{
	const char *path = archive_entry_pathname(entry);
	int rc;

	if (!path)
		return error_set(e, ERR_CORRUPT, "an entry without a name");
	if (!archive_entry_hardlink(entry))
		size_count(u, entry);
	if (u->full.code)
		return 0;
	if (S_ISSOCK(archive_entry_mode(entry))) {
		u->sockets++;
		return 0;
	}
	rc = entry_put(u, entry, path, e);
	if (rc)
		error_prefix(e, "%.*s", PATH_SHOWN, path);
	if (rc != -ERR_RANGE)
		return rc;
	/* The rest is looked at only to tell how much it is. */
	u->full = *e;
	*e = (struct error){ 0 };
	return 0;
}
