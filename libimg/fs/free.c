/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/free.h"

#include <string.h>

static int open_free_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct fs *fs = NULL;
	int rc = fs_open(d, false, &fs, e);

	if (!rc && !fs->ops->free_runs)
		rc = error_set(e, ERR_UNSUPPORTED, "hvimg does not know what is free in it");
	if (!rc)
		rc = fs->ops->free_runs(fs, each, arg, e);
	fs_close(fs);
	return rc;
}

int fs_free_runs(struct disk *d, const struct fs_id *id,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	static const struct {
		const char *type;
		int (*runs)(struct disk *d, free_each each, void *arg, struct error *e);
	} kinds[] = {
		{ "swap", swap_free_runs },
		{ "swsuspend", swap_free_runs },
		{ "xfs", xfs_free_runs },
		{ "btrfs", btrfs_free_runs },
		{ "ntfs", ntfs_free_runs },
	};

	for (size_t i = 0; id->type && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].type, id->type))
			return kinds[i].runs(d, each, arg, e);
	return open_free_runs(d, each, arg, e);
}
