/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of new files: each begins where the one before ended. */
#include "fs/ext_fill_private.h"

#include "base/checked.h"

int ext_blocks_open(struct ext_blocks *b, struct ext *x, ext2_ino_t ino, struct error *e)
{
	errcode_t code;
	int rc;

	*b = (struct ext_blocks){ .x = x, .ino = ino };
	rc = ext_inode(x, ino, &b->inode, e);
	if (rc)
		return rc;
	code = ext2fs_extent_open2(x->e2, ino, EXT2_INODE(&b->inode), &b->extents);
	if (code) {
		b->extents = NULL;
		return ext_error(x, code, e, "a new file");
	}
	return 0;
}

static bool joins(const struct ext2fs_extent *a, const struct ext2fs_extent *next)
{
	return a->e_len && a->e_lblk + a->e_len == next->e_lblk &&
		a->e_pblk + a->e_len == next->e_pblk && a->e_len + next->e_len <= EXT_INIT_MAX_LEN;
}

static errcode_t extent_add(struct ext_blocks *b, struct ext2fs_extent *next)
{
	errcode_t code = b->last.e_len ? ext2fs_extent_goto(b->extents, b->last.e_lblk) : 0;

	if (code)
		return code;
	if (joins(&b->last, next)) {
		b->last.e_len += next->e_len;
		return ext2fs_extent_replace(b->extents, 0, &b->last);
	}
	code = ext2fs_extent_insert(b->extents, b->last.e_len ? EXT2_EXTENT_INSERT_AFTER : 0, next);
	b->last = *next;
	return code;
}

int ext_blocks_take(struct ext_blocks *b, uint64_t logical, uint64_t want, uint64_t *first,
	uint64_t *got, struct error *e)
{
	ext2_filsys e2 = b->x->e2;
	struct ext2fs_extent next = { .e_lblk = logical };
	blk64_t at, len;
	errcode_t code = ext2fs_new_range(
		e2, 0, b->x->fill_goal, min_u64(want, EXT_INIT_MAX_LEN), e2->block_map, &at, &len);

	if (code)
		return ext_error(b->x, code, e, "content of a file");
	ext2fs_block_alloc_stats_range(e2, at, (blk_t)len, 1);
	next.e_pblk = at;
	next.e_len = (uint32_t)len;
	code = extent_add(b, &next);
	if (!code)
		code = ext2fs_iblk_add_blocks(e2, EXT2_INODE(&b->inode), len);
	if (code)
		return ext_error(b->x, code, e, "content of a file");
	b->x->fill_goal = at + len;
	*first = at;
	*got = len;
	return 0;
}

int ext_blocks_finish(struct ext_blocks *b, uint64_t size, struct error *e)
{
	errcode_t code = ext2fs_inode_size_set(b->x->e2, EXT2_INODE(&b->inode), (ext2_off64_t)size);

	if (code)
		return ext_error(b->x, code, e, "a file's size");
	return ext_fill_inode_write(b->x, b->ino, &b->inode, e);
}

void ext_blocks_close(struct ext_blocks *b)
{
	if (b->extents)
		ext2fs_extent_free(b->extents);
	b->extents = NULL;
}
