/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "formats/parent_names.h"

#include <stdlib.h>
#include <string.h>

void parent_names_add(struct parent_names *n, char *path, bool windows)
{
	bool known = !*path || n->count == PARENT_NAMES_MAX;

	for (size_t i = 0; i < n->count && !known; i++)
		known = strcmp(n->name[i].path, path) == 0;
	if (known)
		free(path);
	else
		n->name[n->count++] = (struct parent_name){ path, windows };
}

const char *parent_names_first(const struct parent_names *n)
{
	return n->count ? n->name[0].path : NULL;
}

int parent_names_open(const struct parent_names *n, const char *format,
	const struct open_options *o, struct chain_file *out, struct error *e)
{
	int rc = -ERR_NOTFOUND;

	for (size_t i = 0; i < n->count; i++) {
		const struct reference r = { n->name[i].path, format,
			.windows = n->name[i].windows };
		struct error why = { 0 };

		rc = chain_open(o, &r, out, &why);
		if ((!i || !rc || rc != -ERR_NOTFOUND) && e)
			*e = why;
		/* Only a name that leads nowhere is no reason to stop. */
		if (rc != -ERR_NOTFOUND)
			break;
	}
	if (!rc && e)
		*e = (struct error){ 0 };
	return rc;
}

int parent_names_refuse(const struct parent_names *n, struct error *e)
{
	const char *first = parent_names_first(n);

	return error_set(e, ERR_REFUSED,
		"the image is differencing: it holds only what differs from its parent %.512s; "
		"--allow-parent permits files in the image's folder, --allow-parent=DIR those in "
		"DIR",
		first ? first : "(which it does not name)");
}

int parent_names_describe(const struct parent_names *n, struct image_info *out, struct error *e)
{
	const char *first = parent_names_first(n);

	if (!first)
		return 0;
	out->parent_path = strdup(first);
	if (!out->parent_path)
		return error_nomem(e, "the parent's path");
	return strings_add(&out->references, first, e);
}

void parent_names_free(struct parent_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i].path);
	n->count = 0;
}
