/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing ext2, ext3 and ext4.  The layout is described in the kernel's
 * Documentation/filesystems/ext4/blockgroup.rst. */
#include <stdlib.h>

#include "base/checked.h"
#include "fs/ext_grow_private.h"

/* What the guest's kernel would take for inodes in the new tables is made zero, below the cache of
 * the file system, which is closed. */
static int tables_clear(const struct growth *g, struct disk *d, uint64_t table_bytes,
	uint32_t block, struct error *e)
{
	dgrp_t count = g->groups - g->old_groups, next;
	int rc = 0;

	for (dgrp_t i = 0; !rc && i < count; i = next) {
		uint64_t off = g->table[i] * block, end = off + table_bytes;

		for (next = i + 1; next < count && g->table[next] * block == end; next++)
			end += table_bytes;
		rc = disk_zero(d, off, end - off, e);
	}
	return rc;
}

static int growth_apply(struct growth *g, struct error *e)
{
	int rc;

	/* Backups of the superblock tell the size, so they follow. */
	g->e2->flags &= ~EXT2_FLAG_MASTER_SB_ONLY;
	rc = growth_groups(g, e);
	if (!rc)
		rc = growth_reserved(g, e);
	return rc ? rc : fs_sync(&g->x->fs, e);
}

int ext_grow(struct disk *volume, const char *type, struct ext_growth *out, struct error *e)
{
	struct growth g = { 0 };
	struct ext_growth result;
	uint64_t table = 0;
	uint32_t block = 0;
	int rc = ext_open_structure(volume, type, &g.x, e);

	if (rc)
		return rc;
	g.e2 = g.x->e2;
	rc = growth_plan(&g, volume->size, e);
	if (!rc) {
		block = g.e2->blocksize;
		table = (uint64_t)g.e2->inode_blocks_per_group * block;
		result = (struct ext_growth){ g.old_blocks * block, g.blocks * block };
	}
	if (!rc && g.blocks > g.old_blocks)
		rc = growth_apply(&g, e);
	fs_close(&g.x->fs);
	if (!rc && g.table)
		rc = tables_clear(&g, volume, table, block, e);
	free(g.table);
	if (!rc)
		*out = result;
	return rc;
}
