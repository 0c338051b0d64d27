/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/windows_put.h"

#include <string.h>

int windows_put(struct guest_image *g, const char *path, const void *bytes, size_t len,
	const char *why, struct error *e)
{
	const char *system = windows_of(g)->hive[WINDOWS_SYSTEM].path;
	struct tree_put put = { .why = why };
	struct fs_stat st;
	int rc = tree_stat(g->tree, system, TREE_FOLLOW, &st, e);

	if (rc)
		return rc;
	put.mtime = st.mtime;
	return tree_put_bytes(g->tree, path, bytes, len, &put, e);
}

bool windows_is_plain_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c > '~' || strchr("%\"*/:<>?\\|", *c))
			return false;
	/* Windows drops a dot or space at the end: another file would be meant. */
	return *name && strcmp(name, ".") && strcmp(name, "..") &&
		!strchr(". ", name[strlen(name) - 1]);
}

int windows_hive_edit(
	struct guest_image *g, enum windows_hive_name n, struct hive **out, struct error *e)
{
	static const char *const names[WINDOWS_HIVES] = { "SYSTEM", "SOFTWARE" };
	const struct windows_hive *h = &windows_of(g)->hive[n];

	if (!h->hive || h->problem)
		return error_set(e, ERR_NOTREADY, "the registry hive %s can't be edited: %s",
			names[n], h->problem ? h->problem : "there is none");
	*out = h->hive;
	return 0;
}
