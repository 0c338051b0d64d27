/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories, files and links of an ext file system. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/ext.h"

enum {
	ENTRIES_MAX =
		8 << 20, /* in a directory, unused ones counted: tables made to repeat end here */
	RUN_MAX = 1 << 20, /* bytes read at once */
};

struct walk {
	int (*each)(void *arg, const char *name, uint64_t node);
	void *arg;
	size_t entries;
	int answer;
};

static int visit(ext2_ino_t dir, int entry, struct ext2_dir_entry *d, int offset, int blocksize,
	char *buf, void *arg)
{
	struct walk *w = arg;
	size_t len = (size_t)ext2fs_dirent_name_len(d);
	char name[FS_NAME_MAX + 1];

	(void)dir;
	(void)entry;
	(void)offset;
	(void)blocksize;
	(void)buf;
	if (++w->entries > ENTRIES_MAX)
		return DIRENT_ABORT;
	if (!d->inode || !len)
		return 0;
	memcpy(name, d->name, len);
	name[len] = '\0';
	/* No kernel makes such names; they must not reach anything that takes a path apart. */
	if (!strcmp(name, ".") || !strcmp(name, "..") || memchr(name, '/', len) ||
		strlen(name) != len)
		return 0;
	w->answer = w->each(w->arg, name, d->inode);
	return w->answer ? DIRENT_ABORT : 0;
}

int ext_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct walk w = { .each = each, .arg = arg };
	struct ext2_inode_large inode;
	errcode_t code;
	int rc = ext_directory(x, dir, &inode, e);

	if (rc)
		return rc;
	if (inode.i_flags & EXT4_ENCRYPT_FL)
		return error_set(e, ERR_UNSUPPORTED, "directory %" PRIu64 " is encrypted", dir);
	code = ext2fs_dir_iterate2(
		x->e2, (ext2_ino_t)dir, DIRENT_FLAG_INCLUDE_EMPTY, NULL, visit, &w);
	if (code)
		return ext_error(x, code, e, "reading a directory");
	/* It goes on after it had no memory for a directory's extents. */
	if (!w.entries)
		return error_set(e, ERR_CORRUPT,
			"directory %" PRIu64 " has no entry, or there was no memory to read it",
			dir);
	if (w.entries > ENTRIES_MAX)
		return error_set(e, ERR_CORRUPT, "directory %" PRIu64 " has more than %u entries",
			dir, ENTRIES_MAX);
	return w.answer;
}

struct wanted {
	const char *name;
	uint64_t node;
};

static int is_wanted(void *arg, const char *name, uint64_t node)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) != 0)
		return 0;
	w->node = node;
	return 1;
}

int ext_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct wanted w = { .name = name };
	int rc = ext_list(fs, dir, is_wanted, &w, e);

	if (rc < 0)
		return rc;
	if (!w.node)
		return error_set(e, ERR_NOTFOUND, "no \"%s\" in directory %" PRIu64, name, dir);
	*node = w.node;
	return 0;
}

/* Large inodes have two more bits of seconds.  Kernel documentation, ext4, "Inode Timestamps". */
static int64_t mtime_of(const struct ext2_inode_large *inode)
{
	int64_t seconds = (int32_t)inode->i_mtime;

	if (inode->i_extra_isize >=
		offsetof(struct ext2_inode_large, i_mtime_extra) + 4 - EXT2_GOOD_OLD_INODE_SIZE)
		seconds += (int64_t)(inode->i_mtime_extra & 3) << 32;
	return seconds;
}

int ext_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e)
{
	struct ext2_inode_large inode;
	int rc = ext_inode(ext_of(fs), node, &inode, e);

	if (rc)
		return rc;
	*out = (struct fs_stat){
		.node = node,
		.mode = inode.i_mode,
		.uid = inode_uid(inode),
		.gid = inode_gid(inode),
		.links = inode.i_links_count,
		.size = EXT2_I_SIZE(&inode),
		.mtime = mtime_of(&inode),
	};
	return 0;
}

/* Content that is kept in the inode; the library bounds it by the size of an inode. */
static int read_inline(struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t off,
	uint8_t *to, size_t len, struct error *e)
{
	size_t size = 0;
	errcode_t code = ext2fs_inline_data_size(x->e2, ino, &size);
	uint8_t *bytes;

	if (code)
		return ext_error(x, code, e, "content in an inode");
	bytes = calloc(1, size + EXT2_N_BLOCKS * 4);
	if (!bytes)
		return error_nomem(e, "a file");
	code = ext2fs_inline_data_get(x->e2, ino, EXT2_INODE(inode), bytes, &size);
	memset(to, 0, len);
	if (!code && off < size)
		memcpy(to, bytes + off, (size_t)min_u64(len, size - off));
	free(bytes);
	return code ? ext_error(x, code, e, "content in an inode") : 0;
}

/* Where blocks of a file are: `blocks` neighbours from `physical`, 0 for a hole. */
struct run {
	uint64_t physical;
	uint64_t blocks;
};

static int map_one(struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t block,
	uint64_t *physical, struct error *e)
{
	blk64_t found = 0;
	int flags = 0;
	errcode_t code = ext2fs_bmap2(
		x->e2, ino, EXT2_INODE(inode), NULL, 0, block, &flags, &found);

	if (code)
		return ext_error(x, code, e, "where a file's blocks are");
	if (found >= ext2fs_blocks_count(x->e2->super))
		return error_set(e, ERR_CORRUPT, "inode %u uses block %llu of %llu", ino, found,
			ext2fs_blocks_count(x->e2->super));
	/* Reserved, but never written: zeros. */
	*physical = flags & BMAP_RET_UNINIT ? 0 : found;
	return 0;
}

static int map_run(struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t block,
	uint64_t most, struct run *out, struct error *e)
{
	int rc = map_one(x, ino, inode, block, &out->physical, e);

	out->blocks = 1;
	while (!rc && out->blocks < most) {
		uint64_t next;

		rc = map_one(x, ino, inode, block + out->blocks, &next, e);
		if (next != (out->physical ? out->physical + out->blocks : 0))
			break;
		out->blocks++;
	}
	return rc;
}

static int read_blocks(struct ext *x, ext2_ino_t ino, struct ext2_inode_large *inode, uint64_t off,
	uint8_t *to, size_t len, struct error *e)
{
	uint64_t size = x->e2->blocksize;
	size_t step;

	for (size_t done = 0; done < len; done += step) {
		uint64_t at = off + done;
		uint64_t start = at % size;
		uint64_t most = min_u64(div_up(start + len - done, size), RUN_MAX / size);
		struct run run = { 0 };
		int rc = map_run(x, ino, inode, at / size, most, &run, e);

		if (rc)
			return rc;
		step = (size_t)min_u64(run.blocks * size - start, len - done);
		if (!run.physical)
			memset(to + done, 0, step);
		else
			rc = cache_read(
				x->io->cache, run.physical * size + start, to + done, step, e);
		if (rc)
			return rc;
	}
	return 0;
}

int ext_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	int rc = ext_inode(x, node, &inode, e);

	if (rc)
		return rc;
	if (!LINUX_S_ISREG(inode.i_mode))
		return error_set(
			e, ERR_UNSUPPORTED, "inode %" PRIu64 " is not a regular file", node);
	if (inode.i_flags & EXT4_ENCRYPT_FL)
		return error_set(e, ERR_UNSUPPORTED, "inode %" PRIu64 " is encrypted", node);
	if (!range_fits(off, len, EXT2_I_SIZE(&inode)))
		return error_set(e, ERR_RANGE,
			"%zu bytes at %" PRIu64 " of a file of %" PRIu64 " bytes", len, off,
			(uint64_t)EXT2_I_SIZE(&inode));
	if (inode.i_flags & EXT4_INLINE_DATA_FL)
		return read_inline(x, (ext2_ino_t)node, &inode, off, buf, len, e);
	return read_blocks(x, (ext2_ino_t)node, &inode, off, buf, len, e);
}

int ext_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	char target[4096];
	size_t len;
	int rc = ext_inode(x, node, &inode, e);

	if (rc)
		return rc;
	if (!LINUX_S_ISLNK(inode.i_mode) || inode.i_flags & EXT4_ENCRYPT_FL)
		return error_set(
			e, ERR_UNSUPPORTED, "inode %" PRIu64 " is not a readable link", node);
	if (!inode.i_size || inode.i_size >= sizeof(target) || inode.i_size > x->e2->blocksize)
		return error_set(e, ERR_CORRUPT, "link of %u bytes", inode.i_size);
	len = inode.i_size;
	if (inode.i_flags & EXT4_INLINE_DATA_FL)
		rc = read_inline(x, (ext2_ino_t)node, &inode, 0, (uint8_t *)target, len, e);
	else if (len < sizeof(inode.i_block) && ext2fs_is_fast_symlink(EXT2_INODE(&inode)))
		memcpy(target, inode.i_block, len);
	else
		rc = read_blocks(x, (ext2_ino_t)node, &inode, 0, (uint8_t *)target, len, e);
	if (!rc && memchr(target, '\0', len))
		rc = error_set(e, ERR_CORRUPT, "link of %zu bytes ends early", len);
	return rc ? rc : buffer_append(out, target, len, e);
}
