/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs and drivers of the guest: PE images. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/pe_resource.h"
#include "guest/tree_file.h"
#include "guest/windows.h"

static int version_read(struct tree_file *f, uint16_t v[4], bool *found, struct error *e)
{
	struct initramfs_source source;
	struct pe pe;
	int rc = tree_file_source(f, &source, e);

	if (!rc)
		rc = pe_read(&source, &pe, e);
	if (rc)
		return rc;
	rc = pe_file_version(&source, &pe, v, found, e);
	pe_free(&pe);
	return rc;
}

/* A file that can't be read, or is none, has no version: that is no reason to give up. */
int windows_file_version(struct guest_image *g, const char *path, char **version, struct error *e)
{
	struct tree_file f = { .tree = g->tree, .path = path };
	struct error why = { 0 };
	uint16_t v[4];
	bool found;
	char text[32];

	*version = NULL;
	if (version_read(&f, v, &found, &why))
		return error_of_host(&why, e);
	if (!found)
		return 0;
	snprintf(text, sizeof(text), "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
	*version = strdup(text);
	return *version ? 0 : error_nomem(e, "a version");
}

int windows_file_machine(struct guest_image *g, const char *path, uint16_t *out, struct error *e)
{
	struct tree_file f = { .tree = g->tree, .path = path };
	struct initramfs_source source;
	struct error why = { 0 };
	struct pe pe;

	*out = 0;
	if (tree_file_source(&f, &source, &why) || pe_read(&source, &pe, &why))
		return error_of_host(&why, e);
	*out = pe.machine;
	pe_free(&pe);
	return 0;
}
