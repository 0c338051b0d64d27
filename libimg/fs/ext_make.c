/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An empty ext4, in the steps of mke2fs. */
#include "fs/ext_make.h"

#include <string.h>

#include "base/checked.h"
#include "fs/ext.h"

enum {
	SIZE_MIN = 16 << 20, /* bytes; what is smaller holds no guest */
	FLEX_SHIFT = 4, /* 16 groups have their tables together */
	RESERVED_PART = 20, /* one block in 20 is root's */
	LOST_FOUND = 16 << 10, /* bytes: e2fsck can't allocate when it needs them */
};

static void parameters(struct ext2_super_block *p, uint64_t blocks)
{
	uint64_t inodes = min_u64(blocks * EXT_MAKE_BLOCK / EXT_MAKE_INODE_RATIO, UINT32_MAX);

	*p = (struct ext2_super_block){
		.s_rev_level = EXT2_DYNAMIC_REV,
		.s_log_block_size = 2,
		.s_log_cluster_size = 2,
		.s_inode_size = 256,
		.s_inodes_count = (uint32_t)inodes,
		.s_log_groups_per_flex = FLEX_SHIFT,
		.s_max_mnt_count = -1,
		.s_errors = EXT2_ERRORS_CONTINUE,
		.s_feature_compat = EXT3_FEATURE_COMPAT_HAS_JOURNAL | EXT2_FEATURE_COMPAT_EXT_ATTR |
			EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX,
		.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE |
			EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT |
			EXT4_FEATURE_INCOMPAT_FLEX_BG,
		.s_feature_ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER |
			EXT2_FEATURE_RO_COMPAT_LARGE_FILE | EXT4_FEATURE_RO_COMPAT_HUGE_FILE |
			EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |
			EXT4_FEATURE_RO_COMPAT_METADATA_CSUM,
	};
	ext2fs_blocks_count_set(p, blocks);
	ext2fs_r_blocks_count_set(p, blocks / RESERVED_PART);
}

/* As a UUID is stored by everybody but Microsoft. */
static void uuid_store(struct guid g, uint8_t out[16])
{
	static const uint8_t order[8] = { 3, 2, 1, 0, 5, 4, 7, 6 };

	memcpy(out, g.b, 16);
	for (size_t i = 0; i < sizeof(order); i++)
		out[i] = g.b[order[i]];
}

/* Nothing of the clock, the host or the processor is left in the superblock. */
static void identity(ext2_filsys e2, const struct ext_make *how)
{
	struct ext2_super_block *sb = e2->super;
	const int64_t time = how->time < 1 ? 1 : how->time;

	e2->now = (time_t)min_u64((uint64_t)time, UINT32_MAX);
	sb->s_mkfs_time = sb->s_lastcheck = sb->s_wtime = (uint32_t)e2->now;
	uuid_store(how->uuid, sb->s_uuid);
	uuid_store(how->hash_seed, (uint8_t *)sb->s_hash_seed);
	sb->s_def_hash_version = EXT2_HASH_HALF_MD4;
	sb->s_flags = (sb->s_flags & ~(uint32_t)EXT2_FLAGS_UNSIGNED_HASH) | EXT2_FLAGS_SIGNED_HASH;
	sb->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	sb->s_checkinterval = 0;
	sb->s_checksum_type = EXT2_CRC32C_CHKSUM;
	ext2fs_init_csum_seed(e2);
}

/* The disk is zeros already: no kernel needs to clear inode tables in the background. */
static void inode_tables_mark(ext2_filsys e2)
{
	for (dgrp_t g = 0; g < e2->group_desc_count; g++) {
		ext2fs_bg_flags_set(e2, g, EXT2_BG_INODE_ZEROED);
		ext2fs_group_desc_csum_set(e2, g);
	}
}

static void reserved_inodes_mark(ext2_filsys e2)
{
	for (ext2_ino_t ino = 1; ino < EXT2_FIRST_INODE(e2->super); ino++)
		if (ino != EXT2_ROOT_INO)
			ext2fs_inode_alloc_stats2(e2, ino, 1, 0);
}

static errcode_t directories_make(ext2_filsys e2)
{
	ext2_ino_t ino;
	errcode_t code = ext2fs_mkdir(e2, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);

	e2->umask = 077;
	if (!code)
		code = ext2fs_mkdir(e2, EXT2_ROOT_INO, 0, "lost+found");
	e2->umask = 022;
	if (!code)
		code = ext2fs_lookup(e2, EXT2_ROOT_INO, "lost+found", 10, NULL, &ino);
	for (int size = EXT_MAKE_BLOCK; !code && size < LOST_FOUND; size += EXT_MAKE_BLOCK)
		code = ext2fs_expand_dir(e2, ino);
	return code;
}

/* Its blocks are zeros already, too, but for the first. */
static errcode_t journal_make(ext2_filsys e2)
{
	struct ext2fs_journal_params p;
	errcode_t code = ext2fs_get_journal_params(&p, e2);

	return code ? code
		    : ext2fs_add_journal_inode3(e2, &p, ~UINT64_C(0),
			      EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK);
}

static errcode_t structures_make(ext2_filsys e2)
{
	errcode_t code = ext2fs_allocate_tables(e2);

	if (code)
		return code;
	inode_tables_mark(e2);
	code = directories_make(e2);
	if (code)
		return code;
	reserved_inodes_mark(e2);
	code = ext2fs_create_resize_inode(e2);
	if (!code)
		code = journal_make(e2);
	return code ? code : ext2fs_flush2(e2, EXT2_FLAG_FLUSH_NO_SYNC);
}

static int make(struct ext *x, const struct ext_make *how, uint64_t blocks, struct error *e)
{
	struct ext2_super_block p;
	errcode_t code;

	parameters(&p, blocks);
	code = ext2fs_initialize(x->io->name, EXT2_FLAG_64BITS, &p, &x->io->manager, &x->e2);
	if (code) {
		x->e2 = NULL;
		return ext_error(x, code, e, "making an ext4 file system");
	}
	identity(x->e2, how);
	code = structures_make(x->e2);
	return code ? ext_error(x, code, e, "making an ext4 file system")
		    : cache_flush(x->io->cache, e);
}

int ext_make(struct disk *d, const struct ext_make *how, struct error *e)
{
	struct ext x = { .fs.type = "ext4" };
	int rc;

	if (d->size < SIZE_MIN)
		return error_set(e, ERR_RANGE, "an ext4 file system of %llu bytes; %d are needed",
			(unsigned long long)d->size, SIZE_MIN);
	rc = ext_io_open(d, &x.io, e);
	if (!rc)
		rc = make(&x, how, d->size / EXT_MAKE_BLOCK, e);
	/* Not ext2fs_close, which would write again. */
	if (x.e2)
		ext2fs_free(x.e2);
	ext_io_close(x.io);
	return rc;
}

uint64_t ext_make_overhead(uint64_t size)
{
	const uint64_t blocks = size / EXT_MAKE_BLOCK;
	const uint64_t groups = div_up(blocks, 8 * EXT_MAKE_BLOCK);
	const int journal = ext2fs_default_journal_size(blocks);
	/* 64 descriptors in a block, and as many blocks more as 1024 times the groups need. */
	const uint64_t copy = 2 + groups / 64 + min_u64(1 + groups * 1024 / 64, 1024);
	/* In group 0, 1 and at powers of 3, 5 and 7. */
	uint64_t copies = 2, own = (uint64_t)(journal > 0 ? journal : 0);

	for (uint64_t base = 3; base <= 7; base += 2)
		for (uint64_t g = base; g < groups; g *= base)
			copies++;
	own += groups * (2 + 8 * EXT_MAKE_BLOCK / 64) + copies * copy;
	own += LOST_FOUND / EXT_MAKE_BLOCK + 2; /* the root directory; the resize inode's map */
	return own * EXT_MAKE_BLOCK;
}
