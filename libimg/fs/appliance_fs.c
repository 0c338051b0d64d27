/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file system in the appliance, by the numbers of its nodes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/appliance_private.h"

enum {
	PIECE = 2 << 20, /* bytes of one answer; the protocol ends at 4 MiB */
};

static int appliance_lookup(
	struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	return drive_lookup(drive_of(fs), dir, name, node, e);
}

static int appliance_list(struct fs *fs, uint64_t dir,
	int (*each)(void *arg, const char *name, uint64_t node), void *arg, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct node *x = NULL;
	int rc = drive_directory(d, dir, &x, e);

	for (size_t i = 0; !rc && i < x->child_count; i++) {
		const struct node *child = nodes_get(&d->nodes, x->child[i]);

		if (child->present)
			rc = each(arg, child->name, x->child[i]);
	}
	return rc;
}

static int appliance_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e)
{
	struct node *x = NULL;
	int rc = drive_node(drive_of(fs), node, &x, e);

	if (!rc)
		*out = x->stat;
	return rc;
}

static int xattrs_copy(
	const struct guestfs_xattr_list *list, struct xattr **out, size_t *count, struct error *e)
{
	struct xattr *all = calloc(list->len + 1, sizeof(*all));

	for (size_t i = 0; all && i < list->len; i++) {
		const struct guestfs_xattr *from = &list->val[i];

		all[i].name = strdup(from->attrname);
		all[i].len = from->attrval_len;
		all[i].value = malloc(all[i].len + 1);
		if (!all[i].name || !all[i].value) {
			xattrs_free(all, i + 1);
			all = NULL;
			break;
		}
		if (all[i].len)
			memcpy(all[i].value, from->attrval, all[i].len);
	}
	if (!all)
		return error_nomem(e, "extended attributes");
	*out = all;
	*count = list->len;
	return 0;
}

int appliance_xattrs_at(
	struct drive *d, const char *path, struct xattr **out, size_t *count, struct error *e)
{
	struct appliance *a = d->appliance;
	struct guestfs_xattr_list *list = a->lib.lgetxattrs(a->g, path);
	int rc;

	if (!list)
		return drive_error(d, path, e);
	rc = xattrs_copy(list, out, count, e);
	a->lib.free_xattr_list(list);
	return rc;
}

static int appliance_xattrs(
	struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e)
{
	struct buffer path = { 0 };
	struct node *x = NULL;
	int rc = drive_node(drive_of(fs), node, &x, e);

	if (!rc)
		rc = drive_path(drive_of(fs), node, NULL, &path, e);
	if (!rc)
		rc = appliance_xattrs_at(drive_of(fs), buffer_text(&path), out, count, e);
	buffer_free(&path);
	return rc;
}

static int read_piece(
	struct drive *d, const char *path, uint64_t off, uint8_t *to, size_t len, struct error *e)
{
	struct appliance *a = d->appliance;
	size_t got = 0;
	char *bytes = a->lib.pread(a->g, path, (int)len, (int64_t)off, &got);
	int rc = 0;

	if (!bytes)
		return drive_error(d, path, e);
	if (got == len)
		memcpy(to, bytes, len);
	else
		rc = error_set(e, ERR_CORRUPT, "%s ends %zu bytes after %" PRIu64 ", not %zu", path,
			got, off, len);
	free(bytes);
	return rc;
}

static int appliance_read(
	struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct buffer path = { 0 };
	uint8_t *to = buf;
	struct node *x = NULL;
	int rc = drive_node(drive_of(fs), node, &x, e);

	if (!rc && !S_ISREG(x->stat.mode))
		rc = error_set(e, ERR_UNSUPPORTED, "file %" PRIu64 " is not a regular file", node);
	if (!rc && !range_fits(off, len, x->stat.size))
		rc = error_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of a file of %" PRIu64, len,
			off, x->stat.size);
	if (!rc)
		rc = drive_path(drive_of(fs), node, NULL, &path, e);
	for (size_t at = 0, part; at < len && !rc; at += part) {
		part = (size_t)min_u64(PIECE, len - at);
		rc = read_piece(drive_of(fs), buffer_text(&path), off + at, to + at, part, e);
	}
	buffer_free(&path);
	return rc;
}

static int appliance_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct appliance *a = d->appliance;
	struct buffer path = { 0 };
	struct node *x = NULL;
	char *target;
	int rc = drive_node(d, node, &x, e);

	if (!rc && !S_ISLNK(x->stat.mode))
		rc = error_set(e, ERR_UNSUPPORTED, "file %" PRIu64 " is no symbolic link", node);
	if (!rc)
		rc = drive_path(d, node, NULL, &path, e);
	if (!rc) {
		target = a->lib.readlink(a->g, buffer_text(&path));
		rc = target ? buffer_string(out, target, e) : drive_error(d, buffer_text(&path), e);
		free(target);
	}
	buffer_free(&path);
	return rc;
}

static int appliance_free_bytes(struct fs *fs, uint64_t *out, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct appliance *a = d->appliance;
	struct guestfs_statvfs *s;
	int rc = drive_mount(d, e);

	if (rc)
		return rc;
	s = a->lib.statvfs(a->g, d->path);
	if (!s)
		return drive_error(d, "free space", e);
	if (s->bavail < 0 || s->frsize < 0 ||
		!mul_fits((uint64_t)s->bavail, (uint64_t)s->frsize, out))
		rc = error_set(e, ERR_CORRUPT, "%" PRId64 " free blocks", s->bavail);
	a->lib.free_statvfs(s);
	return rc;
}

static int appliance_sync(struct fs *fs, struct error *e)
{
	return drive_sync(drive_of(fs), e);
}

/* The drive is the appliance's. */
static void appliance_fs_close(struct fs *fs)
{
	free(fs);
}

static const struct fs_ops appliance_ops = {
	.lookup = appliance_lookup,
	.list = appliance_list,
	.stat = appliance_stat,
	.xattrs = appliance_xattrs,
	.read = appliance_read,
	.readlink = appliance_readlink,
	.put = appliance_put,
	.set_looks = appliance_set_looks,
	.remove = appliance_remove,
	.free_bytes = appliance_free_bytes,
	.view = appliance_btrfs_view,
	.sync = appliance_sync,
	.close = appliance_fs_close,
};

int appliance_fs_make(struct drive *d, uint64_t root, struct fs **out, struct error *e)
{
	struct appliance_fs *x = calloc(1, sizeof(*x));

	if (!x)
		return error_nomem(e, "a file system");
	x->fs.ops = &appliance_ops;
	x->fs.type = d->id.type;
	x->fs.root = root;
	x->fs.writable = d->writable;
	x->fs.permissions = true;
	x->drive = d;
	*out = &x->fs;
	return 0;
}

/* Mounted anew where the kind of use differs; numbers that were given stay. */
static int drive_prepare(struct drive *d, bool write, struct error *e)
{
	struct appliance *a = d->appliance;
	uint64_t number;
	int rc = 0;

	if (d->mounted && d->writable != write) {
		if (a->lib.umount(a->g, d->path))
			return drive_error(d, "unmounting", e);
		d->mounted = false;
	}
	d->writable = write;
	if (!d->nodes.count) {
		if (a->lib.mkmountpoint(a->g, d->path))
			return drive_error(d, "a mount point", e);
		rc = nodes_add(&d->nodes, 0, "", &number, e);
	}
	return rc ? rc : drive_mount(d, e);
}

int appliance_fs_open(struct disk *disk, const struct fs_id *id, const struct fs_options *o,
	struct fs **out, struct error *e)
{
	struct appliance *a = o->appliance;
	struct drive *d = NULL;
	uint64_t root = NODES_ROOT;
	int rc;

	for (size_t i = 0; a && i < a->count; i++)
		if (a->drive[i].volume == disk)
			d = &a->drive[i];
	if (!d)
		return fs_unreadable(id->type, e);
	rc = appliance_start(a, e);
	if (!rc)
		rc = drive_prepare(d, o->write, e);
	if (!rc)
		rc = drive_look(d, e);
	if (!rc && !strcmp(id->type, "btrfs"))
		rc = appliance_btrfs_root(d, &root, e);
	return rc ? rc : appliance_fs_make(d, root, out, e);
}
