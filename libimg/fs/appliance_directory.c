/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a drive's names and nodes.  Paths are made of names that were looked up one by
 * one, so that no link is followed on the way. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/appliance_private.h"

enum {
	NAMES_MAX = 1 << 20, /* in a directory */
};

static void strings_drop(char **all)
{
	for (size_t i = 0; all && all[i]; i++)
		free(all[i]);
	free(all);
}

int drive_path(
	struct drive *d, uint64_t node, const char *name, struct buffer *out, struct error *e)
{
	int rc = drive_mount(d, e);

	if (!rc)
		rc = buffer_string(out, d->path, e);
	if (!rc)
		rc = nodes_path(&d->nodes, node, out, e);
	if (!rc && name)
		rc = buffer_format(out, e, "/%s", name);
	return rc;
}

static void take_stat(struct node *x, uint64_t number, const struct guestfs_statns *s)
{
	x->present = true;
	x->stat = (struct fs_stat){
		.node = number,
		.mode = (uint32_t)s->st_mode,
		.uid = (uint32_t)s->st_uid,
		.gid = (uint32_t)s->st_gid,
		.links = (uint32_t)s->st_nlink,
		.size = s->st_size < 0 ? 0 : (uint64_t)s->st_size,
		.mtime = s->st_mtime_sec,
	};
}

int drive_refresh(struct drive *d, uint64_t dir, const char *name, struct error *e)
{
	struct appliance *a = d->appliance;
	struct buffer path = { 0 };
	struct guestfs_statns *s = NULL;
	uint64_t number;
	int rc = nodes_add(&d->nodes, dir, name, &number, e);

	if (!rc)
		rc = drive_path(d, number, NULL, &path, e);
	if (!rc) {
		struct node *x = nodes_get(&d->nodes, number);

		x->present = false;
		s = a->lib.lstatns(a->g, buffer_text(&path));
		if (s)
			take_stat(x, number, s);
		else
			rc = drive_error(d, buffer_text(&path), e);
		a->lib.free_statns(s);
	}
	buffer_free(&path);
	return rc;
}

static bool is_name(const char *name)
{
	return *name && strlen(name) <= FS_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") &&
		strcmp(name, "..");
}

static int children_add(struct drive *d, uint64_t dir, char *const *names,
	const struct guestfs_statns_list *stats, struct error *e)
{
	uint64_t number;
	int rc = 0;

	for (size_t i = 0; names[i] && !rc; i++) {
		if (i >= stats->len || !is_name(names[i]))
			return error_set(
				e, ERR_CORRUPT, "a name that can't be one: \"%.80s\"", names[i]);
		rc = nodes_add(&d->nodes, dir, names[i], &number, e);
		/* -1: it is listed, but can't be looked at. */
		if (!rc && stats->val[i].st_ino != -1)
			take_stat(nodes_get(&d->nodes, number), number, &stats->val[i]);
	}
	return rc;
}

static int directory_read(struct drive *d, uint64_t dir, const char *path, struct error *e)
{
	struct appliance *a = d->appliance;
	char **names = a->lib.ls(a->g, path);
	struct guestfs_statns_list *stats = NULL;
	size_t count = 0;
	int rc = 0;

	if (!names)
		return drive_error(d, path, e);
	while (names[count])
		count++;
	if (count > NAMES_MAX)
		rc = error_set(e, ERR_RANGE, "more than %d names in a directory", NAMES_MAX);
	if (!rc && count) {
		stats = a->lib.lstatnslist(a->g, path, names);
		rc = stats ? children_add(d, dir, names, stats, e) : drive_error(d, path, e);
		a->lib.free_statns_list(stats);
	}
	strings_drop(names);
	return rc;
}

int drive_node(struct drive *d, uint64_t node, struct node **out, struct error *e)
{
	struct node *x = nodes_get(&d->nodes, node);

	if (!x || !x->present)
		return error_set(e, ERR_NOTFOUND, "file %" PRIu64 " is not there", node);
	*out = x;
	return 0;
}

/* Whole directories are looked at, since a question costs more than its answer. */
int drive_directory(struct drive *d, uint64_t dir, struct node **out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = drive_node(d, dir, out, e);

	if (!rc && !S_ISDIR((*out)->stat.mode))
		rc = error_set(e, ERR_NOTFOUND, "file %" PRIu64 " is not a directory", dir);
	if (!rc && !(*out)->loaded) {
		rc = drive_path(d, dir, NULL, &path, e);
		if (!rc)
			rc = directory_read(d, dir, buffer_text(&path), e);
		buffer_free(&path);
		(*out)->loaded = !rc;
	}
	return rc;
}

int drive_lookup(struct drive *d, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct node *x = NULL;
	uint64_t number;
	int rc = drive_directory(d, dir, &x, e);

	if (rc)
		return rc;
	number = nodes_find(&d->nodes, dir, name);
	x = nodes_get(&d->nodes, number);
	if (!x || !x->present)
		return error_set(e, ERR_NOTFOUND, "no \"%s\"", name);
	*node = number;
	return 0;
}

int drive_look(struct drive *d, struct error *e)
{
	struct appliance *a = d->appliance;
	struct guestfs_statns *s = a->lib.lstatns(a->g, d->path);

	if (!s)
		return drive_error(d, "the root directory", e);
	take_stat(nodes_get(&d->nodes, NODES_ROOT), NODES_ROOT, s);
	a->lib.free_statns(s);
	return 0;
}
