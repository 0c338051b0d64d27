/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes of ext inodes, their values as they are stored. */
#include <stdlib.h>
#include <string.h>

#include "fs/ext.h"

struct gather {
	struct xattr *xattr;
	size_t count;
	bool failed;
};

/* Part of a file's content lives under this name when an inode holds it. */
#define CONTENT "system.data"

static int gather_one(char *name, char *value, size_t len, void *arg)
{
	struct gather *g = arg;
	struct xattr *all, one = { 0 };

	if (!strcmp(name, CONTENT))
		return 0;
	g->failed = true;
	all = reallocarray(g->xattr, g->count + 1, sizeof(*all));
	if (!all)
		return XATTR_ABORT;
	g->xattr = all;
	one.name = strdup(name);
	one.value = malloc(len ? len : 1);
	one.len = len;
	if (!one.name || !one.value) {
		free(one.name);
		free(one.value);
		return XATTR_ABORT;
	}
	if (len)
		memcpy(one.value, value, len);
	all[g->count++] = one;
	g->failed = false;
	return 0;
}

static errcode_t open_handle(struct ext *x, ext2_ino_t ino, struct ext2_xattr_handle **out)
{
	/* Values as stored, so that what is read can be written back as it is. */
	unsigned int flags = XATTR_HANDLE_FLAG_RAW;
	struct ext2_xattr_handle *h;
	errcode_t code = ext2fs_xattrs_open(x->e2, ino, &h);

	if (code)
		return code;
	code = ext2fs_xattrs_flags(h, &flags, NULL);
	if (!code)
		code = ext2fs_xattrs_read(h);
	if (code)
		ext2fs_xattrs_close(&h);
	else
		*out = h;
	return code;
}

int ext_xattrs(struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	struct ext2_xattr_handle *h;
	struct gather g = { 0 };
	errcode_t code;
	int rc = ext_inode(x, node, &inode, e);

	if (rc)
		return rc;
	*out = NULL;
	*count = 0;
	code = open_handle(x, (ext2_ino_t)node, &h);
	if (code == EXT2_ET_MISSING_EA_FEATURE)
		return 0;
	if (code)
		return ext_error(x, code, e, "extended attributes");
	code = ext2fs_xattrs_iterate(h, gather_one, &g);
	ext2fs_xattrs_close(&h);
	if (code || g.failed) {
		xattrs_free(g.xattr, g.count);
		return code ? ext_error(x, code, e, "extended attributes")
			    : error_nomem(e, "extended attributes");
	}
	*out = g.xattr;
	*count = g.count;
	return 0;
}

int ext_xattrs_set(
	struct ext *x, ext2_ino_t ino, const struct xattr *xattr, size_t count, struct error *e)
{
	struct ext2_xattr_handle *h;
	errcode_t code;

	if (!count)
		return 0;
	code = open_handle(x, ino, &h);
	if (code)
		return ext_error(x, code, e, "extended attributes");
	for (size_t i = 0; !code && i < count; i++)
		code = ext2fs_xattr_set(h, xattr[i].name, xattr[i].value, xattr[i].len);
	ext2fs_xattrs_close(&h);
	return code ? ext_error(x, code, e, "setting an extended attribute") : 0;
}

static int remove_all(
	struct ext *x, ext2_ino_t ino, const struct xattr *xattr, size_t count, struct error *e)
{
	struct ext2_xattr_handle *h;
	errcode_t code = open_handle(x, ino, &h);

	if (code)
		return ext_error(x, code, e, "removing extended attributes");
	for (size_t i = 0; !code && i < count; i++)
		code = ext2fs_xattr_remove(h, xattr[i].name);
	ext2fs_xattrs_close(&h);
	return code ? ext_error(x, code, e, "removing extended attributes") : 0;
}

int ext_xattrs_clear(struct ext *x, ext2_ino_t ino, struct error *e)
{
	struct xattr *xattr;
	size_t count;
	int rc = ext_xattrs(&x->fs, ino, &xattr, &count, e);

	if (rc)
		return rc;
	if (count)
		rc = remove_all(x, ino, xattr, count, e);
	xattrs_free(xattr, count);
	return rc;
}

int ext_xattrs_clear_content(struct ext *x, ext2_ino_t ino, struct error *e)
{
	struct xattr content = { .name = (char[]){ CONTENT } };

	return remove_all(x, ino, &content, 1, e);
}
