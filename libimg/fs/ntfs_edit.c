/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps that edits of a volume are made of.  None can be taken back. */
#include <errno.h>
#include <inttypes.h>

#include "fs/ntfs_private.h"

int ntfs_edit_begin(struct ntfs *n, struct error *e)
{
	if (!n->discard_log)
		return 0;
	n->touched = true;
	/* What was in the log is lost: Windows is to look the volume over. */
	if (ntfs_logfile_reset(n->volume) ||
		ntfs_volume_write_flags(n->volume, n->volume->flags | VOLUME_IS_DIRTY))
		return ntfs_error(n, e, "$LogFile");
	n->discard_log = false;
	return 0;
}

static void forget(ntfs_inode *ni)
{
	static const unsigned long dirty = 1UL << NI_Dirty | 1UL << NI_AttrListDirty |
		1UL << NI_FileNameDirty;

	ni->state &= ~dirty;
	for (s32 i = 0; i < ni->nr_extents; i++)
		ni->extent_nis[i]->state &= ~dirty;
	(void)ntfs_inode_close(ni);
}

/* Writes the node, and frees it also when that fails. */
static int close_node(struct ntfs *n, ntfs_inode *ni, struct error *e)
{
	int rc;

	errno = 0;
	if (!ni || !ntfs_inode_close(ni))
		return 0;
	rc = ntfs_error(n, e, "file record %" PRIu64, (uint64_t)ni->mft_no);
	forget(ni);
	return rc;
}

static int fill_new(struct ntfs *n, ntfs_inode *ni, const struct fs_put *p,
	const struct ntfs_heritage *h, struct error *e)
{
	struct ntfs_times t = ntfs_times_at(p->mtime);
	int rc = S_ISDIR(p->mode) ? 0 : ntfs_content_write(n, ni, p, e);

	if (rc)
		return rc;
	ni->flags = h->flags | (S_ISDIR(p->mode) ? 0 : FILE_ATTR_ARCHIVE);
	return ntfs_times_new(n, ni, &t, e);
}

/* The directory is written before its new node, which looks for itself there. */
static int create_empty(struct ntfs *n, uint64_t dir, const struct ntfs_name *name, bool directory,
	uint32_t security, ntfs_inode **out, struct error *e)
{
	le16 units[NTFS_NAME_UNITS];
	ntfs_inode *parent = NULL, *ni;
	int rc = ntfs_node_open(n, dir, &parent, e);

	if (!rc && !security)
		rc = ntfs_security_new(n, parent, directory, &security, e);
	if (rc) {
		ntfs_node_drop(parent);
		return rc;
	}
	ntfs_name_store(name, (uint8_t *)units);
	errno = 0;
	n->touched = true;
	ni = ntfs_create(parent, security, units, name->units, directory ? S_IFDIR : S_IFREG);
	if (!ni) {
		rc = ntfs_error(n, e, "a new entry of directory %" PRIu64, (uint64_t)MREF(dir));
		forget(parent);
		return rc;
	}
	rc = close_node(n, parent, e);
	if (rc)
		forget(ni);
	else
		*out = ni;
	return rc;
}

int ntfs_edit_create(struct ntfs *n, uint64_t dir, const struct ntfs_name *name,
	const struct fs_put *p, const struct ntfs_heritage *h, struct error *e)
{
	ntfs_inode *ni = NULL;
	int rc = create_empty(n, dir, name, S_ISDIR(p->mode), h->security, &ni, e);

	if (!rc) {
		rc = fill_new(n, ni, p, h, e);
		if (rc)
			forget(ni);
	}
	return rc ? rc : close_node(n, ni, e);
}

/* The library stamps the clock on what is left of a name that it removes. */
static int times_restore(struct ntfs *n, uint64_t node, const struct ntfs_times *t, struct error *e)
{
	ntfs_inode *ni = NULL;
	int rc = ntfs_node_open(n, node, &ni, e);

	if (rc)
		return rc;
	ntfs_times_set(ni, t);
	return close_node(n, ni, e);
}

int ntfs_edit_erase(struct ntfs *n, uint64_t dir, const struct ntfs_entry *entry, struct error *e)
{
	le16 units[NTFS_NAME_UNITS];
	ntfs_inode *parent = NULL, *ni = NULL;
	struct ntfs_times dir_times, times;
	uint32_t links = 0;
	int rc = ntfs_node_open(n, dir, &parent, e);

	if (!rc)
		rc = ntfs_node_open(n, entry->node, &ni, e);
	if (!rc)
		rc = ntfs_node_links(n, ni, &links, e);
	if (rc) {
		ntfs_node_drop(ni);
		ntfs_node_drop(parent);
		return rc;
	}
	dir_times = ntfs_times_of(parent);
	times = ntfs_times_of(ni);
	ntfs_name_store(&entry->name, (uint8_t *)units);
	errno = 0;
	n->touched = true;
	/* Closes both. */
	if (ntfs_delete(n->volume, NULL, ni, parent, units, entry->name.units))
		return ntfs_error(n, e, "file record %" PRIu64, (uint64_t)MREF(entry->node));
	rc = times_restore(n, dir, &dir_times, e);
	return !rc && links > 1 ? times_restore(n, entry->node, &times, e) : rc;
}

int ntfs_edit_rewrite(struct ntfs *n, uint64_t node, const struct fs_put *p, struct error *e)
{
	struct ntfs_times t = ntfs_times_at(p->mtime);
	ntfs_inode *ni = NULL;
	int rc = ntfs_node_open(n, node, &ni, e);

	if (rc)
		return rc;
	n->touched = true;
	rc = ntfs_content_write(n, ni, p, e);
	if (rc) {
		forget(ni);
		return rc;
	}
	ni->flags |= FILE_ATTR_ARCHIVE;
	ntfs_times_set(ni, &t);
	return close_node(n, ni, e);
}
