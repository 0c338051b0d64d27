/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories, each written once and whole: lists of names, as kernels read them without an index.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/ext_fill.h"
#include "fs/ext_fill_private.h"

enum {
	HEAD = 8, /* bytes of an entry before its name */
	TAIL = sizeof(struct ext2_dir_entry_tail), /* bytes at the end of a block: its checksum */
};

struct listing {
	struct ext_blocks blocks;
	const struct ext_fill_directory *d;
	uint8_t *block;
	uint32_t room; /* bytes in a block for entries */
	uint32_t used; /* of them */
	struct ext2_dir_entry *last; /* in the block */
	uint64_t count; /* blocks written */
	uint32_t directories; /* among the names */
};

static int type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	default:
		return EXT2_FT_REG_FILE;
	}
}

static int block_write(struct listing *l, struct error *e)
{
	struct ext *x = l->blocks.x;
	struct ext2_dir_entry *end = l->last ? l->last : (struct ext2_dir_entry *)l->block;
	uint32_t at = (uint32_t)((uint8_t *)end - l->block);
	uint64_t first, got;
	errcode_t code;
	int rc = ext_blocks_take(&l->blocks, l->count, 1, &first, &got, e);

	if (rc)
		return rc;
	/* The last entry, or an unused one, takes what is left. */
	code = ext2fs_set_rec_len(x->e2, l->room - at, end);
	if (l->room < x->e2->blocksize)
		ext2fs_initialize_dirent_tail(x->e2, EXT2_DIRENT_TAIL(l->block, x->e2->blocksize));
	if (!code)
		code = ext2fs_write_dir_block4(x->e2, first, l->block, 0, l->blocks.ino);
	l->count++;
	l->used = 0;
	l->last = NULL;
	memset(l->block, 0, x->e2->blocksize);
	return code ? ext_error(x, code, e, "a directory") : 0;
}

static int name_add(struct listing *l, const struct ext_fill_name *n, struct error *e)
{
	const uint32_t need = (uint32_t)(HEAD + n->len + 3) & ~3U;
	struct ext2_dir_entry *entry;
	errcode_t code;
	int rc = 0;

	if (!n->len || n->len > EXT2_NAME_LEN)
		return error_set(e, ERR_RANGE, "a name of %zu bytes", n->len);
	if (l->used + need > l->room)
		rc = block_write(l, e);
	if (rc)
		return rc;
	entry = (struct ext2_dir_entry *)(l->block + l->used);
	entry->inode = (uint32_t)n->node;
	ext2fs_dirent_set_name_len(entry, (int)n->len);
	ext2fs_dirent_set_file_type(entry, type_of(n->mode));
	memcpy(entry->name, n->name, n->len);
	code = ext2fs_set_rec_len(l->blocks.x->e2, need, entry);
	l->used += need;
	l->last = entry;
	l->directories += S_ISDIR(n->mode);
	return code ? ext_error(l->blocks.x, code, e, "a directory") : 0;
}

static int names_write(struct listing *l, struct error *e)
{
	const struct ext_fill_directory *d = l->d;
	const struct ext_fill_name self = { ".", 1, d->node, S_IFDIR };
	const struct ext_fill_name parent = { "..", 2, d->parent, S_IFDIR };
	struct ext_fill_name name;
	bool more = true;
	int rc = name_add(l, &self, e);

	if (!rc)
		rc = name_add(l, &parent, e);
	l->directories = 0;
	while (!rc && (d->next(d->arg, &name, &more), more))
		rc = name_add(l, &name, e);
	if (!rc)
		rc = block_write(l, e);
	while (!rc && l->count * l->blocks.x->e2->blocksize < d->size_min)
		rc = block_write(l, e);
	return rc;
}

/* Its own name, ".", and ".." of each directory in it. */
static int finish(struct listing *l, struct error *e)
{
	const uint32_t links = l->directories + 2;

	/* 1 stands for "too many to count". */
	l->blocks.inode.i_links_count = links < EXT_FILL_LINKS_MAX ? (uint16_t)links : 1;
	return ext_blocks_finish(&l->blocks, l->count * l->blocks.x->e2->blocksize, e);
}

/* What a directory has of its own by now goes. */
static int empty(struct ext *x, ext2_ino_t ino, struct error *e)
{
	struct ext2_inode_large inode;
	errcode_t code;
	int rc = ext_inode(x, ino, &inode, e);

	if (rc)
		return rc;
	code = ext2fs_punch(x->e2, ino, EXT2_INODE(&inode), NULL, 0, ~UINT64_C(0));
	if (code)
		return ext_error(x, code, e, "a directory");
	return ext_fill_inode_write(x, ino, &inode, e);
}

int ext_fill_directory(struct fs *fs, const struct ext_fill_directory *d, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct listing l = { .d = d };
	int rc = empty(x, (ext2_ino_t)d->node, e);

	if (!rc)
		rc = ext_blocks_open(&l.blocks, x, (ext2_ino_t)d->node, e);
	if (rc)
		return rc;
	l.room = x->e2->blocksize -
		(ext2fs_has_feature_metadata_csum(x->e2->super) ? (uint32_t)TAIL : 0);
	l.block = calloc(1, x->e2->blocksize);
	rc = l.block ? names_write(&l, e) : error_nomem(e, "a directory");
	if (!rc)
		rc = finish(&l, e);
	ext_blocks_close(&l.blocks);
	free(l.block);
	return rc;
}
