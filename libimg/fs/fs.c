/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which code opens which file system. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/appliance.h"
#include "fs/ext.h"
#include "fs/fat.h"
#include "fs/ntfs.h"

static const struct kind {
	const char *type;
	int (*open)(struct disk *d, const struct fs_id *id, const struct fs_options *o,
		struct fs **out, struct error *e);
} kinds[] = {
	{ "ext2", ext_open },
	{ "ext3", ext_open },
	{ "ext4", ext_open },
	{ "vfat", fat_open },
	{ "ntfs", ntfs_open },
	{ "xfs", appliance_fs_open },
	{ "btrfs", appliance_fs_open },
};

int fs_open(struct disk *d, bool write, struct fs **out, struct error *e)
{
	const struct fs_options o = { .write = write };

	return fs_open_with(d, &o, out, e);
}

int fs_open_with(struct disk *d, const struct fs_options *o, struct fs **out, struct error *e)
{
	struct fs_id id;
	int rc = fs_identify(d, &id, e);

	if (rc)
		return rc;
	if (!id.type)
		return error_set(e, ERR_UNSUPPORTED,
			"no file system that hvimg knows on %" PRIu64 " bytes", d->size);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].type, id.type) != 0)
			continue;
		rc = kinds[i].open(d, &id, o, out, e);
		if (rc)
			return rc;
		(void)snprintf((*out)->uuid, sizeof((*out)->uuid), "%s", id.uuid);
		(void)snprintf((*out)->label, sizeof((*out)->label), "%s", id.label);
		return 0;
	}
	return fs_unreadable(id.type, e);
}

int fs_check_write(struct disk *d, const struct fs_options *o, struct error *e)
{
	struct fs_options edit = *o;
	struct fs *fs = NULL;
	struct fs_id id;
	int rc = fs_identify(d, &id, e);

	if (rc)
		return rc;
	if (appliance_opens(id.type))
		return appliance_check(e);
	edit.write = true;
	rc = fs_open_with(d, &edit, &fs, e);
	if (!rc)
		fs_close(fs);
	return rc;
}

int fs_sync(struct fs *fs, struct error *e)
{
	return fs->writable ? fs->ops->sync(fs, e) : 0;
}

void fs_close(struct fs *fs)
{
	if (fs)
		fs->ops->close(fs);
}

void xattrs_free(struct xattr *x, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(x[i].name);
		free(x[i].value);
	}
	free(x);
}
