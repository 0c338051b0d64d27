/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a differencing VHD says that its parent is. */
#include "formats/vhd.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/parent_path.h"
#include "formats/utf16.h"

enum { PATH_MAX_BYTES = 65536 };

static int text_take(const le16 *text, size_t units, struct parent_names *out, struct error *e)
{
	char *path = malloc(units * 3 + 1);

	if (!path)
		return error_nomem(e, "the parent's path");
	utf16_text(text, units, path);
	parent_names_add(out, path, true);
	return 0;
}

static int url_take(const uint8_t *bytes, size_t len, struct parent_names *out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = file_url_path(bytes, len, &path, e);
	char *copy = rc ? NULL : strdup(buffer_text(&path));

	if (copy)
		parent_names_add(out, copy, false);
	else if (!rc)
		rc = error_nomem(e, "the parent's path");
	buffer_free(&path);
	return rc;
}

/* A locator that makes no sense gives no name: there may be another. */
static int locator_read(struct disk *file, const struct vhd_locator *l, bool url,
	struct parent_names *out, struct error *e)
{
	uint64_t off = get_be64(l->offset);
	uint32_t len = get_be32(l->length);
	uint8_t *bytes;
	int rc;

	if (!len || len > PATH_MAX_BYTES || !range_fits(off, len, file->size))
		return 0;
	bytes = malloc(len);
	if (!bytes)
		return error_nomem(e, "the parent's path");
	rc = disk_read(file, off, bytes, len, e);
	if (!rc)
		rc = url ? url_take(bytes, len, out, e)
			 : text_take((const le16 *)bytes, len / sizeof(le16), out, e);
	free(bytes);
	return rc;
}

/* The header's name is the file name without a folder, and the only text in big endian. */
static int name_take(const struct vhd_header *h, struct parent_names *out, struct error *e)
{
	le16 name[VHD_PARENT_NAME_UNITS];

	for (size_t i = 0; i < VHD_PARENT_NAME_UNITS; i++)
		name[i] = put_le16(get_be16(h->parent_name[i]));
	return text_take(name, VHD_PARENT_NAME_UNITS, out, e);
}

int vhd_load_parent(
	struct disk *file, const struct vhd_header *h, struct vhd_image *m, struct error *e)
{
	/*
	 * What is relative moves with the files, so it comes first.  Then the URL, by which a host
	 * like this one found the parent; of an absolute Windows path only the file name is of use.
	 */
	static const struct {
		const char *name;
		bool url;
	} platforms[] = { { "W2ru", false }, { "MacX", true }, { "W2ku", false } };
	int rc = 0;

	m->parent_id = vhd_id_get(h->parent_id);
	m->parent_timestamp = get_be32(h->parent_timestamp);
	for (size_t p = 0; p < sizeof(platforms) / sizeof(platforms[0]); p++)
		for (size_t i = 0; i < VHD_LOCATORS && !rc; i++)
			if (!memcmp(h->locator[i].platform, platforms[p].name, 4))
				rc = locator_read(
					file, &h->locator[i], platforms[p].url, &m->parents, e);
	return rc ? rc : name_take(h, &m->parents, e);
}
