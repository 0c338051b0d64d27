/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks what a differencing VHD says about its parent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/host_file.h"
#include "formats/utf16.h"
#include "formats/vhd_check.h"

enum {
	PATH_BYTES_MAX = 65536,
	EPOCH = 946684800, /* 2000-01-01 00:00 UTC in seconds since 1970 */
};

static const struct fault platform_unknown = { "vhd-locator-platform", SEVERITY_WARNING, NULL };
static const struct fault locator_place = { "vhd-locator-place", SEVERITY_ERROR, NULL };
static const struct fault locator_space = { "vhd-locator-space", SEVERITY_ERROR, NULL };
static const struct fault locator_text = { "vhd-locator-text", SEVERITY_ERROR, NULL };
static const struct fault parent_unnamed = { "vhd-parent-unnamed", SEVERITY_ERROR, NULL };
static const struct fault parent_name = { "vhd-parent-name", SEVERITY_WARNING, NULL };
static const struct fault parent_time = { "vhd-parent-timestamp", SEVERITY_WARNING,
	"harmless when the parent was only copied; make sure that nobody wrote to it" };

static bool platform_known(const uint8_t platform[4])
{
	static const char *const known[] = { "Wi2r", "Wi2k", "W2ru", "W2ku", "Mac ", "MacX" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!memcmp(platform, known[i], 4))
			return true;
	return false;
}

static int utf16_check(
	struct vhd_check *v, const struct vhd_locator *l, const char *name, struct error *e)
{
	uint64_t off = get_be64(l->offset);
	uint32_t len = get_be32(l->length);
	le16 *text;
	int rc;

	if (len % sizeof(le16))
		return check_find(v->c, &locator_text, off, e,
			"%s has %u bytes: UTF-16 has an even number", name, len);
	text = malloc(len);
	if (!text)
		return error_nomem(e, "a parent's path");
	rc = disk_read(v->file, off, text, len, e);
	if (!rc && !utf16_is_text(text, len / sizeof(le16)))
		rc = check_find(v->c, &locator_text, off, e, "%s is no text in UTF-16", name);
	free(text);
	return rc;
}

static int locator_check(struct vhd_check *v, size_t n, bool *named, struct error *e)
{
	const struct vhd_locator *l = &v->header.locator[n];
	uint64_t off = get_be64(l->offset), space = get_be32(l->space);
	uint64_t at = v->image.header_offset + 576 + n * sizeof(*l);
	uint32_t len = get_be32(l->length);
	char name[48] = "parent locator ";
	int rc;

	if (!memcmp(l->platform, "\0\0\0", 4))
		return 0;
	if (!platform_known(l->platform))
		return check_find(v->c, &platform_unknown, at, e,
			"parent locator %zu has platform code %02x%02x%02x%02x, which is not known",
			n, l->platform[0], l->platform[1], l->platform[2], l->platform[3]);
	memcpy(name + strlen(name), l->platform, sizeof(l->platform));
	if (!len || len > PATH_BYTES_MAX || !range_fits(off, len, v->image.data_end))
		return check_find(v->c, &locator_place, at, e,
			"%s, %u bytes at %" PRIu64 ", is no path inside the file", name, len, off);
	/* Some creators count sectors, as the specification has it in one place, others bytes. */
	if (len > space * VHD_SECTOR)
		return check_find(v->c, &locator_space, at, e,
			"%s has %u bytes in a space of %" PRIu64, name, len, space);
	rc = vhd_check_part(v, "a parent locator", off, len, e);
	if (!rc && !memcmp(l->platform, "W2", 2)) {
		*named = true;
		rc = utf16_check(v, l, name, e);
	}
	return rc;
}

static int name_check(struct vhd_check *v, bool named, struct error *e)
{
	le16 name[VHD_PARENT_NAME_UNITS];
	uint64_t at = v->image.header_offset + 64;

	for (size_t i = 0; i < VHD_PARENT_NAME_UNITS; i++)
		name[i] = put_le16(get_be16(v->header.parent_name[i]));
	if (!get_le16(name[0]) && !named)
		return check_find(v->c, &parent_unnamed, at, e,
			"the disk is differencing, but neither a locator nor the header names its "
			"parent");
	if (!utf16_is_text(name, VHD_PARENT_NAME_UNITS))
		return check_find(v->c, &parent_name, at, e,
			"the parent's name in the header is no text in UTF-16");
	return 0;
}

/* The time at which the parent was last written: its file's, which copies lose, or its footer's. */
static int time_check(struct vhd_check *v, struct error *e)
{
	uint32_t want = get_be32(v->header.parent_timestamp);
	struct vhd_place footer = { 0 };
	struct disk *parent = NULL;
	int64_t modified = 0;
	int rc = host_file_open(v->c->parent, &parent, e);

	if (!rc)
		rc = host_file_modified(parent, &modified, e);
	if (!rc && parent->size >= VHD_SECTOR)
		rc = vhd_tail_read(parent, &footer, e);
	disk_close(parent);
	if (rc)
		return rc;
	if (modified == (int64_t)want + EPOCH ||
		(footer.valid && get_be32(footer.footer.timestamp) == want))
		return 0;
	return check_find(v->c, &parent_time, v->image.header_offset + 56, e,
		"the parent was last written at %" PRId64
		", the disk was made for one written at %" PRId64 " (seconds since 1970)",
		modified, (int64_t)want + EPOCH);
}

int vhd_check_parent(struct vhd_check *v, struct error *e)
{
	bool named = false;
	int rc = 0;

	for (size_t i = 0; i < VHD_LOCATORS && !rc; i++)
		rc = locator_check(v, i, &named, e);
	if (!rc)
		rc = name_check(v, named, e);
	/* Windows 8 leaves the time away. */
	if (!rc && v->c->parent && get_be32(v->header.parent_timestamp))
		rc = time_check(v, e);
	return rc;
}
