/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times of nodes: four in the node, and copies of them in its directory entries. */
#include "fs/ntfs_private.h"

static const int64_t UNIX_EPOCH = INT64_C(116444736000000000); /* 1970 in 100 ns since 1601 */
static const int64_t TICKS = 10000000; /* a second */

int64_t ntfs_seconds(uint64_t stored)
{
	int64_t ticks = (int64_t)sle64_to_cpu(stored);
	int64_t rest = ticks % TICKS;

	return ticks / TICKS - UNIX_EPOCH / TICKS - (rest < 0);
}

struct ntfs_times ntfs_times_at(int64_t seconds)
{
	int64_t first = -(UNIX_EPOCH / TICKS), last = INT64_MAX / TICKS - UNIX_EPOCH / TICKS - 1;
	int64_t held = seconds < first ? first : seconds > last ? last : seconds;
	uint64_t t = cpu_to_le64((uint64_t)(held * TICKS + UNIX_EPOCH));

	return (struct ntfs_times){ t, t, t, t };
}

struct ntfs_times ntfs_times_of(const ntfs_inode *ni)
{
	return (struct ntfs_times){
		.created = ni->creation_time,
		.changed = ni->last_data_change_time,
		.record = ni->last_mft_change_time,
		.accessed = ni->last_access_time,
	};
}

void ntfs_times_set(ntfs_inode *ni, const struct ntfs_times *t)
{
	ni->creation_time = t->created;
	ni->last_data_change_time = t->changed;
	ni->last_mft_change_time = t->record;
	ni->last_access_time = t->accessed;
	ntfs_inode_mark_dirty(ni);
	NInoFileNameSetDirty(ni);
}

static int name_set(void *arg, FILE_NAME_ATTR *name, struct error *e)
{
	const struct ntfs_times *t = arg;

	(void)e;
	name->creation_time = t->created;
	name->last_data_change_time = t->changed;
	name->last_mft_change_time = t->record;
	name->last_access_time = t->accessed;
	return 0;
}

int ntfs_times_new(struct ntfs *n, ntfs_inode *ni, const struct ntfs_times *t, struct error *e)
{
	struct ntfs_times copy = *t;

	ntfs_times_set(ni, t);
	return ntfs_node_names(n, ni, name_set, &copy, e);
}
