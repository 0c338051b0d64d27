/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits in the appliance.  What is put is made under a name of its own and then renamed, since what
 * it is made of may be read from the file that it replaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/appliance_private.h"

enum { PIECE = 1 << 20 }; /* bytes of one request; the protocol ends at 4 MiB */

static int check_editable(struct fs *fs, const char *name, struct error *e)
{
	size_t len = strlen(name);

	if (!fs->writable)
		return error_set(
			e, ERR_REFUSED, "the %s file system is open for reading only", fs->type);
	if (!len || len > FS_NAME_MAX || strchr(name, '/') || !strcmp(name, ".") ||
		!strcmp(name, ".."))
		return error_set(e, ERR_USAGE, "\"%s\" can't be a file's name", name);
	return 0;
}

static int content_write(struct drive *d, const char *path, const struct fs_put *p, struct error *e)
{
	struct appliance *a = d->appliance;
	char *piece = malloc(PIECE);
	uint64_t off = 0;
	int rc = piece ? 0 : error_nomem(e, "a file");

	if (!rc && a->lib.write(a->g, path, "", 0))
		rc = drive_error(d, path, e);
	while (!rc && off < p->size) {
		size_t len = (size_t)min_u64(PIECE, p->size - off);
		int put = 0;

		rc = p->read(p->read_arg, off, piece, len, e);
		if (!rc)
			put = a->lib.pwrite(a->g, path, piece, len, (int64_t)off);
		if (!rc && (put <= 0 || (size_t)put > len))
			rc = drive_error(d, path, e);
		off += (uint64_t)put;
	}
	free(piece);
	return rc;
}

static bool is_wanted(const struct fs_put *p, const char *name)
{
	for (size_t i = 0; i < p->xattr_count; i++)
		if (!strcmp(p->xattr[i].name, name))
			return true;
	return false;
}

/* A new file has what its directory hands down; it shall have what `p` says. */
static int xattrs_set(struct drive *d, const char *path, const struct fs_put *p, struct error *e)
{
	struct appliance *a = d->appliance;
	struct xattr *have = NULL;
	size_t count = 0;
	int rc = appliance_xattrs_at(d, path, &have, &count, e);

	for (size_t i = 0; i < count && !rc; i++)
		if (!is_wanted(p, have[i].name) && a->lib.lremovexattr(a->g, have[i].name, path))
			rc = drive_error(d, have[i].name, e);
	xattrs_free(have, count);
	for (size_t i = 0; i < p->xattr_count && !rc; i++) {
		const struct xattr *x = &p->xattr[i];

		if (a->lib.lsetxattr(a->g, x->name, x->value ? (const char *)x->value : "",
			    (int)x->len, path))
			rc = drive_error(d, x->name, e);
	}
	return rc;
}

/* A change of owner takes set-user-ID and capabilities away, so it comes first; an access list sets
 * permissions, so they come after it; the time last. */
static int looks_set(struct drive *d, const char *path, const struct fs_put *p, struct error *e)
{
	struct appliance *a = d->appliance;
	int rc;

	if (a->lib.lchown(a->g, (int)p->uid, (int)p->gid, path))
		return drive_error(d, path, e);
	rc = xattrs_set(d, path, p, e);
	/* These two would follow a link. */
	if (!rc && !S_ISLNK(p->mode) &&
		(a->lib.chmod(a->g, (int)(p->mode & 07777), path) ||
			a->lib.utimens(a->g, path, p->mtime, 0, p->mtime, 0)))
		rc = drive_error(d, path, e);
	return rc;
}

static int node_make(struct drive *d, const char *path, const struct fs_put *p, struct error *e)
{
	struct appliance *a = d->appliance;
	int failed, rc = 0;

	if (S_ISREG(p->mode)) {
		rc = content_write(d, path, p, e);
	} else {
		failed = S_ISDIR(p->mode) ? a->lib.mkdir_mode(a->g, path, (int)(p->mode & 07777))
					  : a->lib.ln_s(a->g, p->target, path);
		if (failed)
			rc = drive_error(d, path, e);
	}
	return rc ? rc : looks_set(d, path, p, e);
}

/* A name that the directory does not have. */
static int spare_name(struct drive *d, uint64_t dir, char out[32], struct error *e)
{
	uint64_t node;

	for (unsigned i = 0; i < 1000; i++) {
		int rc;

		(void)snprintf(out, 32, ".hvimg-%u", i);
		rc = drive_lookup(d, dir, out, &node, e);
		if (rc)
			return rc == -ERR_NOTFOUND ? 0 : rc;
	}
	return error_set(e, ERR_EXISTS, "\"%s\" and all names like it are taken", out);
}

/* Other names of the same file must see the edit, too. */
static int content_move(
	struct drive *d, const char *from, const char *to, const struct fs_put *p, struct error *e)
{
	const struct guestfs_copy_file_to_file_argv none = { 0 };
	struct appliance *a = d->appliance;
	int rc;

	if (a->lib.copy_file_to_file_argv(a->g, from, to, &none))
		return drive_error(d, to, e);
	rc = looks_set(d, to, p, e);
	if (!rc && a->lib.rm(a->g, from))
		rc = drive_error(d, from, e);
	return rc;
}

static int node_replace(struct drive *d, const char *spare, const char *path,
	const struct fs_stat *old, const struct fs_put *p, struct error *e)
{
	struct appliance *a = d->appliance;
	int rc = node_make(d, spare, p, e);

	if (rc)
		return rc;
	if (old && old->links > 1 && S_ISREG(old->mode) && S_ISREG(p->mode))
		return content_move(d, spare, path, p, e);
	if (a->lib.rename(a->g, spare, path))
		rc = drive_error(d, path, e);
	return rc;
}

static int check_replaceable(
	const struct fs_stat *old, const struct fs_put *p, const char *name, struct error *e)
{
	if (S_ISDIR(old->mode) || S_ISDIR(p->mode))
		return error_set(e, ERR_EXISTS, "\"%s\" is there already", name);
	if (!S_ISREG(old->mode) && !S_ISLNK(old->mode))
		return error_set(e, ERR_REFUSED, "\"%s\" is neither a file nor a link (mode 0%o)",
			name, old->mode);
	return 0;
}

/* What stands at the name now; *found false when nothing does. */
static int look(struct drive *d, uint64_t dir, const char *name, bool *found, struct fs_stat *old,
	struct error *e)
{
	struct node *x = NULL;
	uint64_t number;
	int rc = drive_lookup(d, dir, name, &number, e);

	*found = !rc;
	if (rc)
		return rc == -ERR_NOTFOUND && drive_node(d, dir, &x, e) == 0 ? 0 : rc;
	/* Its links may have become fewer by an edit of another name. */
	rc = drive_refresh(d, dir, name, e);
	if (!rc)
		*old = nodes_get(&d->nodes, number)->stat;
	return rc;
}

int appliance_put(
	struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct buffer path = { 0 }, spare = { 0 };
	struct fs_stat old = { 0 };
	bool found = false;
	char free_name[32];
	int rc = check_editable(fs, name, e);

	if (!rc)
		rc = look(d, dir, name, &found, &old, e);
	if (!rc && found)
		rc = check_replaceable(&old, p, name, e);
	if (!rc)
		rc = spare_name(d, dir, free_name, e);
	if (!rc)
		rc = drive_path(d, dir, name, &path, e);
	if (!rc)
		rc = drive_path(d, dir, free_name, &spare, e);
	if (!rc) {
		d->edited = true;
		rc = node_replace(
			d, buffer_text(&spare), buffer_text(&path), found ? &old : NULL, p, e);
		if (rc)
			(void)d->appliance->lib.rm(d->appliance->g, buffer_text(&spare));
	}
	if (!rc)
		rc = drive_refresh(d, dir, name, e);
	buffer_free(&path);
	buffer_free(&spare);
	return rc;
}

int appliance_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct appliance *a = d->appliance;
	struct buffer path = { 0 };
	struct node *x = NULL;
	uint64_t number;
	int rc = check_editable(fs, name, e);

	if (!rc)
		rc = drive_lookup(d, dir, name, &number, e);
	if (!rc)
		rc = drive_node(d, number, &x, e);
	if (!rc)
		rc = drive_path(d, number, NULL, &path, e);
	if (!rc) {
		d->edited = true;
		if (S_ISDIR(x->stat.mode) ? a->lib.rmdir(a->g, buffer_text(&path))
					  : a->lib.rm(a->g, buffer_text(&path)))
			rc = drive_error(d, buffer_text(&path), e);
		else
			x->present = false;
	}
	buffer_free(&path);
	return rc;
}

/* A change of owner takes set-user-ID away, so it comes first. */
int appliance_set_looks(
	struct fs *fs, uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid, struct error *e)
{
	struct drive *d = drive_of(fs);
	struct appliance *a = d->appliance;
	struct buffer path = { 0 };
	struct node *x = NULL;
	int rc = drive_node(d, node, &x, e);

	if (!rc)
		rc = drive_path(d, node, NULL, &path, e);
	if (!rc) {
		d->edited = true;
		if (a->lib.lchown(a->g, (int)uid, (int)gid, buffer_text(&path)) ||
			(!S_ISLNK(x->stat.mode) &&
				a->lib.chmod(a->g, (int)(mode & 07777), buffer_text(&path))))
			rc = drive_error(d, buffer_text(&path), e);
	}
	if (!rc) {
		x->stat.mode = (x->stat.mode & S_IFMT) | (mode & 07777);
		x->stat.uid = uid;
		x->stat.gid = gid;
	}
	buffer_free(&path);
	return rc;
}
