/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patterns of paths and whole directories, resolved inside the guest. */
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_seal.h"

enum { SEAL_PATHS_MAX = 1 << 20 }; /* of one step; what is more is no guest to be sealed */

static int add_path(struct strings *out, const char *directory, const char *name, struct error *e)
{
	struct buffer path = { 0 };
	int rc = 0;

	if (out->count >= SEAL_PATHS_MAX)
		return error_set(
			e, ERR_RANGE, "more than %d files below %s", SEAL_PATHS_MAX, out->item[0]);
	rc = buffer_format(&path, e, "%s/%s", directory, name);
	if (!rc)
		rc = strings_add(out, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

/* Names in the directory that match one part of a pattern; NULL: all. */
static int match_in(struct tree *t, const char *directory, const char *part, struct strings *out,
	struct error *e)
{
	const char *path = *directory ? directory : "/";
	struct strings names = { 0 };
	int rc = 0;

	if (!tree_is(t, path, S_IFDIR))
		return 0;
	rc = tree_list(t, path, &names, e);
	for (size_t i = 0; i < names.count && !rc; i++)
		if (!part || !fnmatch(part, names.item[i], FNM_PERIOD | FNM_NOESCAPE))
			rc = add_path(out, directory, names.item[i], e);
	strings_free(&names);
	return rc;
}

/* One part of the pattern below each path found so far.  That a path without wildcards is there is
 * seen at its end. */
static int glob_part(struct tree *t, const struct strings *from, const char *part,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < from->count && !rc; i++)
		rc = strpbrk(part, "*?") ? match_in(t, from->item[i], part, out, e)
					 : add_path(out, from->item[i], part, e);
	return rc;
}

int seal_glob(struct tree *t, const char *pattern, struct strings *out, struct error *e)
{
	struct strings parts = { 0 }, found = { 0 };
	struct fs_stat st;
	int rc = strings_split(&parts, pattern, "/", e);

	if (!rc)
		rc = strings_add(&found, "", e);
	for (size_t i = 0; i < parts.count && !rc; i++) {
		struct strings next = { 0 };

		rc = glob_part(t, &found, parts.item[i], &next, e);
		strings_free(&found);
		found = next;
	}
	for (size_t i = 0; i < found.count && !rc; i++)
		if (!tree_stat(t, found.item[i], TREE_NOFOLLOW, &st, NULL))
			rc = strings_add(out, found.item[i], e);
	strings_free(&parts);
	strings_free(&found);
	return rc ? error_prefix(e, "%s", pattern) : 0;
}

int seal_below(struct tree *t, const char *directory, struct strings *out, struct error *e)
{
	struct fs_stat st;
	size_t next = out->count;
	int rc = match_in(t, directory, NULL, out, e);

	/* Each directory found is looked into in its turn; links are not followed. */
	for (; next < out->count && !rc; next++)
		if (!tree_stat(t, out->item[next], TREE_NOFOLLOW, &st, NULL) && S_ISDIR(st.mode))
			rc = match_in(t, out->item[next], NULL, out, e);
	return rc ? error_prefix(e, "%s", directory) : 0;
}
