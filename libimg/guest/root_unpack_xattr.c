/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes of a root tar's entries, and their ACLs in the form that kernels give and
 * take them in (Linux, include/uapi/linux/posix_acl_xattr.h). */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/root_unpack_private.h"

enum { ACL_VERSION = 2, XATTRS_MAX = 256, ACL_ENTRIES_MAX = 8192 };

struct acl_entry {
	le16 tag, permissions;
	le32 id;
};

static bool name_is_stored(const char *name)
{
	static const char *const kinds[] = { "user.", "security.", "trusted." };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])) && name[strlen(kinds[i])])
			return strlen(name) <= FS_NAME_MAX;
	return !strcmp(name, "system.posix_acl_access") ||
		!strcmp(name, "system.posix_acl_default");
}

/* The last of a name counts. */
static int xattr_add(
	struct fs_put *put, const char *name, const void *value, size_t len, struct error *e)
{
	struct xattr *all = (struct xattr *)(uintptr_t)put->xattr;
	struct xattr one = { .name = strdup(name), .value = malloc(len ? len : 1), .len = len };
	size_t i = 0;

	if (!one.name || !one.value)
		goto failed;
	if (len)
		memcpy(one.value, value, len);
	while (i < put->xattr_count && strcmp(all[i].name, name) != 0)
		i++;
	if (i < put->xattr_count) {
		free(all[i].name);
		free(all[i].value);
	} else {
		all = reallocarray(all, put->xattr_count + 1, sizeof(*all));
		if (!all)
			goto failed;
		put->xattr = all;
		put->xattr_count++;
	}
	all[i] = one;
	return 0;
failed:
	free(one.name);
	free(one.value);
	return error_nomem(e, "attributes");
}

static uint16_t tag_of(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return 0x20;
	default:
		return 0;
	}
}

/* In the order that kernels ask for: by tag, then by number. */
static int acl_order(const void *a, const void *b)
{
	const struct acl_entry *left = a, *right = b;
	const uint32_t lt = get_le16(left->tag), rt = get_le16(right->tag);
	const uint32_t li = get_le32(left->id), ri = get_le32(right->id);

	return lt != rt ? (lt > rt) - (lt < rt) : (li > ri) - (li < ri);
}

static int acl_gather(struct archive_entry *entry, int which, struct buffer *out, struct error *e)
{
	const le32 version = put_le32(ACL_VERSION);
	int type, permissions, tag, id, rc = buffer_append(out, &version, sizeof(version), e);
	const char *name;
	size_t count = 0;

	while (!rc &&
		archive_entry_acl_next(entry, which, &type, &permissions, &tag, &id, &name) ==
			ARCHIVE_OK) {
		const bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
		const struct acl_entry one = { .tag = put_le16(tag_of(tag)),
			.permissions = put_le16((uint16_t)(permissions & 7)),
			.id = put_le32(named ? (uint32_t)id : UINT32_MAX) };

		if (!tag_of(tag) || (named && id < 0) || ++count > ACL_ENTRIES_MAX)
			return error_set(e, ERR_CORRUPT, "an ACL that names nobody by number");
		rc = buffer_append(out, &one, sizeof(one), e);
	}
	if (!rc)
		qsort(out->data + sizeof(version), count, sizeof(struct acl_entry), acl_order);
	return rc;
}

/* One that says no more than the mode has three entries, and is not stored. */
static int acl_add(struct archive_entry *entry, int which, const char *name, struct fs_put *put,
	struct error *e)
{
	struct buffer value = { 0 };
	int rc = 0;

	if (archive_entry_acl_reset(entry, which) > 3 ||
		(which == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT &&
			archive_entry_acl_count(entry, which) > 0)) {
		rc = acl_gather(entry, which, &value, e);
		if (!rc)
			rc = xattr_add(put, name, value.data, value.len, e);
	}
	buffer_free(&value);
	return rc;
}

int unpack_xattrs(
	struct unpacking *u, struct archive_entry *entry, struct fs_put *put, struct error *e)
{
	const char *name;
	const void *value;
	size_t len;
	int rc = 0;

	if (archive_entry_xattr_reset(entry) > XATTRS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "more than %d attributes", XATTRS_MAX);
	while (!rc && archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
		if (name_is_stored(name))
			rc = xattr_add(put, name, value, len, e);
		else
			u->left_out++;
	}
	if (!rc)
		rc = acl_add(
			entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", put, e);
	return rc ? rc
		  : acl_add(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default", put,
			    e);
}
