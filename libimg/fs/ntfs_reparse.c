/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reparse points ([MS-FSCC] 2.1.2): what is a link, and what hides a file's content. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

enum {
	HEADER = 8, /* tag, length, reserved */
	TAG_MOUNT_POINT = (int)0xa0000003,
	TAG_SYMLINK = (int)0xa000000c,
	TAG_WOF = (int)0x80000017,
	RELATIVE = 1, /* flag of a symbolic link */
};

static uint32_t field(const uint8_t *bytes, size_t at, size_t len)
{
	uint32_t value = 0;

	while (len--)
		value = value << 8 | bytes[at + len];
	return value;
}

int ntfs_reparse_load(struct ntfs *n, ntfs_inode *ni, uint8_t **out, size_t *len, struct error *e)
{
	ntfs_attr *a;
	int rc = 0;

	*out = NULL;
	if (!(ni->flags & FILE_ATTR_REPARSE_POINT))
		return 0;
	errno = 0;
	a = ntfs_attr_open(ni, AT_REPARSE_POINT, AT_UNNAMED, 0);
	if (!a)
		return ntfs_error(
			n, e, "reparse point of file record %" PRIu64, (uint64_t)ni->mft_no);
	*len = (size_t)a->data_size;
	if (a->data_size < HEADER || a->data_size > NTFS_REPARSE_MAX)
		rc = ntfs_corrupt(e,
			"file record %" PRIu64 ": a reparse point of %" PRId64 " bytes",
			(uint64_t)ni->mft_no, (int64_t)a->data_size);
	if (!rc) {
		*out = malloc(*len);
		rc = *out ? 0 : error_nomem(e, "a reparse point");
	}
	if (!rc && ntfs_attr_pread(a, 0, a->data_size, *out) != a->data_size)
		rc = ntfs_error(
			n, e, "reparse point of file record %" PRIu64, (uint64_t)ni->mft_no);
	ntfs_attr_close(a);
	if (rc) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

int ntfs_reparse_tag(struct ntfs *n, ntfs_inode *ni, uint32_t *tag, struct error *e)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc = ntfs_reparse_load(n, ni, &bytes, &len, e);

	*tag = bytes ? field(bytes, 0, 4) : 0;
	free(bytes);
	return rc;
}

enum ntfs_reparse_kind ntfs_reparse_kind(uint32_t tag)
{
	if (!tag)
		return NTFS_REPARSE_NONE;
	if (tag == (uint32_t)TAG_MOUNT_POINT || tag == (uint32_t)TAG_SYMLINK)
		return NTFS_REPARSE_LINK;
	return tag == (uint32_t)TAG_WOF ? NTFS_REPARSE_WOF : NTFS_REPARSE_OTHER;
}

int ntfs_reparse_unread(uint32_t tag, struct error *e)
{
	static const struct {
		uint32_t tag, mask;
		const char *text;
	} kinds[] = {
		{ 0x80000017, UINT32_MAX, "is compressed by Windows (Compact OS)" },
		{ 0x80000013, UINT32_MAX, "is kept by Data Deduplication" },
		{ 0x9000001a, 0xffff0fff, "is kept in a cloud (OneDrive, Azure File Sync)" },
		{ 0xc0000004, UINT32_MAX, "is on remote storage (HSM)" },
		{ 0x80000006, UINT32_MAX, "is on remote storage (HSM)" },
		{ 0x80000007, UINT32_MAX, "is kept by Single Instance Storage" },
		{ 0x80000008, UINT32_MAX, "is kept in a WIM image" },
		{ 0x80000018, 0xffff0fff, "is kept in a container's layer" },
		{ 0x8000001b, UINT32_MAX, "is an alias of a Store application" },
		{ 0xa000001d, UINT32_MAX, "is a symbolic link of WSL" },
		{ 0xa0000003, UINT32_MAX, "is a link" },
		{ 0xa000000c, UINT32_MAX, "is a link" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if ((tag & kinds[i].mask) == kinds[i].tag)
			return error_set(e, ERR_UNSUPPORTED, "the file %s", kinds[i].text);
	return error_set(e, ERR_UNSUPPORTED,
		"the file's content is kept elsewhere (reparse point 0x%08" PRIx32 ")", tag);
}

/* [MS-FSCC] 2.1.2.4 and 2.1.2.5. */
struct link {
	const uint8_t *target; /* the substitute name, UTF-16 */
	size_t units;
	bool relative;
};

static int link_read(const uint8_t *bytes, size_t len, struct link *out, struct error *e)
{
	bool symbolic = field(bytes, 0, 4) == (uint32_t)TAG_SYMLINK;
	size_t names = symbolic ? 20 : 16;
	size_t at, size;

	if (len < names || !range_fits(HEADER, field(bytes, 4, 2), len))
		return ntfs_corrupt(e, "a link of %zu bytes", len);
	at = names + field(bytes, 8, 2);
	size = field(bytes, 10, 2);
	if (!range_fits(at, size, len) || size % 2)
		return ntfs_corrupt(e, "a link's target of %zu bytes at %zu of %zu", size, at, len);
	*out = (struct link){
		.target = bytes + at,
		.units = size / 2,
		.relative = symbolic && field(bytes, 16, 4) & RELATIVE,
	};
	return 0;
}

static uint16_t unit(const struct link *l, size_t at)
{
	return at < l->units ? (uint16_t)field(l->target, 2 * at, 2) : 0;
}

static bool is_slash(uint16_t c)
{
	return c == '\\' || c == '/';
}

/* The names from unit `at` on, with a slash between them. */
static int names_add(const struct link *l, size_t at, struct buffer *out, struct error *e)
{
	int rc = 0;

	while (!rc && at < l->units) {
		char text[NTFS_NAME_BYTES + 1];
		struct ntfs_name name = { 0 };
		size_t end = at;

		while (end < l->units && !is_slash(unit(l, end)))
			end++;
		if (end - at > NTFS_NAME_UNITS)
			return ntfs_corrupt(e, "a link's target has a name of %zu units", end - at);
		ntfs_name_load(l->target + 2 * at, (uint8_t)(end - at), &name);
		ntfs_name_text(&name, text);
		rc = buffer_string(out, text, e);
		if (!rc && end < l->units)
			rc = buffer_string(out, "/", e);
		at = end + 1;
	}
	return rc;
}

/* "\??\C:\" is the volume that Windows runs from; what other letters stand for is in the registry.
 */
static int target_add(const struct link *l, struct buffer *out, struct error *e)
{
	static const char local[] = "\\??\\C:";
	size_t at = 0;
	int rc;

	if (l->relative && !is_slash(unit(l, 0)))
		return names_add(l, 0, out, e);
	while (!l->relative && at < sizeof(local) - 1 && unit(l, at) < 0x80 &&
		(unit(l, at) & ~0x20) == (local[at] & ~0x20))
		at++;
	if (!l->relative &&
		(at != sizeof(local) - 1 || (at < l->units && !is_slash(unit(l, at))))) {
		struct buffer text = { 0 };

		rc = names_add(l, 0, &text, e);
		if (!rc)
			rc = error_set(e, ERR_UNSUPPORTED,
				"the link leads to another volume: %.300s", buffer_text(&text));
		buffer_free(&text);
		return rc;
	}
	rc = buffer_string(out, "/", e);
	return rc ? rc : names_add(l, at + 1, out, e);
}

int ntfs_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	ntfs_inode *ni = NULL;
	uint8_t *bytes = NULL;
	struct link l = { 0 };
	size_t len = 0;
	int rc;

	ntfs_begin(n);
	rc = ntfs_node_open(n, node, &ni, e);
	if (!rc)
		rc = ntfs_reparse_load(n, ni, &bytes, &len, e);
	if (!rc && (!bytes || ntfs_reparse_kind(field(bytes, 0, 4)) != NTFS_REPARSE_LINK))
		rc = error_set(
			e, ERR_USAGE, "file %" PRIu64 " is no symbolic link", (uint64_t)MREF(node));
	if (!rc)
		rc = link_read(bytes, len, &l, e);
	if (!rc)
		rc = target_add(&l, out, e);
	free(bytes);
	ntfs_node_drop(ni);
	return rc;
}
