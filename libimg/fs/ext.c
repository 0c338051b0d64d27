/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing ext2, ext3 and ext4. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ext_journal.h"

/* The library's texts by table, since error_message(3) needs a global registration. */
static const char *ext_text(errcode_t code)
{
	const struct error_table *table = &et_ext2_error_table;

	if (code >= table->base && code < table->base + table->n_msgs)
		return table->msgs[code - table->base];
	return code > 0 && code < 4096 ? strerrordesc_np((int)code) : NULL;
}

static enum error_code code_of(errcode_t code)
{
	switch (code) {
	case EXT2_ET_NO_MEMORY:
	case ENOMEM:
		return ERR_NOMEM;
	case EXT2_ET_FILE_NOT_FOUND:
		return ERR_NOTFOUND;
	case EXT2_ET_FILE_EXISTS:
		return ERR_EXISTS;
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_EA_NO_SPACE:
	case EXT2_ET_FILE_TOO_BIG:
	case ENOSPC:
		return ERR_RANGE;
	case EXT2_ET_UNSUPP_FEATURE:
	case EXT2_ET_RO_UNSUPP_FEATURE:
	case EXT2_ET_MISSING_EA_FEATURE:
	case EXT2_ET_OP_NOT_SUPPORTED:
		return ERR_UNSUPPORTED;
	default:
		return ERR_CORRUPT;
	}
}

int ext_error(struct ext *x, errcode_t code, struct error *e, const char *what)
{
	const char *text = ext_text(code);

	/* libext2fs puts codes of its own in the place of that of a bitmap or an inode table. */
	if (x->io && x->io->error.code &&
		(code == EXT2_ET_SHORT_READ || code == EXT2_ET_SHORT_WRITE ||
			error_of_host(&x->io->error, NULL)))
		return error_set(
			e, (enum error_code)x->io->error.code, "%s: %s", what, x->io->error.text);
	if (!text)
		return error_set(e, code_of(code), "%s: libext2fs error %ld", what, code);
	return error_set(e, code_of(code), "%s: %s", what, text);
}

int ext_inode(struct ext *x, uint64_t node, struct ext2_inode_large *out, struct error *e)
{
	errcode_t code;

	memset(out, 0, sizeof(*out));
	if (!node || node > x->e2->super->s_inodes_count)
		return error_set(e, ERR_CORRUPT, "inode %" PRIu64 " of %u", node,
			x->e2->super->s_inodes_count);
	code = ext2fs_read_inode_full(x->e2, (ext2_ino_t)node, EXT2_INODE(out), sizeof(*out));
	if (code) {
		char what[48];

		(void)snprintf(what, sizeof(what), "inode %" PRIu64, node);
		return ext_error(x, code, e, what);
	}
	return 0;
}

int ext_directory(struct ext *x, uint64_t node, struct ext2_inode_large *out, struct error *e)
{
	int rc = ext_inode(x, node, out, e);

	if (!rc && !LINUX_S_ISDIR(out->i_mode))
		rc = error_set(e, ERR_NOTFOUND, "inode %" PRIu64 " is not a directory", node);
	return rc;
}

static int ext_free_bytes(struct fs *fs, uint64_t *out, struct error *e)
{
	struct ext *x = ext_of(fs);
	uint64_t blocks = ext2fs_free_blocks_count(x->e2->super);

	if (!mul_fits(blocks, x->e2->blocksize, out))
		return error_set(e, ERR_CORRUPT, "%" PRIu64 " free blocks", blocks);
	return 0;
}

static int ext_sync(struct fs *fs, struct error *e)
{
	struct ext *x = ext_of(fs);
	errcode_t code = 0;

	if (x->e2->flags & EXT2_FLAG_DIRTY)
		code = ext2fs_flush2(x->e2, EXT2_FLAG_FLUSH_NO_SYNC);
	if (code)
		return ext_error(x, code, e, "writing the file system back");
	return cache_flush(x->io->cache, e);
}

static void unload(struct ext *x)
{
	/* Not ext2fs_close, which would write what nobody asked to keep. */
	if (x->e2)
		ext2fs_free(x->e2);
	ext_io_close(x->io);
	x->e2 = NULL;
	x->io = NULL;
}

static void ext_close(struct fs *fs)
{
	struct ext *x = ext_of(fs);

	unload(x);
	disk_close(x->replayed);
	free(x);
}

static const struct fs_ops ext_ops = {
	.lookup = ext_lookup,
	.list = ext_list,
	.stat = ext_stat,
	.xattrs = ext_xattrs,
	.read = ext_read,
	.readlink = ext_readlink,
	.put = ext_put,
	.set_looks = ext_set_looks,
	.remove = ext_remove,
	.free_bytes = ext_free_bytes,
	.free_runs = ext_free_runs,
	.sync = ext_sync,
	.close = ext_close,
};

static int load(struct ext *x, struct disk *d, bool write, struct error *e)
{
	/* The check for multiple mounting would open the name as a file of the host. */
	int flags = EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP | (write ? EXT2_FLAG_RW : 0);
	errcode_t code;
	int rc = ext_check(d, e);

	if (rc)
		return rc;
	rc = ext_io_open(d, &x->io, e);
	if (rc)
		return rc;
	code = ext2fs_open2(x->io->name, NULL, flags, 0, 0, &x->io->manager, &x->e2);
	if (code) {
		x->e2 = NULL;
		return ext_error(x, code, e, "opening the file system");
	}
	x->fs.needs_recovery = ext2fs_has_feature_journal_needs_recovery(x->e2->super);
	return 0;
}

/* The superblock's sums are not in the journal; kernels, too, take them from the groups. */
static void sums_count(struct ext *x)
{
	uint64_t blocks = 0, inodes = 0;

	for (dgrp_t g = 0; g < x->e2->group_desc_count; g++) {
		blocks += ext2fs_bg_free_blocks_count(x->e2, g);
		inodes += ext2fs_bg_free_inodes_count(x->e2, g);
	}
	ext2fs_free_blocks_count_set(x->e2->super, EXT2FS_C2B(x->e2, blocks));
	x->e2->super->s_free_inodes_count = (uint32_t)inodes;
}

/* Looks at the file system through its journal.  One that is only read, and whose journal can't be
 * replayed, is read as it is: x->fs.needs_recovery tells. */
static int load_replayed(struct ext *x, struct disk *d, bool write, struct error *e)
{
	struct error why = { 0 };
	int rc = ext_replay_open(x, d, &x->replayed, &why);

	if (!rc) {
		unload(x);
		rc = load(x, x->replayed, write, &why);
	}
	if (!rc) {
		sums_count(x);
		return 0;
	}
	if (write || error_of_host(&why, NULL)) {
		*e = why;
		return error_prefix(e, "the %s file system was not shut down cleanly", x->fs.type);
	}
	unload(x);
	return load(x, d, false, e);
}

static int prepare_write(struct ext *x, struct error *e)
{
	errcode_t code;
	int rc = ext_check_writable(x, e);

	if (rc)
		return rc;
	code = ext2fs_read_bitmaps(x->e2);
	if (code)
		return ext_error(x, code, e, "allocation bitmaps");
	/* Kernels leave the backup superblocks alone, too. */
	x->e2->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	/* The same edits give the same bytes: time stands still where the guest stopped. */
	x->e2->now = x->e2->super->s_wtime ? (time_t)x->e2->super->s_wtime : 1;
	return 0;
}

static int open_as(struct disk *d, const char *type, bool write, struct ext **out, struct error *e)
{
	struct ext *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return error_nomem(e, "a file system");
	x->fs.ops = &ext_ops;
	x->fs.type = type;
	x->fs.root = EXT2_ROOT_INO;
	x->fs.permissions = true;
	x->fs.writable = write;
	rc = load(x, d, write, e);
	if (!rc && x->fs.needs_recovery)
		rc = load_replayed(x, d, write, e);
	if (!rc && write)
		rc = prepare_write(x, e);
	if (rc)
		ext_close(&x->fs);
	else
		*out = x;
	return rc;
}

int ext_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e)
{
	struct ext *x = NULL;
	int rc = open_as(d, id->type, o->write, &x, e);

	if (!rc && o->write)
		rc = ext_check_uncounted(x, e);
	if (rc && x)
		ext_close(&x->fs);
	else if (!rc)
		*out = &x->fs;
	return rc;
}

int ext_open_structure(struct disk *d, const char *type, struct ext **out, struct error *e)
{
	return open_as(d, type, true, out, e);
}
