/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at a guest's files by path. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/tree_private.h"

enum {
	NAMES_MAX = 1 << 20, /* in a directory */
	PIECE = 1 << 20, /* bytes of a file in memory */
	LINK_MAX = 4096, /* bytes of a link's target */
};
static const uint64_t DIGEST_MAX = UINT64_C(4)
	<< 30; /* bytes: no file of a system that is edited is larger */

static int add_mount(
	struct tree *t, const char *path, struct fs *fs, const char *volume, struct error *e)
{
	struct mount *all = reallocarray(t->mount, t->mount_count + 1, sizeof(*all));
	struct mount m = { .fs = fs };

	if (!all)
		return error_nomem(e, "a mount");
	t->mount = all;
	m.path = strdup(path);
	m.volume = strdup(volume);
	if (!m.path || !m.volume) {
		free(m.path);
		free(m.volume);
		return error_nomem(e, "a mount");
	}
	t->mount[t->mount_count++] = m;
	return 0;
}

int tree_open(struct fs *root, const char *volume, struct journal *journal, struct tree **out,
	struct error *e)
{
	struct tree *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(e, "a tree");
	t->journal = journal;
	rc = add_mount(t, "", root, volume, e);
	if (rc)
		tree_close(t);
	else
		*out = t;
	return rc;
}

int tree_mount(struct tree *t, const char *path, struct fs *fs, const char *volume, struct error *e)
{
	struct walk_options o = { .flags = WALK_MISSING };
	struct spot s;
	int rc = tree_walk(t, path, &o, &s, e);

	if (!rc && !s.path.len)
		rc = error_set(
			e, ERR_USAGE, "%.200s is the root, where a file system is already", path);
	if (!rc)
		rc = add_mount(t, buffer_text(&s.path), fs, volume, e);
	spot_free(&s);
	return rc;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->mount_count; i++) {
		free(t->mount[i].path);
		free(t->mount[i].volume);
	}
	free(t->mount);
	free(t);
}

static int find(
	struct tree *t, const char *path, enum walk_flags flags, struct spot *out, struct error *e)
{
	struct walk_options o = { .flags = flags };
	struct error why = { 0 };
	int rc = tree_walk(t, path, &o, out, &why);

	if (!t->failure.code)
		(void)error_of_host(&why, &t->failure);
	if (rc && e)
		*e = why;
	return rc;
}

int tree_failure(const struct tree *t, struct error *e)
{
	return error_of_host(&t->failure, e);
}

int tree_stat(struct tree *t, const char *path, enum tree_flags flags, struct fs_stat *out,
	struct error *e)
{
	struct spot s;
	int rc = find(t, path, flags & TREE_NOFOLLOW ? WALK_NOFOLLOW : WALK_FOLLOW, &s, e);

	if (!rc)
		*out = s.stat;
	spot_free(&s);
	return rc;
}

bool tree_is(struct tree *t, const char *path, uint32_t type)
{
	enum tree_flags flags = type == S_IFLNK ? TREE_NOFOLLOW : TREE_FOLLOW;
	struct fs_stat st;
	struct error e;

	return !tree_stat(t, path, flags, &st, &e) && (!type || (st.mode & S_IFMT) == type);
}

int tree_resolve(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct spot s;
	int rc = find(t, path, WALK_FOLLOW, &s, e);

	if (!rc)
		rc = buffer_string(out, s.path.len ? buffer_text(&s.path) : "/", e);
	spot_free(&s);
	return rc;
}

struct listing {
	struct strings *names;
	struct error *e;
};

static int add_name(void *arg, const char *name, uint64_t node)
{
	struct listing *l = arg;

	(void)node;
	if (l->names->count == NAMES_MAX)
		return error_set(l->e, ERR_RANGE, "more than %d names in a directory", NAMES_MAX);
	return strings_add(l->names, name, l->e);
}

/* A mount point shows even when the file system below has no directory for it. */
static int add_mounts(const struct tree *t, const char *path, struct strings *out, struct error *e)
{
	size_t len = strlen(path);
	int rc = 0;

	for (size_t i = 1; !rc && i < t->mount_count; i++) {
		const char *at = t->mount[i].path;

		if (!strncmp(at, path, len) && at[len] == '/' && !strchr(at + len + 1, '/'))
			rc = strings_add_new(out, at + len + 1, e);
	}
	return rc;
}

int tree_list(struct tree *t, const char *path, struct strings *out, struct error *e)
{
	struct listing l = { .names = out, .e = e };
	struct spot s;
	int rc = find(t, path, WALK_FOLLOW, &s, e);

	if (!rc && !S_ISDIR(s.stat.mode))
		rc = error_set(e, ERR_NOTFOUND, "%.200s is not a directory", path);
	if (!rc)
		rc = s.mount->fs->ops->list(s.mount->fs, s.stat.node, add_name, &l, e);
	if (!rc)
		rc = add_mounts(t, buffer_text(&s.path), out, e);
	if (!rc)
		strings_sort(out);
	spot_free(&s);
	return rc;
}

static int find_file(struct tree *t, const char *path, struct spot *out, struct error *e)
{
	int rc = find(t, path, WALK_FOLLOW, out, e);

	if (!rc && !S_ISREG(out->stat.mode))
		rc = error_set(e, ERR_UNSUPPORTED, "%.200s is not a regular file", path);
	return rc;
}

int tree_read(struct tree *t, const char *path, uint64_t limit, struct buffer *out, struct error *e)
{
	struct spot s;
	int rc = find_file(t, path, &s, e);

	if (!rc && s.stat.size > limit)
		rc = error_set(e, ERR_RANGE, "%.200s has %" PRIu64 " bytes, more than %" PRIu64,
			path, s.stat.size, limit);
	if (!rc)
		rc = buffer_reserve(out, (size_t)s.stat.size, e);
	if (!rc && s.stat.size) {
		rc = s.mount->fs->ops->read(
			s.mount->fs, s.stat.node, 0, out->data + out->len, (size_t)s.stat.size, e);
		if (rc)
			error_prefix(e, "%.200s", path);
		else
			out->len += (size_t)s.stat.size;
		out->data[out->len] = '\0';
	}
	spot_free(&s);
	return rc;
}

int tree_read_at(
	struct tree *t, const char *path, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct spot s;
	int rc = find_file(t, path, &s, e);

	if (!rc) {
		rc = s.mount->fs->ops->read(s.mount->fs, s.stat.node, off, buf, len, e);
		if (rc)
			error_prefix(e, "%.200s", path);
	}
	spot_free(&s);
	return rc;
}

int spot_target(const struct spot *s, struct buffer *out, struct error *e)
{
	size_t before = out->len;
	int rc = s->mount->fs->ops->readlink(s->mount->fs, s->stat.node, out, e);

	if (!rc && (out->len == before || out->len - before >= LINK_MAX))
		rc = error_set(e, ERR_CORRUPT, "a link's target of %zu bytes", out->len - before);
	return rc;
}

int tree_free_bytes(
	struct tree *t, const char *path, const char **volume, uint64_t *out, struct error *e)
{
	struct spot s;
	int rc = find(t, path, WALK_FOLLOW, &s, e);

	if (!rc) {
		*volume = s.mount->volume;
		rc = s.mount->fs->ops->free_bytes(s.mount->fs, out, e);
	}
	spot_free(&s);
	return rc;
}

int tree_readlink(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct spot s;
	int rc = find(t, path, WALK_NOFOLLOW, &s, e);

	if (!rc && !S_ISLNK(s.stat.mode))
		rc = error_set(e, ERR_UNSUPPORTED, "%.200s is not a symbolic link", path);
	if (!rc)
		rc = spot_target(&s, out, e);
	spot_free(&s);
	return rc;
}

int tree_xattrs(
	struct tree *t, const char *path, struct xattr **out, size_t *count, struct error *e)
{
	struct spot s;
	int rc = find(t, path, WALK_FOLLOW, &s, e);

	if (!rc && s.mount->fs->ops->xattrs) {
		rc = s.mount->fs->ops->xattrs(s.mount->fs, s.stat.node, out, count, e);
	} else if (!rc) {
		*out = NULL;
		*count = 0;
	}
	spot_free(&s);
	return rc;
}

static int digest_file(const struct spot *s, char hex[DIGEST_HEX_MAX], struct error *e)
{
	struct fs *fs = s->mount->fs;
	struct digest *digest;
	uint8_t *piece;
	int rc;

	if (s->stat.size > DIGEST_MAX)
		return error_set(e, ERR_RANGE, "%s has %" PRIu64 " bytes", buffer_text(&s->path),
			s->stat.size);
	rc = digest_open(&digest, "sha256", e);
	if (rc)
		return rc;
	piece = malloc(PIECE);
	if (!piece)
		rc = error_nomem(e, "a file");
	for (uint64_t off = 0; !rc && off < s->stat.size; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, s->stat.size - off);

		rc = fs->ops->read(fs, s->stat.node, off, piece, len, e);
		if (!rc)
			digest_add(digest, piece, len);
	}
	if (!rc)
		digest_hex(digest, hex);
	digest_close(digest);
	free(piece);
	return rc;
}

int spot_state(const struct spot *s, struct edit_state *out, struct error *e)
{
	struct buffer target = { 0 };
	int rc = 0;

	*out = (struct edit_state){ .present = s->found };
	if (!s->found)
		return 0;
	out->mode = s->stat.mode;
	out->uid = s->stat.uid;
	out->gid = s->stat.gid;
	if (S_ISREG(s->stat.mode)) {
		out->size = s->stat.size;
		rc = digest_file(s, out->sha256, e);
	} else if (S_ISLNK(s->stat.mode)) {
		rc = spot_target(s, &target, e);
		out->size = target.len;
		if (!rc)
			rc = digest_bytes("sha256", target.data, target.len, out->sha256, e);
		buffer_free(&target);
	}
	return rc;
}
