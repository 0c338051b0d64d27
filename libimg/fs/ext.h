/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_H
#define LIBIMG_FS_EXT_H

#include <ext2fs/ext2fs.h>

#include "fs/cache.h"
#include "fs/fs.h"

/* ext2, ext3 and ext4 through libext2fs, which reaches the disk through its io_manager interface.
 */

struct ext_io {
	struct struct_io_manager manager; /* one each, as libext2fs wants it writable */
	struct cache *cache;
	struct error error; /* the last failure, which an errcode_t can't tell */
	char name[32]; /* what libext2fs is to open */
};

int ext_io_open(struct disk *d, struct ext_io **out, struct error *e);
void ext_io_close(struct ext_io *io);

struct ext {
	struct fs fs;
	ext2_filsys e2;
	struct ext_io *io;
	struct disk *replayed; /* NULL: the journal was empty, or can't be replayed */
	uint64_t fill_goal; /* of ext_fill: the block after the one given away last */
};

enum { EXT_GROUPS_MAX = 4 << 20 }; /* 512 TiB in blocks of 4 KiB; 64 bytes each in memory */

/* ERR_CORRUPT when the superblock's numbers are none that libext2fs can be given. */
int ext_check(struct disk *d, struct error *e);
/* Opens what fs_identify called ext2, ext3 or ext4. */
int ext_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e);

/* For changes of the file system's own structure, which leave what its files take as it is: as
 * ext_open for writing, and quotas inside are allowed.  `type` is static. */
int ext_open_structure(struct disk *d, const char *type, struct ext **out, struct error *e);

/* ERR_REFUSED in a state in which edits would be lost, or would damage it. */
int ext_check_writable(struct ext *x, struct error *e);
/* ERR_REFUSED when what files take is counted inside, which edits do not follow. */
int ext_check_uncounted(struct ext *x, struct error *e);

/* The struct error for a libext2fs failure while doing `what`. */
int ext_error(struct ext *x, errcode_t code, struct error *e, const char *what);
static inline struct ext *ext_of(struct fs *fs)
{
	return (struct ext *)fs;
}

/* ERR_CORRUPT unless `node` is an inode number that the file system has. */
int ext_inode(struct ext *x, uint64_t node, struct ext2_inode_large *out, struct error *e);
/* As ext_inode, and it must be a directory. */
int ext_directory(struct ext *x, uint64_t node, struct ext2_inode_large *out, struct error *e);

int ext_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e);
int ext_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e);
int ext_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e);
int ext_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e);
int ext_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e);

int ext_xattrs(struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e);
/* Adds `count` attributes to an inode. */
int ext_xattrs_set(
	struct ext *x, ext2_ino_t ino, const struct xattr *xattr, size_t count, struct error *e);
/* Takes all attributes away, so that values in inodes of their own are freed. */
int ext_xattrs_clear(struct ext *x, ext2_ino_t ino, struct error *e);
/* Takes away the attribute that holds the tail of a content that is kept in the inode. */
int ext_xattrs_clear_content(struct ext *x, ext2_ino_t ino, struct error *e);

/* What an administrator sets with chattr, kept when a file is replaced. */
enum {
	EXT_KEPT_FLAGS = EXT2_SYNC_FL | EXT2_IMMUTABLE_FL | EXT2_APPEND_FL | EXT2_NODUMP_FL |
		EXT2_NOATIME_FL,
};

/* Owner, mode and times as `p` says; all else of the inode stays. */
void ext_looks_set(struct ext2_inode_large *inode, const struct fs_put *p);
/* A new inode without a name, holding what `p` says, with `flags` added; its number in *out. */
int ext_node_create(struct ext *x, ext2_ino_t dir, const struct fs_put *p, uint32_t flags,
	ext2_ino_t *out, struct error *e);
/* Gives an inode other content and looks, keeping its number. */
int ext_node_rewrite(
	struct ext *x, ext2_ino_t ino, ext2_ino_t content, const struct fs_put *p, struct error *e);
/* Takes one name's link away; the last one frees the inode. */
int ext_node_unlink(struct ext *x, ext2_ino_t ino, struct error *e);

int ext_free_runs(struct fs *fs,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);

int ext_put(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e);
int ext_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e);
int ext_set_looks(
	struct fs *fs, uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid, struct error *e);

#endif
