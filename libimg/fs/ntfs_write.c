/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting and removing files and directories. */
#include <inttypes.h>

#include "fs/ntfs_private.h"

static int check_editable(struct ntfs *n, struct error *e)
{
	if (!n->fs.writable)
		return error_set(e, ERR_REFUSED, "the ntfs file system is open for reading only");
	if (!n->failure.code)
		return 0;
	return error_set(
		e, (enum error_code)n->failure.code, "an edit before failed: %s", n->failure.text);
}

/* Remembers that an edit ended in the middle. */
static int end_edit(struct ntfs *n, int rc, struct error *e)
{
	if (!rc)
		rc = ntfs_io_error(n, e);
	if (rc && n->touched)
		n->failure = e ? *e : (struct error){ .code = -rc };
	n->touched = false;
	return rc;
}

/* What is there under the name of a new file. */
struct old {
	uint32_t links, tag;
	bool directory;
	uint64_t allocated;
	struct ntfs_heritage heritage;
};

static int old_read(struct ntfs *n, uint64_t node, struct old *out, struct error *e)
{
	static const FILE_ATTR_FLAGS kept = FILE_ATTR_READONLY | FILE_ATTR_HIDDEN |
		FILE_ATTR_SYSTEM | FILE_ATTR_NOT_CONTENT_INDEXED;
	ntfs_inode *ni = NULL;
	int rc = ntfs_node_open(n, node, &ni, e);

	if (rc)
		return rc;
	*out = (struct old){
		.directory = ntfs_is_directory(ni),
		.allocated = (uint64_t)ni->allocated_size,
		.heritage.flags = ni->flags & kept,
	};
	if (test_nino_flag(ni, v3_Extensions))
		out->heritage.security = ni->security_id;
	if (ni->flags & FILE_ATTR_ENCRYPTED)
		rc = error_set(
			e, ERR_UNSUPPORTED, "the file that is there is encrypted by Windows (EFS)");
	if (!rc)
		rc = ntfs_reparse_tag(n, ni, &out->tag, e);
	if (!rc)
		rc = ntfs_node_links(n, ni, &out->links, e);
	ntfs_node_drop(ni);
	return rc;
}

static int replace_content(struct ntfs *n, uint64_t dir, const struct ntfs_entry *entry,
	const struct old *old, const struct fs_put *p, struct error *e)
{
	int rc = ntfs_edit_begin(n, e);

	if (rc)
		return rc;
	/* Other links of the file are to stay as they are. */
	if (old->links == 1 && !old->tag)
		return ntfs_edit_rewrite(n, entry->node, p, e);
	rc = ntfs_edit_erase(n, dir, entry, e);
	return rc ? rc : ntfs_edit_create(n, dir, &entry->name, p, &old->heritage, e);
}

static int put_again(struct ntfs *n, uint64_t dir, const struct ntfs_entry *entry,
	const struct fs_put *p, struct error *e)
{
	struct old old;
	int rc = old_read(n, entry->node, &old, e);

	if (rc)
		return rc;
	if (old.directory || S_ISDIR(p->mode))
		return error_set(e, ERR_EXISTS, "it is there already");
	if (ntfs_reparse_kind(old.tag) == NTFS_REPARSE_OTHER)
		return ntfs_reparse_unread(old.tag, e);
	rc = ntfs_check_space(n, p->size, old.links == 1 ? old.allocated : 0, e);
	return rc ? rc : replace_content(n, dir, entry, &old, p, e);
}

static int put_new(struct ntfs *n, uint64_t dir, const struct ntfs_name *name,
	const struct fs_put *p, struct error *e)
{
	static const struct ntfs_heritage none = { 0 };
	int rc = ntfs_check_space(n, S_ISDIR(p->mode) ? 0 : p->size, 0, e);

	if (!rc)
		rc = ntfs_edit_begin(n, e);
	return rc ? rc : ntfs_edit_create(n, dir, name, p, &none, e);
}

static int find(struct ntfs *n, uint64_t dir, const struct ntfs_name *name, struct ntfs_entry *out,
	struct error *e)
{
	ntfs_inode *ni = NULL;
	int rc = ntfs_node_open(n, dir, &ni, e);

	if (!rc)
		rc = ntfs_dir_find(n, ni, name, out, e);
	ntfs_node_drop(ni);
	if (!rc && MREF(out->node) < FILE_first_user)
		return error_set(e, ERR_REFUSED, "it is a part of the file system");
	return rc;
}

static int put(
	struct ntfs *n, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	struct ntfs_entry entry;
	struct ntfs_name key;
	struct error why = { 0 };
	int rc = ntfs_name_check(name, &key, e);

	if (rc)
		return rc;
	if (!S_ISREG(p->mode) && !S_ISDIR(p->mode))
		return error_set(e, ERR_UNSUPPORTED, "%s are not made on ntfs",
			S_ISLNK(p->mode) ? "symbolic links" : "special files");
	rc = find(n, dir, &key, &entry, &why);
	if (rc == -ERR_NOTFOUND)
		return put_new(n, dir, &key, p, e);
	if (rc && e)
		*e = why;
	if (rc)
		return rc;
	return put_again(n, dir, &entry, p, e);
}

/* All content is there before anything changes: it may be made from what is replaced, and a failure
 * to get it harms nothing. */
int ntfs_put(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	struct ntfs_content *content = NULL;
	struct ntfs *n = ntfs_of(fs);
	struct fs_put kept = *p;
	int rc = check_editable(n, e);

	if (!rc && S_ISREG(p->mode)) {
		rc = ntfs_content_keep(n, p, &content, e);
		kept.read = ntfs_content_read;
		kept.read_arg = content;
	}
	if (rc)
		return rc;
	ntfs_begin(n);
	rc = end_edit(n, put(n, dir, name, &kept, e), e);
	ntfs_content_free(content);
	return rc ? error_prefix(e, "\"%.200s\"", name) : 0;
}

static int found_one(void *arg, const struct ntfs_entry *entry)
{
	(void)arg;
	(void)entry;
	return 1;
}

static int check_removable(struct ntfs *n, uint64_t node, struct error *e)
{
	ntfs_inode *ni = NULL;
	uint32_t tag = 0;
	int rc = ntfs_node_open(n, node, &ni, e);

	if (!rc)
		rc = ntfs_reparse_tag(n, ni, &tag, e);
	if (!rc && ntfs_is_directory(ni) && !tag)
		rc = ntfs_dir_walk(n, ni, NULL, found_one, NULL, e);
	ntfs_node_drop(ni);
	return rc == 1 ? error_set(e, ERR_REFUSED, "the directory is not empty") : rc;
}

static int remove_name(struct ntfs *n, uint64_t dir, const char *name, struct error *e)
{
	struct ntfs_entry entry;
	struct ntfs_name key;
	int rc;

	if (!ntfs_name_read(name, &key))
		return error_set(e, ERR_NOTFOUND, "no such file");
	rc = find(n, dir, &key, &entry, e);
	if (!rc)
		rc = check_removable(n, entry.node, e);
	if (!rc)
		rc = ntfs_edit_begin(n, e);
	return rc ? rc : ntfs_edit_erase(n, dir, &entry, e);
}

int ntfs_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	int rc = check_editable(n, e);

	if (rc)
		return rc;
	ntfs_begin(n);
	rc = end_edit(n, remove_name(n, dir, name, e), e);
	return rc ? error_prefix(e, "removing \"%.200s\"", name) : 0;
}
