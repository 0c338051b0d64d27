/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole directories of a guest. */
#include <string.h>
#include <sys/stat.h>

#include "fs/tree_private.h"

enum { REMOVED_MAX = 1 << 20 }; /* names in a directory that is removed */

int tree_make_directory(struct tree *t, const char *path, const struct tree_put *p, struct error *e)
{
	struct fs_put put = {
		.mode = S_IFDIR | (p->has_mode ? p->mode & 07777 : 0755),
		.mtime = p->mtime,
	};
	const struct edit_state none = { 0 };
	struct fs_stat st;
	struct spot s = { 0 };
	int rc;

	if (!tree_stat(t, path, TREE_FOLLOW, &st, NULL))
		return S_ISDIR(st.mode)
			? 0
			: error_set(e, ERR_EXISTS, "%.200s is there, and no directory", path);
	rc = tree_find_place(t, path, WALK_FOLLOW, p, &s, e);
	if (!rc) {
		rc = spot_put(t, &s, &put, p->why, &none, e);
		if (rc)
			error_prefix(e, "%.200s", path);
	}
	spot_free(&s);
	return rc;
}

static int names_add(
	struct tree *t, const char *directory, size_t limit, struct strings *out, struct error *e)
{
	struct strings names = { 0 };
	int rc = tree_list(t, directory, &names, e);

	if (!rc && names.count > limit - out->count)
		rc = error_set(e, ERR_RANGE, "more than %zu files", limit);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		rc = buffer_format(
			&path, e, "%s/%s", strcmp(directory, "/") ? directory : "", names.item[i]);
		if (!rc)
			rc = strings_add(out, buffer_text(&path), e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

int tree_list_all(
	struct tree *t, const char *directory, size_t limit, struct strings *out, struct error *e)
{
	size_t next = out->count;
	struct fs_stat st;
	int rc = limit < next ? error_set(e, ERR_RANGE, "more than %zu files", limit)
			      : names_add(t, directory, limit, out, e);

	/* Each directory found is looked into in its turn. */
	for (; next < out->count && !rc; next++) {
		rc = tree_stat(t, out->item[next], TREE_NOFOLLOW, &st, e);
		if (!rc && S_ISDIR(st.mode))
			rc = names_add(t, out->item[next], limit, out, e);
	}
	return rc ? error_prefix(e, "%.200s", directory) : 0;
}

/* Nothing is removed when something of it can't be. */
static int check_removable(struct tree *t, const char *path, struct error *e)
{
	const struct walk_options o = { .flags = WALK_NOFOLLOW };
	struct spot s;
	int rc = tree_walk(t, path, &o, &s, e);

	if (!rc && s.top)
		rc = error_set(e, ERR_REFUSED, "%.200s is the root of a file system", path);
	spot_free(&s);
	return rc;
}

/* A directory's content goes first, the deepest before all. */
int tree_remove_all(struct tree *t, const char *path, const char *why, struct error *e)
{
	struct strings all = { 0 };
	struct fs_stat st;
	int rc = tree_stat(t, path, TREE_NOFOLLOW, &st, e);

	if (!rc)
		rc = check_removable(t, path, e);
	if (!rc && S_ISDIR(st.mode))
		rc = tree_list_all(t, path, REMOVED_MAX, &all, e);
	for (size_t i = 0; i < all.count && !rc; i++)
		rc = check_removable(t, all.item[i], e);
	for (size_t i = all.count; i-- && !rc;)
		rc = tree_remove(t, all.item[i], why, e);
	strings_free(&all);
	return rc ? rc : tree_remove(t, path, why, e);
}
