/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree_walk.h"

static int mount_add(
	struct tree *t, struct fs *fs, const char *path, const char *volume, struct error *e)
{
	struct mount *mount = reallocarray(t->mount, t->count + 1, sizeof(*mount));

	if (!mount)
		return error_nomem(e, "the guest's file systems");
	t->mount = mount;
	mount[t->count] = (struct mount){ fs, strdup(volume), strdup(path) };
	if (!mount[t->count].volume || !mount[t->count].path) {
		free(mount[t->count].volume);
		free(mount[t->count].path);
		return error_nomem(e, "the guest's file systems");
	}
	t->count++;
	return 0;
}

int tree_open(struct fs *root, const char *volume, struct journal *journal, struct tree **out,
	struct error *e)
{
	struct tree *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(e, "the guest's file systems");
	t->journal = journal;
	rc = mount_add(t, root, "", volume, e);
	if (rc) {
		tree_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

int tree_mount(struct tree *t, const char *path, struct fs *fs, const char *volume, struct error *e)
{
	struct place p;
	int rc = tree_walk(t, path, TREE_FOLLOW, &p, e);

	if (rc)
		return rc;
	if (!p.path.len)
		rc = error_set(e, ERR_USAGE, "%s is the root already", path);
	else
		rc = mount_add(t, fs, buffer_text(&p.path), volume, e);
	place_free(&p);
	return rc;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free(t->mount[i].volume);
		free(t->mount[i].path);
	}
	free(t->mount);
	free(t);
}

int tree_stat(struct tree *t, const char *path, enum tree_flags flags, struct fs_stat *out,
	struct error *e)
{
	struct place p;
	int rc = tree_find(t, path, flags, &p, e);

	if (rc)
		return rc;
	*out = p.stat;
	place_free(&p);
	return 0;
}

bool tree_is(struct tree *t, const char *path, uint32_t type)
{
	struct fs_stat st;

	if (tree_stat(t, path, type == S_IFLNK ? TREE_NOFOLLOW : TREE_FOLLOW, &st, NULL))
		return false;
	return !type || (st.mode & S_IFMT) == type;
}

int tree_resolve(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct place p;
	int rc = tree_find(t, path, TREE_FOLLOW, &p, e);

	if (rc)
		return rc;
	rc = buffer_string(out, p.path.len ? buffer_text(&p.path) : "/", e);
	place_free(&p);
	return rc;
}

struct listing {
	struct strings *names;
	struct error *e;
};

static int name_add(void *arg, const char *name, uint64_t node)
{
	struct listing *l = arg;

	(void)node;
	return strings_add(l->names, name, l->e);
}

int tree_list(struct tree *t, const char *path, struct strings *out, struct error *e)
{
	struct listing listing = { out, e };
	struct place p;
	int rc = tree_find(t, path, TREE_FOLLOW, &p, e);

	if (rc)
		return rc;
	if (!S_ISDIR(p.stat.mode))
		rc = error_set(e, ERR_NOTFOUND, "%s is not a directory", path);
	else
		rc = p.mount->fs->ops->list(p.mount->fs, p.node, name_add, &listing, e);
	place_free(&p);
	strings_sort(out);
	return rc;
}

/* A regular file, links followed. */
static int file_find(struct tree *t, const char *path, struct place *p, struct error *e)
{
	int rc = tree_find(t, path, TREE_FOLLOW, p, e);

	if (rc || S_ISREG(p->stat.mode))
		return rc;
	place_free(p);
	return error_set(e, ERR_UNSUPPORTED, "%s is not a regular file", path);
}

int tree_read(struct tree *t, const char *path, uint64_t limit, struct buffer *out, struct error *e)
{
	struct place p;
	int rc = file_find(t, path, &p, e);

	if (rc)
		return rc;
	if (p.stat.size > limit)
		rc = error_set(e, ERR_RANGE, "%s has %llu bytes, more than %llu", path,
			(unsigned long long)p.stat.size, (unsigned long long)limit);
	if (!rc)
		rc = buffer_reserve(out, (size_t)p.stat.size, e);
	if (!rc && p.stat.size)
		rc = p.mount->fs->ops->read(
			p.mount->fs, p.node, 0, out->data + out->len, (size_t)p.stat.size, e);
	if (!rc && p.stat.size) {
		out->len += (size_t)p.stat.size;
		out->data[out->len] = 0;
	}
	place_free(&p);
	return rc;
}

int tree_read_at(
	struct tree *t, const char *path, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct place p;
	int rc = file_find(t, path, &p, e);

	if (rc)
		return rc;
	rc = p.mount->fs->ops->read(p.mount->fs, p.node, off, buf, len, e);
	place_free(&p);
	return rc;
}

int tree_readlink(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct place p;
	int rc = tree_find(t, path, TREE_NOFOLLOW, &p, e);

	if (rc)
		return rc;
	if (!S_ISLNK(p.stat.mode))
		rc = error_set(e, ERR_UNSUPPORTED, "%s is not a symbolic link", path);
	else
		rc = p.mount->fs->ops->readlink(p.mount->fs, p.node, out, e);
	place_free(&p);
	return rc;
}

int tree_xattrs(
	struct tree *t, const char *path, struct xattr **out, size_t *count, struct error *e)
{
	struct place p;
	int rc = tree_find(t, path, TREE_FOLLOW, &p, e);

	if (rc)
		return rc;
	rc = p.mount->fs->ops->xattrs(p.mount->fs, p.node, out, count, e);
	place_free(&p);
	return rc;
}
