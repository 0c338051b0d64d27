/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps an ext file system from being edited. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/zero.h"
#include "fs/ext.h"

enum { ORPHAN_FILE_MAX = 64 << 20 }; /* bytes; more are not looked through */

/* The file of orphans is marked as in use as long as the file system is mounted, used or not:
 * blocks of inode numbers with 8 bytes of checksum at their end. */
static int orphan_file_find(struct ext *x, bool *out, struct error *e)
{
	ext2_ino_t ino = x->e2->super->s_orphan_file_inum;
	uint32_t block = x->e2->blocksize;
	uint8_t *bytes = calloc(1, block);
	struct fs_stat st = { 0 };
	int rc = bytes ? ext_stat(&x->fs, ino, &st, e) : error_nomem(e, "a file of orphans");

	*out = st.size > ORPHAN_FILE_MAX;
	for (uint64_t off = 0; !rc && !*out && off < st.size; off += block) {
		rc = ext_read(&x->fs, ino, off, bytes, (size_t)min_u64(block, st.size - off), e);
		*out = !rc && !bytes_are_zero(bytes, block - 8);
	}
	free(bytes);
	return rc;
}

/* Deleted files whose blocks are still to be freed. */
static int orphans_find(struct ext *x, bool *out, struct error *e)
{
	struct ext2_super_block *sb = x->e2->super;
	int rc = 0;

	*out = sb->s_last_orphan != 0;
	if (!*out && ext2fs_has_feature_orphan_present(sb))
		rc = orphan_file_find(x, out, e);
	if (!rc && !*out)
		ext2fs_clear_feature_orphan_present(sb);
	return rc;
}

int ext_check_writable(struct ext *x, struct error *e)
{
	struct ext2_super_block *sb = x->e2->super;
	bool orphans;
	int rc;

	if (!(sb->s_state & EXT2_VALID_FS) || sb->s_state & EXT2_ERROR_FS)
		return error_set(e, ERR_REFUSED,
			"the %s file system is not clean (state %u): run e2fsck on it", x->fs.type,
			sb->s_state);
	rc = orphans_find(x, &orphans, e);
	if (rc)
		return rc;
	if (orphans)
		return error_set(e, ERR_REFUSED,
			"the %s file system has deleted files that are not freed yet: run e2fsck "
			"on it",
			x->fs.type);
	if (ext2fs_has_feature_readonly(sb) || ext2fs_has_feature_shared_blocks(sb))
		return error_set(
			e, ERR_REFUSED, "the %s file system is marked read only", x->fs.type);
	return 0;
}

int ext_check_uncounted(struct ext *x, struct error *e)
{
	if (!ext2fs_has_feature_quota(x->e2->super))
		return 0;
	return error_set(e, ERR_REFUSED,
		"the %s file system counts quotas inside: take that off with "
		"tune2fs -O ^quota,^project, and turn it on again afterwards",
		x->fs.type);
}
