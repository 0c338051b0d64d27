/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux guests: recognising one, and making it ready. */
#include "guest/linux.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "guest/guest_edit.h"

static int linux_is_root(struct guest_image *g, size_t index, bool *answer, struct error *e)
{
	struct fs_stat st;
	struct tree *t = NULL;
	int rc = tree_open(g->volume[index].fs, g->volumes.volume[index].id, NULL, &t, e);

	if (rc)
		return rc;
	/* os-release may be a link into a /usr that is on another volume; fstab then tells. */
	*answer = (tree_is(t, "/etc/os-release", S_IFREG) ||
			  tree_is(t, "/usr/lib/os-release", S_IFREG) ||
			  (!tree_stat(t, "/etc/os-release", TREE_NOFOLLOW, &st, NULL) &&
				  tree_is(t, "/etc/fstab", S_IFREG))) &&
		tree_is(t, "/etc", S_IFDIR) &&
		(tree_is(t, "/usr", S_IFDIR) || tree_is(t, "/sbin", S_IFDIR));
	rc = tree_failure(t, e);
	tree_close(t);
	return rc;
}

static int linux_load(struct guest_image *g, size_t index, struct error *e)
{
	int rc = tree_open(
		g->volume[index].fs, g->volumes.volume[index].id, g->journal, &g->tree, e);

	if (rc)
		return rc;
	g->state = calloc(1, sizeof(struct linux_guest));
	if (!g->state)
		return error_nomem(e, "a guest");
	rc = linux_mounts_load(g, e);
	if (!rc)
		rc = linux_release_load(g, e);
	if (!rc)
		rc = linux_packages_load(g, e);
	if (!rc)
		rc = linux_selinux_load(g, e);
	if (!rc)
		rc = linux_kernels_load(g, e);
	if (!rc)
		rc = linux_persist_load(g, e);
	if (!rc)
		rc = linux_names_load(g, e);
	return rc;
}

static void linux_forget(struct guest_image *g)
{
	if (g->state)
		linux_kernels_free(g->state);
	free(g->state);
}

int linux_file_time(struct guest_image *g, const char *path, int64_t *out, struct error *e)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release", "/" };
	struct fs_stat st;
	int rc = tree_stat(g->tree, path, TREE_FOLLOW, &st, e);

	for (size_t i = 0; rc == -ERR_NOTFOUND && i < sizeof(paths) / sizeof(paths[0]); i++)
		rc = tree_stat(g->tree, paths[i], TREE_FOLLOW, &st, e);
	if (!rc)
		*out = st.mtime;
	return rc;
}

int linux_put(struct guest_image *g, const char *path, const void *bytes, size_t len,
	const char *why, struct error *e)
{
	struct tree_put put = { .why = why };
	int rc = linux_file_time(g, path, &put.mtime, e);

	if (!rc)
		rc = tree_put_bytes(g->tree, path, bytes, len, &put, e);
	return rc ? error_prefix(e, "%s", path) : 0;
}

static int edits_apply(struct guest_image *g, const struct guest_edits *edits, struct error *e)
{
	int64_t mtime;
	int rc = linux_file_time(g, "/etc/os-release", &mtime, e);

	return rc ? rc : guest_edits_apply(g, edits, mtime, e);
}

static int linux_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct target_list *targets = c->targets;
	int rc = linux_segments_apply(g, targets, e);

	if (!rc)
		rc = linux_persist_apply(g, targets, e);
	if (!rc && targets->count)
		rc = linux_names_apply(g, e);
	if (!rc)
		rc = linux_arguments_apply(g, targets, e);
	if (!rc)
		rc = linux_loader_apply(g, targets, e);
	if (!rc)
		rc = linux_service_apply(g, targets, e);
	if (!rc)
		rc = linux_cloud_apply(g, targets, e);
	if (!rc)
		rc = linux_network_apply(g, targets, e);
	if (!rc && c->seal)
		rc = linux_seal_apply(g, c->seal, e);
	/* What a recipe puts there is not for the seal to take. */
	if (!rc && c->edits)
		rc = edits_apply(g, c->edits, e);
	if (!rc)
		rc = linux_labels_apply(g, e);
	return rc;
}

const struct guest_type guest_type_linux = {
	.name = "linux",
	.is_root = linux_is_root,
	.load = linux_load,
	.readiness = linux_readiness,
	.apply = linux_apply,
	.places_loader = linux_loader_possible,
	.add_drivers = linux_drivers_apply,
	.edit = linux_edit,
	.forget = linux_forget,
};
