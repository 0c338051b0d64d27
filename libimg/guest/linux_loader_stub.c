/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The few lines with which GRUB on the EFI system partition finds the rest of its configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_loader.h"

/* The volume that holds `path`, and the path on it; SIZE_MAX: not known. */
static int volume_of_path(
	struct guest_image *g, const char *path, size_t *index, const char **rest, struct error *e)
{
	size_t best = 0;
	int rc = 0;

	*index = g->root;
	*rest = path;
	for (size_t i = 0; i < g->volumes.count && !rc; i++) {
		char point[128];
		size_t len;

		if (!g->volume[i].used || i == g->root)
			continue;
		rc = linux_mount_point(g, i, point, sizeof(point), e);
		len = strlen(point);
		if (rc || !len || len <= best || strncmp(path, point, len) || path[len] != '/')
			continue;
		best = len;
		*index = i;
		*rest = path + len;
	}
	return rc;
}

/* In a btrfs the path depends on the subvolume that is mounted. */
static bool is_plain(const struct guest_image *g, size_t index)
{
	static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "vfat" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (g->id[index].type && !strcmp(g->id[index].type, types[i]))
			return g->id[index].uuid[0];
	return false;
}

/* One that was made for a BIOS may name commands that GRUB for UEFI has not. */
static int is_for_bios(struct guest_image *g, const char *path, bool *is, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	*is = strstr(buffer_text(&text), "linux16 ") != NULL;
	buffer_free(&text);
	return rc;
}

int linux_loader_stub(struct guest_image *g, char **out, struct error *e)
{
	static const char *const paths[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg" };
	const char *path = NULL, *rest;
	struct buffer resolved = { 0 };
	bool bios;
	size_t index;
	int rc, directory;

	*out = NULL;
	for (size_t i = 0; i < 2 && !path; i++)
		path = tree_is(g->tree, paths[i], S_IFREG) ? paths[i] : NULL;
	if (!path)
		return 0;
	rc = is_for_bios(g, path, &bios, e);
	if (rc || bios)
		return rc;
	rc = tree_resolve(g->tree, path, &resolved, e);
	if (!rc)
		rc = volume_of_path(g, buffer_text(&resolved), &index, &rest, e);
	if (!rc && is_plain(g, index)) {
		directory = (int)(strrchr(rest, '/') - rest);
		if (asprintf(out,
			    "search.fs_uuid %s root\nset prefix=($root)'%.*s'\nconfigfile "
			    "$prefix/grub.cfg\n",
			    g->id[index].uuid, directory, rest) < 0) {
			*out = NULL;
			rc = error_nomem(e, "GRUB's configuration");
		}
	}
	buffer_free(&resolved);
	return rc;
}
