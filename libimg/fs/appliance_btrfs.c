/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subvolumes: directories of a btrfs that are mounted by themselves.  The whole is mounted once,
 * and each is a view of it.  btrfs(5), btrfs-subvolume(8). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/appliance_private.h"

enum { TOP_LEVEL = 5 }; /* BTRFS_FS_TREE_OBJECTID */

/* Directories all the way: a subvolume is never behind a link. */
static int walk(struct drive *d, const char *path, uint64_t *out, struct error *e)
{
	struct strings names = { 0 };
	uint64_t node = NODES_ROOT;
	int rc = strings_split(&names, path, "/", e);

	for (size_t i = 0; i < names.count && !rc; i++) {
		struct node *x = NULL;

		rc = drive_lookup(d, node, names.item[i], &node, e);
		if (!rc)
			rc = drive_node(d, node, &x, e);
		if (!rc && !S_ISDIR(x->stat.mode))
			rc = error_set(e, ERR_NOTFOUND, "%s is not a directory", names.item[i]);
	}
	strings_free(&names);
	if (!rc)
		*out = node;
	return rc;
}

static int list_open(struct drive *d, struct guestfs_btrfssubvolume_list **out, struct error *e)
{
	struct appliance *a = d->appliance;
	int rc = drive_mount(d, e);

	if (rc)
		return rc;
	*out = a->lib.btrfs_subvolume_list(a->g, d->path);
	return *out ? 0 : drive_error(d, "listing subvolumes", e);
}

/* NULL: no subvolume of that number. */
static const char *path_of(const struct guestfs_btrfssubvolume_list *l, uint64_t id)
{
	for (size_t i = 0; i < l->len; i++)
		if (l->val[i].btrfssubvolume_id == id)
			return l->val[i].btrfssubvolume_path;
	return NULL;
}

static bool has_path(const struct guestfs_btrfssubvolume_list *l, const char *path)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strcmp(l->val[i].btrfssubvolume_path, path))
			return true;
	return false;
}

static int walk_id(struct drive *d, uint64_t id, uint64_t *out, struct error *e)
{
	struct guestfs_btrfssubvolume_list *l;
	const char *path;
	int rc;

	if (!id || id == TOP_LEVEL) {
		*out = NODES_ROOT;
		return 0;
	}
	rc = list_open(d, &l, e);
	if (rc)
		return rc;
	path = path_of(l, id);
	rc = path ? walk(d, path, out, e)
		  : error_set(e, ERR_NOTFOUND, "btrfs has no subvolume %" PRIu64, id);
	d->appliance->lib.free_btrfssubvolume_list(l);
	return rc;
}

/* ERR_NOTFOUND is an answer. */
static int has_etc(struct drive *d, uint64_t root, bool *answer, struct error *e)
{
	uint64_t node;
	int rc = drive_lookup(d, root, "etc", &node, e);

	*answer = !rc;
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* Where installers put the root when it is not the default subvolume, and rootflags= names it. */
static int usual_root(struct drive *d, uint64_t *root, struct error *e)
{
	static const char *const names[] = { "@", "root", "@rootfs", "@root",
		"@/.snapshots/1/snapshot", "arch_root" };
	struct guestfs_btrfssubvolume_list *l;
	bool found = false;
	int rc = list_open(d, &l, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc && !found; i++) {
		uint64_t node;

		if (!has_path(l, names[i]))
			continue;
		rc = walk(d, names[i], &node, e);
		if (!rc)
			rc = has_etc(d, node, &found, e);
		if (!rc && found)
			*root = node;
	}
	d->appliance->lib.free_btrfssubvolume_list(l);
	return rc;
}

int appliance_btrfs_root(struct drive *d, uint64_t *out, struct error *e)
{
	struct appliance *a = d->appliance;
	int64_t id = a->lib.btrfs_subvolume_get_default(a->g, d->path);
	bool found;
	int rc;

	if (id < 0)
		return drive_error(d, "the default subvolume", e);
	rc = walk_id(d, (uint64_t)id, out, e);
	if (!rc)
		rc = has_etc(d, *out, &found, e);
	if (rc || found)
		return rc;
	return usual_root(d, out, e);
}

int appliance_btrfs_view(struct fs *fs, const char *option, struct fs **out, struct error *e)
{
	static const char by_path[] = "subvol=", by_id[] = "subvolid=";
	struct drive *d = drive_of(fs);
	uint64_t root;
	int rc;

	if (strcmp(fs->type, "btrfs") != 0)
		return error_set(e, ERR_UNSUPPORTED, "%s has no subvolumes", fs->type);
	if (!strncmp(option, by_path, sizeof(by_path) - 1))
		rc = walk(d, option + sizeof(by_path) - 1, &root, e);
	else if (!strncmp(option, by_id, sizeof(by_id) - 1))
		rc = walk_id(d, strtoull(option + sizeof(by_id) - 1, NULL, 0), &root, e);
	else
		rc = error_set(e, ERR_USAGE, "\"%.80s\" names no subvolume", option);
	if (rc)
		return rc;
	rc = appliance_fs_make(d, root, out, e);
	if (!rc) {
		memcpy((*out)->uuid, fs->uuid, sizeof(fs->uuid));
		memcpy((*out)->label, fs->label, sizeof(fs->label));
	}
	return rc;
}
