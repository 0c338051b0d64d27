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

struct kind {
	const char *type;
	int (*runs)(struct disk *d, free_each each, void *arg, struct error *e);
};

static const struct kind free_kinds[] = {
	{ "swap", swap_free_runs },
	{ "swsuspend", swap_free_runs },
	{ "xfs", xfs_free_runs },
	{ "btrfs", btrfs_free_runs },
	{ "ntfs", ntfs_free_runs },
	{ NULL, NULL },
};

static const struct kind paging_kinds[] = {
	{ "swap", swap_free_runs },
	{ "swsuspend", swap_free_runs },
	{ "ntfs", ntfs_paging_runs },
	{ NULL, NULL },
};

static const struct kind *kind_find(const struct kind *k, const struct fs_id *id)
{
	while (id->type && k->type && strcmp(k->type, id->type) != 0)
		k++;
	return id->type && k->type ? k : NULL;
}

int fs_free_runs(struct disk *d, const struct fs_id *id,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	const struct kind *k = kind_find(free_kinds, id);

	return k ? k->runs(d, each, arg, e) : open_free_runs(d, each, arg, e);
}

int fs_paging_runs(struct disk *d, const struct fs_id *id,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	const struct kind *k = kind_find(paging_kinds, id);

	return k ? k->runs(d, each, arg, e) : 0;
}

bool fs_may_page(const struct fs_id *id)
{
	return kind_find(paging_kinds, id);
}
