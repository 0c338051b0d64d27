/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file system in the appliance, by the numbers of its nodes.  Paths are made of names that were
 * looked up one by one, so that no link is followed on the way. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/appliance_private.h"

enum {
	PIECE = 2 << 20, /* bytes of one answer; the protocol ends at 4 MiB */
	NAMES_MAX = 1 << 20, /* in a directory */
};

static void strings_drop(char **all)
{
	for (size_t i = 0; all && all[i]; i++)
		free(all[i]);
	free(all);
}

int drive_path(
	struct drive *d, uint64_t node, const char *name, struct buffer *out, struct error *e)
{
	int rc = drive_mount(d, e);

	if (!rc)
		rc = buffer_string(out, d->path, e);
	if (!rc)
		rc = nodes_path(&d->nodes, node, out, e);
	if (!rc && name)
		rc = buffer_format(out, e, "/%s", name);
	return rc;
}

static void take_stat(struct node *x, uint64_t number, const struct guestfs_statns *s)
{
	x->present = true;
	x->stat = (struct fs_stat){
		.node = number,
		.mode = (uint32_t)s->st_mode,
		.uid = (uint32_t)s->st_uid,
		.gid = (uint32_t)s->st_gid,
		.links = (uint32_t)s->st_nlink,
		.size = s->st_size < 0 ? 0 : (uint64_t)s->st_size,
		.mtime = s->st_mtime_sec,
	};
}

int drive_refresh(struct drive *d, uint64_t dir, const char *name, struct error *e)
{
	struct appliance *a = d->appliance;
	struct buffer path = { 0 };
	struct guestfs_statns *s = NULL;
	uint64_t number;
	int rc = nodes_add(&d->nodes, dir, name, &number, e);

	if (!rc)
		rc = drive_path(d, number, NULL, &path, e);
	if (!rc) {
		struct node *x = nodes_get(&d->nodes, number);

		x->present = false;
		s = a->lib.lstatns(a->g, buffer_text(&path));
		if (s)
			take_stat(x, number, s);
		else
			rc = drive_error(d, buffer_text(&path), e);
		a->lib.free_statns(s);
	}
	buffer_free(&path);
	return rc;
}

static bool is_name(const char *name)
{
	return *name && strlen(name) <= FS_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") &&
		strcmp(name, "..");
}

static int children_add(struct drive *d, uint64_t dir, char *const *names,
	const struct guestfs_statns_list *stats, struct error *e)
{
	uint64_t number;
	int rc = 0;

	for (size_t i = 0; names[i] && !rc; i++) {
		if (i >= stats->len || !is_name(names[i]))
			return error_set(
				e, ERR_CORRUPT, "a name that can't be one: \"%.80s\"", names[i]);
		rc = nodes_add(&d->nodes, dir, names[i], &number, e);
		/* -1: it is listed, but can't be looked at. */
		if (!rc && stats->val[i].st_ino != -1)
			take_stat(nodes_get(&d->nodes, number), number, &stats->val[i]);
	}
	return rc;
}

static int directory_read(struct drive *d, uint64_t dir, const char *path, struct error *e)
{
	struct appliance *a = d->appliance;
	char **names = a->lib.ls(a->g, path);
	struct guestfs_statns_list *stats = NULL;
	size_t count = 0;
	int rc = 0;

	if (!names)
		return drive_error(d, path, e);
	while (names[count])
		count++;
	if (count > NAMES_MAX)
		rc = error_set(e, ERR_RANGE, "more than %d names in a directory", NAMES_MAX);
	if (!rc && count) {
		stats = a->lib.lstatnslist(a->g, path, names);
		rc = stats ? children_add(d, dir, names, stats, e) : drive_error(d, path, e);
		a->lib.free_statns_list(stats);
	}
	strings_drop(names);
	return rc;
}

int drive_node(struct drive *d, uint64_t node, struct node **out, struct error *e)
{
	struct node *x = nodes_get(&d->nodes, node);

	if (!x || !x->present)
		return error_set(e, ERR_NOTFOUND, "file %" PRIu64 " is not there", node);
	*out = x;
	return 0;
}

/* Whole directories are looked at, since a question costs more than its answer. */
static int directory_load(struct drive *d, uint64_t dir, struct node **out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = drive_node(d, dir, out, e);

	if (!rc && !S_ISDIR((*out)->stat.mode))
		rc = error_set(e, ERR_NOTFOUND, "file %" PRIu64 " is not a directory", dir);
	if (!rc && !(*out)->loaded) {
		rc = drive_path(d, dir, NULL, &path, e);
		if (!rc)
			rc = directory_read(d, dir, buffer_text(&path), e);
		buffer_free(&path);
		(*out)->loaded = !rc;
	}
	return rc;
}

int drive_lookup(struct drive *d, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct node *x = NULL;
	uint64_t number;
	int rc = directory_load(d, dir, &x, e);

	if (rc)
		return rc;
	number = nodes_find(&d->nodes, dir, name);
	x = nodes_get(&d->nodes, number);
	if (!x || !x->present)
		return error_set(e, ERR_NOTFOUND, "no \"%s\"", name);
	*node = number;
	return 0;
}

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
	int rc = directory_load(d, dir, &x, e);

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

static int root_look(struct drive *d, struct error *e)
{
	struct appliance *a = d->appliance;
	struct guestfs_statns *s = a->lib.lstatns(a->g, d->path);

	if (!s)
		return drive_error(d, "the root directory", e);
	take_stat(nodes_get(&d->nodes, NODES_ROOT), NODES_ROOT, s);
	a->lib.free_statns(s);
	return 0;
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
		rc = root_look(d, e);
	if (!rc && !strcmp(id->type, "btrfs"))
		rc = appliance_btrfs_root(d, &root, e);
	return rc ? rc : appliance_fs_make(d, root, out, e);
}
