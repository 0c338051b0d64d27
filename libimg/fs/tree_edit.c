/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing a guest's files by path, with an entry in the journal for what really changed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/tree_private.h"

enum { PIECE = 1 << 20 }; /* bytes of a file in memory */

int spot_check_writable(const struct spot *s, struct error *e)
{
	if (s->mount->fs->writable && s->mount->fs->ops->put && s->mount->fs->ops->remove)
		return 0;
	return error_set(e, ERR_REFUSED, "%s is on volume %s (%s), which is not open for editing",
		buffer_text(&s->path), s->mount->volume, s->mount->fs->type);
}

int spot_record(struct tree *t, const struct spot *s, const char *why,
	const struct edit_state *before, const struct edit_state *after, struct error *e)
{
	struct edit entry = {
		.volume = s->mount->volume,
		.path = s->path.data ? (char *)s->path.data : NULL,
		.before = *before,
		.after = *after,
	};
	char *reason;
	int rc;

	if (!t->journal || !entry.path)
		return 0;
	reason = strdup(why ? why : "");
	if (!reason)
		return error_nomem(e, "the edit journal");
	entry.why = reason;
	rc = journal_add(t->journal, &entry, e);
	free(reason);
	return rc;
}

/* The attributes of a new node: those of what it replaces; for something new, the security label of
 * its directory. */
struct attributes {
	struct xattr *all; /* owned */
	size_t all_count;
	const struct xattr *use;
	size_t use_count;
};

static int attributes_load(
	const struct spot *s, uint32_t type, struct attributes *out, struct error *e)
{
	struct fs *fs = s->mount->fs;
	int rc;

	*out = (struct attributes){ 0 };
	if (!fs->ops->xattrs)
		return 0;
	rc = fs->ops->xattrs(fs, s->found ? s->stat.node : s->dir, &out->all, &out->all_count, e);
	if (rc)
		return rc;
	if (s->found && (s->stat.mode & S_IFMT) == type) {
		out->use = out->all;
		out->use_count = out->all_count;
		return 0;
	}
	for (size_t i = 0; i < out->all_count; i++) {
		if (strcmp(out->all[i].name, "security.selinux") != 0)
			continue;
		out->use = &out->all[i];
		out->use_count = 1;
	}
	return 0;
}

int spot_put(struct tree *t, struct spot *s, struct fs_put *put, const char *why,
	const struct edit_state *before, struct error *e)
{
	struct fs *fs = s->mount->fs;
	struct attributes attributes;
	struct edit_state after;
	uint64_t node;
	int rc = spot_check_writable(s, e);

	if (!rc)
		rc = attributes_load(s, put->mode & S_IFMT, &attributes, e);
	if (rc)
		return rc;
	put->xattr = attributes.use;
	put->xattr_count = attributes.use_count;
	rc = fs->ops->put(fs, s->dir, s->name, put, e);
	xattrs_free(attributes.all, attributes.all_count);
	if (!rc)
		rc = fs->ops->lookup(fs, s->dir, s->name, &node, e);
	if (!rc)
		rc = fs->ops->stat(fs, node, &s->stat, e);
	s->found = !rc;
	if (!rc)
		rc = spot_state(s, &after, e);
	return rc ? rc : spot_record(t, s, why, before, &after, e);
}

struct parents {
	struct tree *tree;
	const struct tree_put *put;
};

static int make_parent(void *arg, const struct spot *at, uint64_t *node, struct error *e)
{
	const struct parents *parents = arg;
	struct fs_put put = { .mode = S_IFDIR | 0755, .mtime = parents->put->mtime };
	struct edit_state none = { 0 };
	struct spot s = *at;
	int rc = spot_put(parents->tree, &s, &put, parents->put->why, &none, e);

	*node = s.stat.node;
	return rc;
}

int tree_find_place(struct tree *t, const char *path, enum walk_flags flags,
	const struct tree_put *p, struct spot *out, struct error *e)
{
	struct parents parents = { .tree = t, .put = p };
	struct walk_options o = {
		.flags = flags | WALK_MISSING,
		.make = make_parent,
		.make_arg = &parents,
	};
	int rc = tree_walk(t, path, &o, out, e);

	if (!rc && out->found && (out->top || S_ISDIR(out->stat.mode)))
		rc = error_set(e, ERR_EXISTS, "%.200s is a directory", path);
	return rc;
}

typedef int (*reader)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);

static int digest_reader(
	uint64_t size, reader read, void *arg, char hex[DIGEST_HEX_MAX], struct error *e)
{
	struct digest *digest;
	uint8_t *piece;
	int rc = digest_open(&digest, "sha256", e);

	if (rc)
		return rc;
	piece = malloc(PIECE);
	if (!piece)
		rc = error_nomem(e, "a file");
	for (uint64_t off = 0; !rc && off < size; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, size - off);

		rc = read(arg, off, piece, len, e);
		if (!rc)
			digest_add(digest, piece, len);
	}
	if (!rc)
		digest_hex(digest, hex);
	digest_close(digest);
	free(piece);
	return rc;
}

/* Owner and permissions of the new node. */
static void set_looks(struct fs_put *put, const struct spot *s, const struct tree_put *p,
	uint32_t type, uint32_t otherwise)
{
	uint32_t permissions = s->found ? s->stat.mode & 07777 : otherwise;

	put->mode = type | (p->has_mode ? p->mode & 07777 : permissions);
	put->uid = s->found ? s->stat.uid : 0;
	put->gid = s->found ? s->stat.gid : 0;
	put->mtime = p->mtime;
}

static int put_file(struct tree *t, struct spot *s, struct fs_put *put, const struct tree_put *p,
	struct error *e)
{
	char hex[DIGEST_HEX_MAX];
	struct edit_state before;
	bool same_mode;
	int rc = 0;

	if (s->found && !S_ISREG(s->stat.mode))
		return error_set(e, ERR_REFUSED, "%s is not a regular file", buffer_text(&s->path));
	set_looks(put, s, p, S_IFREG, 0644);
	rc = spot_state(s, &before, e);
	if (!rc)
		rc = digest_reader(put->size, put->read, put->read_arg, hex, e);
	if (rc)
		return rc;
	/* A file system without permissions makes them up: they can't be wrong. */
	same_mode = put->mode == before.mode || !s->mount->fs->permissions;
	if (s->found && same_mode && before.size == put->size && !strcmp(before.sha256, hex))
		return 0;
	return spot_put(t, s, put, p->why, &before, e);
}

int tree_put_reader(struct tree *t, const char *path, uint64_t size,
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e), void *arg,
	const struct tree_put *p, struct error *e)
{
	struct fs_put put = { .size = size, .read = read, .read_arg = arg };
	struct spot s;
	int rc = tree_find_place(t, path, WALK_FOLLOW, p, &s, e);

	if (!rc) {
		rc = put_file(t, &s, &put, p, e);
		if (rc)
			error_prefix(e, "%.200s", path);
	}
	spot_free(&s);
	return rc;
}

static int read_bytes(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct buffer *b = arg;

	if (!range_fits(off, len, b->len))
		return error_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of %zu", len, off, b->len);
	memcpy(buf, b->data + off, len);
	return 0;
}

int tree_put_bytes(struct tree *t, const char *path, const void *bytes, size_t len,
	const struct tree_put *p, struct error *e)
{
	struct buffer copy = { 0 };
	int rc = buffer_append(&copy, bytes, len, e);

	if (!rc)
		rc = tree_put_reader(t, path, len, read_bytes, &copy, p, e);
	buffer_free(&copy);
	return rc;
}

static int put_link(struct tree *t, struct spot *s, const char *target, const struct tree_put *p,
	struct error *e)
{
	struct fs_put put = { .target = target, .size = strlen(target) };
	struct buffer old = { 0 };
	struct edit_state before;
	bool same = false;
	int rc;

	if (s->found && !S_ISREG(s->stat.mode) && !S_ISLNK(s->stat.mode))
		return error_set(
			e, ERR_REFUSED, "%s is neither a file nor a link", buffer_text(&s->path));
	if (s->found && S_ISLNK(s->stat.mode)) {
		rc = spot_target(s, &old, e);
		same = !rc && !strcmp(buffer_text(&old), target);
		buffer_free(&old);
		if (rc || same)
			return rc;
	}
	set_looks(&put, s, p, S_IFLNK, 0777);
	put.mode = S_IFLNK | 0777;
	rc = spot_state(s, &before, e);
	return rc ? rc : spot_put(t, s, &put, p->why, &before, e);
}

int tree_put_link(struct tree *t, const char *path, const char *target, const struct tree_put *p,
	struct error *e)
{
	struct spot s;
	int rc;

	if (!*target)
		return error_set(e, ERR_USAGE, "%.200s: a link needs a target", path);
	rc = tree_find_place(t, path, WALK_NOFOLLOW, p, &s, e);
	if (!rc) {
		rc = put_link(t, &s, target, p, e);
		if (rc)
			error_prefix(e, "%.200s", path);
	}
	spot_free(&s);
	return rc;
}

int tree_remove(struct tree *t, const char *path, const char *why, struct error *e)
{
	struct walk_options o = { .flags = WALK_NOFOLLOW };
	struct edit_state before, none = { 0 };
	struct spot s;
	int rc = tree_walk(t, path, &o, &s, e);

	if (!rc && s.top)
		rc = error_set(e, ERR_REFUSED, "%.200s is the root of a file system", path);
	if (!rc)
		rc = spot_check_writable(&s, e);
	if (!rc)
		rc = spot_state(&s, &before, e);
	if (!rc)
		rc = s.mount->fs->ops->remove(s.mount->fs, s.dir, s.name, e);
	if (!rc)
		rc = spot_record(t, &s, why, &before, &none, e);
	spot_free(&s);
	return rc;
}
