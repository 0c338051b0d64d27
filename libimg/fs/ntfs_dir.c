/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names in directories, as Windows finds and shows them. */
#include <string.h>

#include "fs/ntfs_private.h"

struct search {
	const struct ntfs_name *key;
	struct ntfs_entry *out;
	int rank; /* of *out; 0: nothing found */
};

/* A spelling that is the same is better than one that differs by case, and a long name better than
 * a short one. */
static int consider(void *arg, const struct ntfs_entry *entry)
{
	struct search *s = arg;
	int rank = entry->space == FILE_NAME_DOS                                    ? 1
		: memcmp(entry->name.text, s->key->text, 2 * (size_t)s->key->units) ? 2
										    : 3;

	if (rank > s->rank) {
		*s->out = *entry;
		s->rank = rank;
	}
	return 0;
}

int ntfs_dir_find(struct ntfs *n, ntfs_inode *dir, const struct ntfs_name *name,
	struct ntfs_entry *out, struct error *e)
{
	struct search s = { .key = name, .out = out };
	int rc = ntfs_dir_walk(n, dir, name, consider, &s, e);

	if (rc)
		return rc;
	return s.rank ? 0 : error_set(e, ERR_NOTFOUND, "no such file");
}

/* The files that keep the file system, $MFT and so on, are nobody's business. */
static bool is_system(const struct ntfs_entry *entry)
{
	return MREF(entry->node) < FILE_first_user;
}

static int find(struct ntfs *n, uint64_t dir, const char *name, ntfs_inode **ni,
	struct ntfs_entry *out, struct error *e)
{
	struct ntfs_name key;
	int rc;

	ntfs_begin(n);
	if (!ntfs_name_read(name, &key))
		return error_set(e, ERR_NOTFOUND, "no such file");
	rc = ntfs_node_open(n, dir, ni, e);
	if (!rc)
		rc = ntfs_dir_find(n, *ni, &key, out, e);
	if (!rc && is_system(out))
		rc = error_set(e, ERR_NOTFOUND, "no such file");
	return rc;
}

int ntfs_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct ntfs_entry entry;
	ntfs_inode *ni = NULL;
	int rc = find(ntfs_of(fs), dir, name, &ni, &entry, e);

	if (!rc)
		*node = entry.node;
	ntfs_node_drop(ni);
	return rc;
}

struct long_name {
	uint64_t dir;
	struct ntfs_name *out;
	bool found;
};

static int is_long(void *arg, FILE_NAME_ATTR *name, struct error *e)
{
	struct long_name *l = arg;

	(void)e;
	if (MREF(le64_to_cpu(name->parent_directory)) != l->dir ||
		name->file_name_type != FILE_NAME_WIN32)
		return 0;
	ntfs_name_load((const uint8_t *)name + offsetof(FILE_NAME_ATTR, file_name),
		name->file_name_length, l->out);
	l->found = true;
	return 0;
}

/* The long name beside a short one. */
static int lengthen(struct ntfs *n, uint64_t dir, struct ntfs_entry *entry, struct error *e)
{
	struct long_name l = { .dir = MREF(dir), .out = &entry->name };
	ntfs_inode *ni = NULL;
	int rc = ntfs_node_open(n, entry->node, &ni, e);

	if (!rc)
		rc = ntfs_node_names(n, ni, is_long, &l, e);
	ntfs_node_drop(ni);
	return rc;
}

int ntfs_spelling(
	struct fs *fs, uint64_t dir, const char *name, char out[FS_NAME_MAX + 1], struct error *e)
{
	char text[NTFS_NAME_BYTES + 1];
	struct ntfs_entry entry;
	ntfs_inode *ni = NULL;
	int rc = find(ntfs_of(fs), dir, name, &ni, &entry, e);

	if (!rc && entry.space == FILE_NAME_DOS)
		rc = lengthen(ntfs_of(fs), dir, &entry, e);
	ntfs_node_drop(ni);
	if (rc)
		return rc;
	ntfs_name_text(&entry.name, text);
	if (strlen(text) > FS_NAME_MAX)
		return error_set(e, ERR_RANGE, "a name of %zu bytes", strlen(text));
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

struct listing {
	int (*each)(void *arg, const char *name, uint64_t node);
	void *arg;
};

static int list_entry(void *arg, const struct ntfs_entry *entry)
{
	const struct listing *l = arg;
	char text[NTFS_NAME_BYTES + 1];

	if (entry->space == FILE_NAME_DOS || is_system(entry) || !entry->name.units)
		return 0;
	ntfs_name_text(&entry->name, text);
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return 0;
	return l->each(l->arg, text, entry->node);
}

int ntfs_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e)
{
	struct listing l = { .each = each, .arg = arg };
	ntfs_inode *ni = NULL;
	int rc;

	ntfs_begin(ntfs_of(fs));
	rc = ntfs_node_open(ntfs_of(fs), dir, &ni, e);
	if (!rc)
		rc = ntfs_dir_walk(ntfs_of(fs), ni, NULL, list_entry, &l, e);
	ntfs_node_drop(ni);
	return rc;
}
