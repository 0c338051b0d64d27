/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making, filling and freeing ext inodes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/ext.h"

enum {
	PIECE = 1 << 20, /* bytes of content in memory */
	MAP_RESERVE = 64, /* blocks left for what maps the content and names it */
};

static uint32_t extra_seconds(int64_t seconds)
{
	return (uint32_t)((uint64_t)(seconds - (int32_t)seconds) >> 32 & 3);
}

static void set_owner(struct ext2_inode_large *inode, uint32_t mode, uint32_t uid, uint32_t gid)
{
	inode->i_mode = (uint16_t)((inode->i_mode & S_IFMT) | (mode & 07777));
	inode->i_uid = (uint16_t)uid;
	inode->i_gid = (uint16_t)gid;
	ext2fs_set_i_uid_high(*inode, (uint16_t)(uid >> 16));
	ext2fs_set_i_gid_high(*inode, (uint16_t)(gid >> 16));
}

void ext_looks_set(struct ext2_inode_large *inode, const struct fs_put *p)
{
	uint32_t seconds = (uint32_t)p->mtime;

	set_owner(inode, p->mode, p->uid, p->gid);
	inode->i_atime = inode->i_ctime = inode->i_mtime = seconds;
	/* i_extra_isize is 0 in 128-byte inodes, which have no place for the rest. */
	if (inode->i_extra_isize < sizeof(*inode) - EXT2_GOOD_OLD_INODE_SIZE)
		return;
	inode->i_crtime = seconds;
	inode->i_atime_extra = inode->i_ctime_extra = extra_seconds(p->mtime);
	inode->i_mtime_extra = inode->i_crtime_extra = extra_seconds(p->mtime);
}

static int write_inode(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	errcode_t code = ext2fs_write_inode_full(x->e2, ino, EXT2_INODE(inode), sizeof(*inode));

	return code ? ext_error(x, code, e, "writing an inode") : 0;
}

static int check_space(struct ext *x, uint64_t size, struct error *e)
{
	uint64_t need = div_up(size, x->e2->blocksize);
	uint64_t have = ext2fs_free_blocks_count(x->e2->super);

	/* One block in 256 for indirect blocks of 1 KiB, the smallest. */
	if (have >= MAP_RESERVE && need + need / 128 <= have - MAP_RESERVE)
		return 0;
	return error_set(e, ERR_RANGE,
		"%" PRIu64 " bytes do not fit: the %s file system has %" PRIu64
		" free blocks of %u bytes",
		size, x->fs.type, have, x->e2->blocksize);
}

/* Content from fs_put's reader into an inode that has none. */
static int write_content(struct ext *x, ext2_ino_t ino, const struct fs_put *p, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	ext2_file_t file;
	errcode_t code;
	int rc = 0;

	if (!piece)
		return error_nomem(e, "a file");
	code = ext2fs_file_open(x->e2, ino, EXT2_FILE_WRITE, &file);
	if (code) {
		free(piece);
		return ext_error(x, code, e, "writing a file");
	}
	for (uint64_t off = 0; !rc && off < p->size;) {
		unsigned len = (unsigned)min_u64(PIECE, p->size - off);
		unsigned written = 0;

		rc = p->read(p->read_arg, off, piece, len, e);
		if (rc)
			break;
		code = ext2fs_file_write(file, piece, len, &written);
		if (code || written != len)
			rc = ext_error(x, code ? code : EXT2_ET_SHORT_WRITE, e, "writing a file");
		off += len;
	}
	code = ext2fs_file_close(file);
	if (!rc && code)
		rc = ext_error(x, code, e, "writing a file");
	free(piece);
	return rc;
}

static int empty_file(struct ext *x, ext2_ino_t ino, struct error *e)
{
	struct ext2_inode_large inode = {
		.i_mode = LINUX_S_IFREG,
		.i_links_count = 1,
	};
	ext2_extent_handle_t extents;
	errcode_t code = 0;

	/* Never EXT4_INLINE_DATA_FL: ext2fs_file_write overruns its buffer when such content grows.
	 */
	if (EXT2_INODE_SIZE(x->e2->super) > EXT2_GOOD_OLD_INODE_SIZE)
		inode.i_extra_isize = sizeof(inode) - EXT2_GOOD_OLD_INODE_SIZE;
	if (ext2fs_has_feature_extents(x->e2->super)) {
		code = ext2fs_extent_open2(x->e2, ino, EXT2_INODE(&inode), &extents);
		if (!code)
			ext2fs_extent_free(extents);
	}
	if (!code)
		code = ext2fs_write_new_inode(x->e2, ino, EXT2_INODE(&inode));
	return code ? ext_error(x, code, e, "a new inode") : 0;
}

static int dress(
	struct ext *x, ext2_ino_t ino, const struct fs_put *p, uint32_t flags, struct error *e)
{
	struct ext2_inode_large inode;
	int rc = ext_inode(x, ino, &inode, e);

	if (rc)
		return rc;
	inode.i_flags |= flags;
	ext_looks_set(&inode, p);
	rc = write_inode(x, ino, &inode, e);
	return rc ? rc : ext_xattrs_set(x, ino, p->xattr, p->xattr_count, e);
}

static int create_file(struct ext *x, ext2_ino_t ino, const struct fs_put *p, struct error *e)
{
	int rc = check_space(x, p->size, e);

	if (rc)
		return rc;
	ext2fs_inode_alloc_stats2(x->e2, ino, 1, 0);
	rc = empty_file(x, ino, e);
	if (!rc)
		rc = write_content(x, ino, p, e);
	return rc;
}

int ext_node_create(struct ext *x, ext2_ino_t dir, const struct fs_put *p, uint32_t flags,
	ext2_ino_t *out, struct error *e)
{
	ext2_ino_t ino;
	errcode_t code = ext2fs_new_inode(x->e2, dir, (int)p->mode, NULL, &ino);
	int rc = 0;

	if (code)
		return ext_error(x, code, e, "a new inode");
	if (S_ISREG(p->mode))
		rc = create_file(x, ino, p, e);
	else if (S_ISLNK(p->mode))
		code = ext2fs_symlink(x->e2, dir, ino, NULL, p->target);
	else if (S_ISDIR(p->mode))
		code = ext2fs_mkdir(x->e2, dir, ino, NULL);
	else
		return error_set(e, ERR_UNSUPPORTED, "making a node of mode 0%o", p->mode);
	if (code)
		return ext_error(x, code, e, "a new inode");
	if (!rc)
		rc = dress(x, ino, p, flags, e);
	if (!rc)
		*out = ino;
	return rc;
}

static int release(struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	bool directory = LINUX_S_ISDIR(inode->i_mode);
	errcode_t code = 0;
	int rc = ext_xattrs_clear(x, ino, e);

	if (!rc)
		rc = ext_inode(x, ino, inode, e);
	if (rc)
		return rc;
	if (ext2fs_inode_has_valid_blocks2(x->e2, EXT2_INODE(inode)))
		code = ext2fs_punch(x->e2, ino, EXT2_INODE(inode), NULL, 0, ~UINT64_C(0));
	if (!code)
		code = ext2fs_free_ext_attr(x->e2, ino, inode);
	if (code)
		return ext_error(x, code, e, "freeing a file");
	inode->i_links_count = 0;
	inode->i_dtime = (uint32_t)x->e2->now;
	ext2fs_inode_alloc_stats2(x->e2, ino, -1, directory);
	return write_inode(x, ino, inode, e);
}

int ext_node_unlink(struct ext *x, ext2_ino_t ino, struct error *e)
{
	struct ext2_inode_large inode;
	int rc = ext_inode(x, ino, &inode, e);

	if (rc)
		return rc;
	if (LINUX_S_ISDIR(inode.i_mode) || inode.i_links_count <= 1)
		return release(x, ino, &inode, e);
	inode.i_links_count--;
	return write_inode(x, ino, &inode, e);
}

struct copy {
	struct fs *fs;
	ext2_ino_t from;
};

static int read_copy(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct copy *copy = arg;

	return ext_read(copy->fs, copy->from, off, buf, len, e);
}

/* Content that lives in the inode makes room for a map of blocks. */
static int leave_inline(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	ext2_extent_handle_t extents;
	errcode_t code;
	int rc = ext_xattrs_clear_content(x, ino, e);

	if (!rc)
		rc = ext_inode(x, ino, inode, e);
	if (rc)
		return rc;
	inode->i_flags &= ~(uint32_t)EXT4_INLINE_DATA_FL;
	memset(inode->i_block, 0, sizeof(inode->i_block));
	if (!ext2fs_has_feature_extents(x->e2->super))
		return 0;
	code = ext2fs_extent_open2(x->e2, ino, EXT2_INODE(inode), &extents);
	if (code)
		return ext_error(x, code, e, "emptying a file");
	ext2fs_extent_free(extents);
	return 0;
}

static int empty_content(
	struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, struct error *e)
{
	errcode_t code = 0;
	int rc = 0;

	if (inode->i_flags & EXT4_INLINE_DATA_FL)
		rc = leave_inline(x, ino, inode, e);
	else
		code = ext2fs_punch(x->e2, ino, EXT2_INODE(inode), NULL, 0, ~UINT64_C(0));
	if (!rc && !code)
		code = ext2fs_inode_size_set(x->e2, EXT2_INODE(inode), 0);
	if (code)
		return ext_error(x, code, e, "emptying a file");
	return rc ? rc : write_inode(x, ino, inode, e);
}

int ext_node_rewrite(
	struct ext *x, ext2_ino_t ino, ext2_ino_t content, const struct fs_put *p, struct error *e)
{
	struct copy copy = { .fs = &x->fs, .from = content };
	struct fs_put from_copy = *p;
	struct ext2_inode_large inode;
	int rc = ext_inode(x, ino, &inode, e);

	if (rc)
		return rc;
	if (inode.i_flags & (EXT4_VERITY_FL | EXT4_ENCRYPT_FL))
		return error_set(e, ERR_REFUSED,
			"inode %u has %u names and is sealed or encrypted (flags 0x%x)", ino,
			inode.i_links_count, inode.i_flags);
	rc = empty_content(x, ino, &inode, e);
	from_copy.read = read_copy;
	from_copy.read_arg = &copy;
	if (!rc)
		rc = write_content(x, ino, &from_copy, e);
	if (!rc)
		rc = ext_xattrs_clear(x, ino, e);
	return rc ? rc : dress(x, ino, p, 0, e);
}

int ext_set_looks(
	struct fs *fs, uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	int rc = ext_inode(x, node, &inode, e);

	if (!rc && node < EXT2_FIRST_INODE(x->e2->super) && node != EXT2_ROOT_INO)
		rc = error_set(e, ERR_CORRUPT, "the reserved inode %" PRIu64, node);
	if (rc)
		return rc;
	set_owner(&inode, mode, uid, gid);
	return write_inode(x, (ext2_ino_t)node, &inode, e);
}
