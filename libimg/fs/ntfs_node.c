/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What files and directories are, and reading files. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

int ntfs_node_open(struct ntfs *n, uint64_t node, ntfs_inode **out, struct error *e)
{
	ntfs_inode *ni;

	errno = 0;
	ni = ntfs_inode_open(n->volume, node);
	if (!ni)
		return ntfs_error(n, e, "file record %" PRIu64, (uint64_t)MREF(node));
	*out = ni;
	return 0;
}

void ntfs_node_drop(ntfs_inode *ni)
{
	if (ni)
		(void)ntfs_inode_close(ni);
}

int ntfs_node_names(struct ntfs *n, ntfs_inode *ni,
	int (*each)(void *arg, FILE_NAME_ATTR *name, struct error *e), void *arg, struct error *e)
{
	ntfs_attr_search_ctx *c = ntfs_attr_get_search_ctx(ni, NULL);
	int rc = 0;

	if (!c)
		return error_nomem(e, "a file's names");
	while (!rc &&
		!ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, c)) {
		FILE_NAME_ATTR *name = (FILE_NAME_ATTR *)((uint8_t *)c->attr +
			le16_to_cpu(c->attr->value_offset));
		size_t len = le32_to_cpu(c->attr->value_length);

		if (c->attr->non_resident || len < sizeof(*name) ||
			!range_fits(le16_to_cpu(c->attr->value_offset), len,
				le32_to_cpu(c->attr->length)) ||
			2 * (size_t)name->file_name_length > len - sizeof(*name))
			rc = ntfs_corrupt(e, "file record %" PRIu64 ": a name of %zu bytes",
				(uint64_t)ni->mft_no, len);
		else
			rc = each(arg, name, e);
		errno = ENOENT;
	}
	if (!rc && (errno != ENOENT || n->io.error.code))
		rc = ntfs_error(n, e, "names of file record %" PRIu64, (uint64_t)ni->mft_no);
	ntfs_attr_put_search_ctx(c);
	return rc;
}

static int count_name(void *arg, FILE_NAME_ATTR *name, struct error *e)
{
	uint32_t *links = arg;

	(void)e;
	*links += name->file_name_type != FILE_NAME_DOS;
	return 0;
}

int ntfs_node_links(struct ntfs *n, ntfs_inode *ni, uint32_t *out, struct error *e)
{
	*out = 0;
	return ntfs_node_names(n, ni, count_name, out, e);
}

static uint32_t mode_of(const ntfs_inode *ni, uint32_t tag)
{
	if (ntfs_reparse_kind(tag) == NTFS_REPARSE_LINK)
		return S_IFLNK | 0777;
	return ntfs_is_directory(ni) ? S_IFDIR | 0755 : S_IFREG | 0644;
}

int ntfs_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	ntfs_inode *ni = NULL;
	uint32_t tag = 0, links = 0;
	int rc;

	ntfs_begin(n);
	rc = ntfs_node_open(n, node, &ni, e);
	if (!rc)
		rc = ntfs_reparse_tag(n, ni, &tag, e);
	if (!rc)
		rc = ntfs_node_links(n, ni, &links, e);
	if (!rc && ni->data_size < 0)
		rc = ntfs_corrupt(e, "file record %" PRIu64 ": a size of %" PRId64 " bytes",
			(uint64_t)MREF(node), (int64_t)ni->data_size);
	if (!rc)
		*out = (struct fs_stat){
			.node = node,
			.mode = mode_of(ni, tag),
			.links = links,
			.mtime = ntfs_seconds(ni->last_data_change_time),
		};
	if (!rc && S_ISREG(out->mode))
		out->size = (uint64_t)ni->data_size;
	ntfs_node_drop(ni);
	return rc;
}

/* Only a file's own bytes are read. */
static int check_content(struct ntfs *n, ntfs_inode *ni, bool *compact, struct error *e)
{
	uint32_t tag = 0;
	int rc = ntfs_reparse_tag(n, ni, &tag, e);

	*compact = ntfs_reparse_kind(tag) == NTFS_REPARSE_WOF;

	if (rc)
		return rc;
	if (ntfs_is_directory(ni))
		return error_set(
			e, ERR_USAGE, "file %" PRIu64 " is a directory", (uint64_t)ni->mft_no);
	if (tag && !*compact)
		return ntfs_reparse_unread(tag, e);
	if (ni->flags & FILE_ATTR_ENCRYPTED)
		return error_set(e, ERR_UNSUPPORTED,
			"it is encrypted by Windows (EFS): decrypt it inside the guest (cipher "
			"/d)");
	return 0;
}

int ntfs_data_read(
	struct ntfs *n, ntfs_attr *a, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;

	if (a->data_size < 0 || !range_fits(off, len, (uint64_t)a->data_size))
		return error_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of a file of %" PRId64,
			len, off, (int64_t)a->data_size);
	for (size_t done = 0; done < len;) {
		s64 got = ntfs_attr_pread(a, (s64)(off + done), (s64)(len - done), to + done);

		if (got <= 0 || n->io.error.code)
			return ntfs_error(n, e, "content of file record %" PRIu64 " at %" PRIu64,
				(uint64_t)a->ni->mft_no, off + done);
		done += (size_t)got;
	}
	return 0;
}

static int content_read(
	struct ntfs *n, ntfs_inode *ni, uint64_t off, void *buf, size_t len, struct error *e)
{
	ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	int rc = a ? ntfs_data_read(n, a, off, buf, len, e)
		   : ntfs_error(n, e, "content of file record %" PRIu64, (uint64_t)ni->mft_no);

	if (a)
		ntfs_attr_close(a);
	return rc;
}

int ntfs_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	ntfs_inode *ni = NULL;
	bool compact = false;
	int rc;

	ntfs_begin(n);
	rc = ntfs_node_open(n, node, &ni, e);
	if (!rc)
		rc = check_content(n, ni, &compact, e);
	if (!rc)
		rc = compact ? ntfs_compact_read(n, ni, off, buf, len, e)
			     : content_read(n, ni, off, buf, len, e);
	ntfs_node_drop(ni);
	return rc;
}
