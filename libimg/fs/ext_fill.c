/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes without names. */
#include "fs/ext_fill.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "fs/ext.h"
#include "fs/ext_fill_private.h"

enum {
	ACL_VERSION = 2, /* of an ACL as kernels give it */
	ACL_HEAD = 4, /* bytes */
	ACL_ENTRY = 8,
	OLD_DEVICE = 256, /* numbers below it have a form of their own */
};

int ext_fill_inode_write(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	errcode_t code = ext2fs_write_inode_full(x->e2, ino, EXT2_INODE(inode), sizeof(*inode));

	return code ? ext_error(x, code, e, "writing an inode") : 0;
}

int ext_fill_extents_begin(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	ext2_extent_handle_t extents;
	errcode_t code;

	memset(inode->i_block, 0, sizeof(inode->i_block));
	code = ext2fs_extent_open2(x->e2, ino, EXT2_INODE(inode), &extents);
	if (code)
		return ext_error(x, code, e, "a new file");
	ext2fs_extent_free(extents);
	return 0;
}

/* As Linux stores it. */
static void device_set(struct ext2_inode_large *inode, struct ext_fill_device d)
{
	if (d.major < OLD_DEVICE && d.minor < OLD_DEVICE)
		inode->i_block[0] = d.major << 8 | d.minor;
	else
		inode->i_block[1] = (d.minor & 0xff) | d.major << 8 | (d.minor & ~0xffU) << 12;
}

/* libext2fs believes the length of what it converts. */
static bool acl_is_sound(const struct xattr *x)
{
	return x->len >= ACL_HEAD && (x->len - ACL_HEAD) % ACL_ENTRY == 0 &&
		x->value[0] == ACL_VERSION && !x->value[1] && !x->value[2] && !x->value[3];
}

static int xattrs_add(
	struct ext *x, struct ext2_xattr_handle *h, const struct fs_put *p, struct error *e)
{
	for (size_t i = 0; i < p->xattr_count; i++) {
		const struct xattr *one = &p->xattr[i];
		errcode_t code;

		if (!strncmp(one->name, "system.posix_acl_", 17) && !acl_is_sound(one))
			return error_set(e, ERR_CORRUPT, "attribute %s is no ACL", one->name);
		code = ext2fs_xattr_set(h, one->name, one->value, one->len);
		if (code == EXT2_ET_EA_NO_SPACE)
			return error_set(e, ERR_UNSUPPORTED,
				"attribute %s of %zu bytes is more than ext4 has room for",
				one->name, one->len);
		if (code)
			return ext_error(x, code, e, one->name);
	}
	return 0;
}

static int xattrs_set(struct ext *x, ext2_ino_t ino, const struct fs_put *p, struct error *e)
{
	struct ext2_xattr_handle *h;
	errcode_t code;
	int rc;

	if (!p->xattr_count)
		return 0;
	code = ext2fs_xattrs_open(x->e2, ino, &h);
	if (code)
		return ext_error(x, code, e, "extended attributes");
	code = ext2fs_xattrs_read(h);
	rc = code ? ext_error(x, code, e, "extended attributes") : xattrs_add(x, h, p, e);
	ext2fs_xattrs_close(&h);
	return rc;
}

static int inode_fill(struct ext *x, ext2_ino_t ino, const struct fs_put *p,
	struct ext_fill_device device, struct ext2_inode_large *inode, struct error *e)
{
	*inode = (struct ext2_inode_large){ .i_mode = (uint16_t)p->mode,
		.i_links_count = S_ISDIR(p->mode) ? 2 : 1,
		.i_extra_isize = sizeof(*inode) - EXT2_GOOD_OLD_INODE_SIZE };
	ext_looks_set(inode, p);
	if (S_ISREG(p->mode) || S_ISDIR(p->mode))
		return ext_fill_extents_begin(x, ino, inode, e);
	if (S_ISCHR(p->mode) || S_ISBLK(p->mode))
		device_set(inode, device);
	else if (!S_ISFIFO(p->mode))
		return error_set(e, ERR_UNSUPPORTED, "making a node of mode 0%o", p->mode);
	return 0;
}

static int node_make(struct ext *x, ext2_ino_t ino, const struct fs_put *p,
	struct ext_fill_device device, struct error *e)
{
	struct ext2_inode_large inode;
	errcode_t code;
	int rc;

	if (S_ISLNK(p->mode)) {
		code = ext2fs_symlink(x->e2, EXT2_ROOT_INO, ino, NULL, p->target);
		return code ? ext_error(x, code, e, "a new link")
			    : ext_fill_looks(&x->fs, ino, p, e);
	}
	ext2fs_inode_alloc_stats2(x->e2, ino, 1, S_ISDIR(p->mode));
	rc = inode_fill(x, ino, p, device, &inode, e);
	if (rc)
		return rc;
	code = ext2fs_write_inode_full(x->e2, ino, EXT2_INODE(&inode), sizeof(inode));
	return code ? ext_error(x, code, e, "a new inode") : xattrs_set(x, ino, p, e);
}

int ext_fill_node(struct fs *fs, const struct fs_put *p, struct ext_fill_device device,
	uint64_t *node, struct error *e)
{
	struct ext *x = ext_of(fs);
	ext2_ino_t ino;
	/* From the first group on: what comes together lies together. */
	errcode_t code = ext2fs_new_inode(x->e2, 0, (int)p->mode, NULL, &ino);
	int rc = code ? ext_error(x, code, e, "a new inode") : node_make(x, ino, p, device, e);

	if (!rc)
		*node = ino;
	return rc;
}

int ext_fill_looks(struct fs *fs, uint64_t node, const struct fs_put *p, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	int rc = ext_xattrs_clear(x, (ext2_ino_t)node, e);

	if (!rc)
		rc = ext_inode(x, node, &inode, e);
	if (rc)
		return rc;
	ext_looks_set(&inode, p);
	rc = ext_fill_inode_write(x, (ext2_ino_t)node, &inode, e);
	return rc ? rc : xattrs_set(x, (ext2_ino_t)node, p, e);
}

int ext_fill_link(struct fs *fs, uint64_t node, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	int rc = ext_inode(x, node, &inode, e);

	if (!rc && inode.i_links_count >= EXT_FILL_LINKS_MAX)
		rc = error_set(
			e, ERR_UNSUPPORTED, "more than %d names of one file", EXT_FILL_LINKS_MAX);
	if (rc)
		return rc;
	inode.i_links_count++;
	return ext_fill_inode_write(x, (ext2_ino_t)node, &inode, e);
}

int ext_fill_unlink(struct fs *fs, uint64_t node, struct error *e)
{
	return ext_node_unlink(ext_of(fs), (ext2_ino_t)node, e);
}

int ext_fill_end(struct fs *fs, struct error *e)
{
	struct ext *x = ext_of(fs);
	int rc;

	x->e2->flags &= ~EXT2_FLAG_MASTER_SB_ONLY;
	ext2fs_mark_super_dirty(x->e2);
	rc = fs_sync(fs, e);
	x->e2->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	return rc;
}
