/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Security descriptors of new nodes.  The library gives a node without one an entry that lets
 * everyone do everything, so each gets the id of a descriptor in $Secure: the one that Windows
 * would let it inherit ([MS-DTYP] 2.5.3.4), with the Administrators as owner.  Where the directory
 * passes nothing on, Windows takes the default of whoever makes the file; nobody makes this one,
 * and the directory's own descriptor is taken.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

enum {
	DESCRIPTOR_MAX = 64 << 10, /* bytes */
	DACL_AT = 16, /* offset of the access list's offset, [MS-DTYP] 2.4.6 */
	ACL_HEAD = 8, /* 2.4.5: revision, 0, size, count, 0 */
	ACE_HEAD = 4, /* 2.4.4.1: type, flags, size */
	ACE_ALLOWED = 0,
	ACE_DENIED = 1,
	INHERIT_OBJECT = 1, /* flags of an entry */
	INHERIT_CONTAINER = 2,
};

static uint32_t field(const uint8_t *bytes, size_t at, size_t len)
{
	uint32_t value = 0;

	while (len--)
		value = value << 8 | bytes[at + len];
	return value;
}

/* Where the entries of the access list begin; 0: there is no list. */
static size_t list_find(const uint8_t *descriptor, size_t len, uint32_t *count)
{
	size_t at;

	if (len < DACL_AT + 4)
		return 0;
	at = field(descriptor, DACL_AT, 4);
	if (!at || !range_fits(at, ACL_HEAD, len))
		return 0;
	*count = field(descriptor, at + 4, 2);
	return at + ACL_HEAD;
}

/* Whether entries of the list are passed on to a file, or to a directory. */
static bool passes_on(
	const uint8_t *descriptor, size_t len, size_t at, uint32_t count, bool directory)
{
	unsigned wanted = directory ? INHERIT_OBJECT | INHERIT_CONTAINER : INHERIT_OBJECT;

	for (uint32_t i = 0; i < count && range_fits(at, ACE_HEAD, len); i++) {
		uint8_t type = descriptor[at], flags = descriptor[at + 1];

		if ((type == ACE_ALLOWED || type == ACE_DENIED) && flags & wanted)
			return true;
		at += field(descriptor, at + 2, 2);
	}
	return false;
}

static int own_id(const ntfs_inode *dir, uint32_t *out, struct error *e)
{
	if (!test_nino_flag(dir, v3_Extensions) || !dir->security_id)
		return error_set(e, ERR_UNSUPPORTED,
			"the directory keeps its security descriptor as NTFS 1.2 did, from which "
			"nothing new can inherit");
	*out = dir->security_id;
	return 0;
}

/* The library does not survive an index of descriptors that it can't read while it adds one. */
static int check_indexes(struct ntfs *n, struct error *e)
{
	ntfs_inode *secure = n->volume->secure_ni;
	int rc = secure ? ntfs_index_check(n, secure, NTFS_INDEX_SII, e)
			: ntfs_corrupt(e, "there is none");

	if (!rc)
		rc = ntfs_index_check(n, secure, NTFS_INDEX_SDH, e);
	return rc ? error_prefix(e, "$Secure") : 0;
}

int ntfs_security_new(
	struct ntfs *n, ntfs_inode *dir, bool directory, uint32_t *out, struct error *e)
{
	struct PERMISSIONS_CACHE *none = NULL;
	struct SECURITY_CONTEXT context = { .vol = n->volume, .pseccache = &none };
	uint8_t *descriptor = malloc(DESCRIPTOR_MAX);
	uint32_t count = 0;
	size_t at = 0;
	bool inherits;
	int len, rc;

	if (!descriptor)
		return error_nomem(e, "a security descriptor");
	len = ntfs_get_ntfs_acl(&context, dir, (char *)descriptor, DESCRIPTOR_MAX);
	if (len > 0 && len <= DESCRIPTOR_MAX)
		at = list_find(descriptor, (size_t)len, &count);
	inherits = at && passes_on(descriptor, (size_t)len, at, count, directory);
	free(descriptor);
	if (!at || n->io.error.code) {
		errno = EIO;
		return ntfs_error(
			n, e, "the access list of directory %" PRIu64, (uint64_t)dir->mft_no);
	}
	if (!inherits)
		return own_id(dir, out, e);
	rc = check_indexes(n, e);
	if (rc)
		return rc;
	*out = ntfs_inherited_id(&context, dir, directory);
	return *out ? 0 : ntfs_error(n, e, "a new security descriptor");
}
