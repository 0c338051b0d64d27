/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/tree_walk.h"

enum { PIECE = 256 << 10 };

typedef int (*content_read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);

/* What shall be at a path. */
struct wish {
	uint32_t type; /* S_IFREG, S_IFLNK or S_IFDIR */
	uint64_t size;
	content_read read; /* of a file */
	void *arg;
	const char *target; /* of a link */
};

struct bytes_source {
	const uint8_t *bytes;
};

static int bytes_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, ((const struct bytes_source *)arg)->bytes + off, len);
	return 0;
}

struct node_source {
	struct fs *fs;
	uint64_t node;
};

static int node_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct node_source *n = arg;

	return n->fs->ops->read(n->fs, n->node, off, buf, len, e);
}

static int content_digest(
	content_read read, void *arg, uint64_t size, char hex[DIGEST_HEX_MAX], struct error *e)
{
	struct digest *d = NULL;
	uint8_t *piece = malloc(PIECE);
	uint64_t off = 0;
	int rc = piece ? digest_open(&d, "sha256", e) : error_nomem(e, "a digest");

	while (!rc && off < size) {
		size_t len = (size_t)min_u64(PIECE, size - off);

		rc = read(arg, off, piece, len, e);
		if (!rc)
			digest_add(d, piece, len);
		off += len;
	}
	if (!rc)
		digest_hex(d, hex);
	digest_close(d);
	free(piece);
	return rc;
}

/* The state of what is at a place now. */
static int state_before(const struct place *p, struct edit_state *s, struct error *e)
{
	struct node_source source = { p->mount->fs, p->node };
	struct buffer target = { 0 };
	int rc = 0;

	*s = (struct edit_state){ 0 };
	if (!p->found)
		return 0;
	*s = (struct edit_state){ .present = true,
		.mode = p->stat.mode,
		.uid = p->stat.uid,
		.gid = p->stat.gid,
		.size = S_ISDIR(p->stat.mode) ? 0 : p->stat.size };
	if (S_ISREG(p->stat.mode))
		return content_digest(node_read, &source, p->stat.size, s->sha256, e);
	if (S_ISLNK(p->stat.mode)) {
		rc = source.fs->ops->readlink(source.fs, p->node, &target, e);
		if (!rc)
			rc = digest_bytes("sha256", target.data, target.len, s->sha256, e);
		buffer_free(&target);
	}
	return rc;
}

static int state_after(
	const struct wish *w, const struct fs_put *put, struct edit_state *s, struct error *e)
{
	*s = (struct edit_state){ .present = true,
		.mode = put->mode,
		.uid = put->uid,
		.gid = put->gid,
		.size = w->size };
	if (w->type == S_IFREG)
		return content_digest(w->read, w->arg, w->size, s->sha256, e);
	if (w->type == S_IFLNK)
		return digest_bytes("sha256", w->target, strlen(w->target), s->sha256, e);
	return 0;
}

static int edit_note(struct tree *t, const struct place *p, const char *why,
	const struct edit_state *before, const struct edit_state *after, struct error *e)
{
	char *path = p->path.len ? (char *)p->path.data : NULL;
	struct edit edit = {
		.action = !before->present ? EDIT_CREATE
			: after->present   ? EDIT_REPLACE
					   : EDIT_REMOVE,
		.volume = p->mount->volume,
		.path = path,
		.before = *before,
		.after = *after,
	};
	struct buffer text = { 0 };
	int rc;

	if (!t->journal)
		return 0;
	rc = buffer_string(&text, why ? why : "", e);
	edit.why = (char *)text.data;
	if (!rc)
		rc = journal_add(t->journal, &edit, e);
	buffer_free(&text);
	return rc;
}

/* Attributes of a replaced file stay; a new one gets its folder's SELinux label, as the guest's own
 * tools would give it one that an enforcing system accepts until it is relabelled. */
static int xattrs_choose(const struct place *p, struct xattr **out, size_t *count, struct error *e)
{
	struct fs *fs = p->mount->fs;
	size_t kept = 0;
	int rc = fs->ops->xattrs(fs, p->found ? p->node : p->dir, out, count, e);

	if (rc || p->found)
		return rc;
	for (size_t i = 0; i < *count; i++) {
		struct xattr swap = (*out)[i];

		if (strcmp(swap.name, "security.selinux") != 0)
			continue;
		(*out)[i] = (*out)[kept];
		(*out)[kept++] = swap;
	}
	for (size_t i = kept; i < *count; i++) {
		free((*out)[i].name);
		free((*out)[i].value);
	}
	*count = kept;
	return 0;
}

static bool same_state(const struct edit_state *a, const struct edit_state *b)
{
	return a->present && a->mode == b->mode && a->size == b->size &&
		strcmp(a->sha256, b->sha256) == 0;
}

static int place_write(struct tree *t, const struct place *p, const struct wish *w,
	const struct tree_put *how, struct error *e)
{
	uint32_t usual = w->type == S_IFREG ? 0644 : w->type == S_IFDIR ? 0755 : 0777;
	bool same_type = p->found && (p->stat.mode & S_IFMT) == w->type;
	struct fs_put put = {
		.mode = w->type |
			(how->has_mode              ? how->mode & 07777
					: same_type ? p->stat.mode & 07777
						    : usual),
		.uid = p->found ? p->stat.uid : 0,
		.gid = p->found ? p->stat.gid : 0,
		.mtime = how->mtime,
		.target = w->target,
		.size = w->size,
		.read = w->read,
		.read_arg = w->arg,
	};
	struct edit_state before, after;
	struct xattr *xattr = NULL;
	size_t count = 0;
	int rc = state_before(p, &before, e);

	if (!rc)
		rc = state_after(w, &put, &after, e);
	if (rc || same_state(&before, &after))
		return rc;
	rc = xattrs_choose(p, &xattr, &count, e);
	if (!rc) {
		put.xattr = xattr;
		put.xattr_count = count;
		rc = p->mount->fs->ops->put(p->mount->fs, p->dir, p->name, &put, e);
	}
	xattrs_free(xattr, count);
	return rc ? rc : edit_note(t, p, how->why, &before, &after, e);
}

/* Makes the missing directories of a path, the last name excepted. */
static int parents_make(
	struct tree *t, const char *path, const struct tree_put *how, struct error *e)
{
	static const struct wish directory = { .type = S_IFDIR };
	struct tree_put put = { .mtime = how->mtime, .why = how->why };
	const char *slash = path;
	int rc = 0;

	while (!rc && (slash = strchr(slash + 1, '/'))) {
		char *part = strndup(path, (size_t)(slash - path));
		struct place p;

		if (!part)
			return error_nomem(e, "a path");
		rc = tree_walk(t, part, TREE_FOLLOW, &p, e);
		if (!rc) {
			if (!p.found)
				rc = place_write(t, &p, &directory, &put, e);
			place_free(&p);
		}
		free(part);
	}
	return rc;
}

static int path_write(struct tree *t, const char *path, const struct wish *w,
	const struct tree_put *how, struct error *e)
{
	enum tree_flags flags = w->type == S_IFLNK ? TREE_NOFOLLOW : TREE_FOLLOW;
	struct place p;
	int rc = parents_make(t, path, how, e);

	if (!rc)
		rc = tree_walk(t, path, flags, &p, e);
	if (rc)
		return error_prefix(e, "cannot write %s", path);
	if (p.found && S_ISDIR(p.stat.mode))
		rc = error_set(e, ERR_EXISTS, "is a directory");
	else
		rc = place_write(t, &p, w, how, e);
	place_free(&p);
	return rc ? error_prefix(e, "cannot write %s", path) : 0;
}

int tree_put_reader(struct tree *t, const char *path, uint64_t size, content_read read, void *arg,
	const struct tree_put *p, struct error *e)
{
	struct wish w = { .type = S_IFREG, .size = size, .read = read, .arg = arg };

	return path_write(t, path, &w, p, e);
}

int tree_put_bytes(struct tree *t, const char *path, const void *bytes, size_t len,
	const struct tree_put *p, struct error *e)
{
	struct bytes_source source = { bytes };

	return tree_put_reader(t, path, len, bytes_read, &source, p, e);
}

int tree_put_link(struct tree *t, const char *path, const char *target, const struct tree_put *p,
	struct error *e)
{
	struct wish w = { .type = S_IFLNK, .size = strlen(target), .target = target };

	return path_write(t, path, &w, p, e);
}

int tree_remove(struct tree *t, const char *path, const char *why, struct error *e)
{
	struct edit_state before, after = { 0 };
	struct place p;
	int rc = tree_find(t, path, TREE_NOFOLLOW, &p, e);

	if (rc)
		return rc;
	rc = state_before(&p, &before, e);
	if (!rc && !p.path.len)
		rc = error_set(e, ERR_REFUSED, "the root cannot be removed");
	if (!rc)
		rc = p.mount->fs->ops->remove(p.mount->fs, p.dir, p.name, e);
	if (!rc)
		rc = edit_note(t, &p, why, &before, &after, e);
	place_free(&p);
	return rc ? error_prefix(e, "cannot remove %s", path) : 0;
}
