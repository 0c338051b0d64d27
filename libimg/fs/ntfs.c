/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing NTFS volumes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ntfs_private.h"

typedef ntfs_volume *(*mounter)(struct ntfs_device *dev, ntfs_mount_flags flags);

/* FORENSIC: nothing is written and no state refused; both are ours to do. */
static int mount_by(struct ntfs *n, mounter mount, struct error *e)
{
	struct ntfs_device *dev = ntfs_io_device(&n->io);
	int rc;

	if (!dev)
		return error_nomem(e, "a file system");
	ntfs_begin(n);
	n->volume = mount(dev, n->fs.writable ? NTFS_MNT_FORENSIC : NTFS_MNT_RDONLY);
	if (n->volume)
		return 0;
	rc = ntfs_error(n, e, "the ntfs file system can't be read");
	(void)ntfs_device_free(dev);
	return rc;
}

static void unmount(struct ntfs *n)
{
	if (n->volume)
		(void)ntfs_umount(n->volume, TRUE);
	n->volume = NULL;
}

/* First only as far as is needed to look at what the rest relies on. */
static int load(struct ntfs *n, struct disk *d, struct error *e)
{
	int rc = ntfs_check_boot(d, e);

	if (!rc)
		rc = mount_by(n, ntfs_volume_startup, e);
	if (!rc)
		rc = ntfs_check_volume(n, e);
	unmount(n);
	if (!rc)
		rc = mount_by(n, ntfs_device_mount, e);
	/* New files are to be plain, whatever their directory is. */
	if (!rc)
		n->volume->state &= ~(1UL << NV_Compression);
	return rc;
}

static int judge(struct ntfs *n, const struct fs_options *o, struct error *e)
{
	struct error why = { 0 };
	bool discard = false;
	int rc;

	ntfs_begin(n);
	rc = ntfs_check_state(n, o->write && o->force_dirty, &discard, &why);
	if (o->write) {
		n->discard_log = discard;
		if (rc && e)
			*e = why;
		return rc;
	}
	n->fs.needs_recovery = rc == -ERR_REFUSED;
	return error_of_host(&why, e);
}

static int ntfs_xattrs(
	struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e)
{
	(void)fs;
	(void)node;
	(void)e;
	*out = NULL;
	*count = 0;
	return 0;
}

/* The files of the file system itself, which stay open. */
static int sync_system(struct ntfs *n, struct error *e)
{
	ntfs_volume *v = n->volume;
	ntfs_inode *const all[] = { v->secure_ni, v->lcnbmp_ni, v->vol_ni, v->mft_ni,
		v->mftmirr_ni };

	ntfs_begin(n);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] && (NInoDirty(all[i]) || NInoAttrListDirty(all[i])) &&
			ntfs_inode_sync(all[i]))
			return ntfs_error(n, e, "file record %" PRIu64, (uint64_t)all[i]->mft_no);
	return ntfs_io_error(n, e);
}

static int ntfs_sync(struct fs *fs, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	int rc;

	if (n->failure.code) {
		return error_set(e, (enum error_code)n->failure.code,
			"nothing is written after an edit that failed: %s", n->failure.text);
	}
	rc = sync_system(n, e);
	return rc ? rc : cache_flush(n->io.cache, e);
}

static void ntfs_close(struct fs *fs)
{
	struct ntfs *n = ntfs_of(fs);

	unmount(n);
	ntfs_io_close(&n->io);
	free(n->tmpdir);
	free(n);
}

static const struct fs_ops ntfs_ops = {
	.lookup = ntfs_lookup,
	.list = ntfs_list,
	.spelling = ntfs_spelling,
	.stat = ntfs_stat,
	.xattrs = ntfs_xattrs,
	.read = ntfs_read,
	.readlink = ntfs_readlink,
	.put = ntfs_put,
	.remove = ntfs_remove,
	.free_bytes = ntfs_free_bytes,
	.sync = ntfs_sync,
	.close = ntfs_close,
};

int ntfs_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e)
{
	struct ntfs *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return error_nomem(e, "a file system");
	ntfs_log_set_handler(ntfs_log_handler_null);
	n->fs.ops = &ntfs_ops;
	n->fs.type = id->type;
	n->fs.root = FILE_root;
	n->fs.writable = o->write;
	n->tmpdir = strdup(o->tmpdir ? o->tmpdir : "/var/tmp");
	rc = n->tmpdir ? ntfs_io_open(d, &n->io, e) : error_nomem(e, "a file system");
	if (!rc)
		rc = load(n, d, e);
	if (!rc)
		rc = judge(n, o, e);
	if (rc)
		ntfs_close(&n->fs);
	else
		*out = &n->fs;
	return rc;
}
