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
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

enum {
	DESCRIPTOR_MAX = 64 << 10, /* bytes */
	/* Each entry of two lists gives at most two of its size and two for the owner and group. */
	INHERITED_MAX = 16 * DESCRIPTOR_MAX,
	DESCRIPTOR_HEAD = 20, /* [MS-DTYP] 2.4.6; offsets of parts of it: */
	OWNER_AT = 4,
	GROUP_AT = 8,
	SACL_AT = 12,
	DACL_AT = 16,
	SELF_RELATIVE = 0x8000,
	ACL_HEAD = 8, /* 2.4.5: revision, 0, size, count, 0 */
	ACE_MIN = 16,
	ACE_HEAD = 4, /* 2.4.4.1: type, flags, size */
	ACE_ALLOWED = 0,
	ACE_DENIED = 1,
	INHERIT_OBJECT = 1, /* flags of an entry */
	INHERIT_CONTAINER = 2,
};

/* S-1-5-32-544 */
static const uint8_t ADMINISTRATORS[16] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2 };

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

/* The smallest entry has 16 bytes, of which 8 are a SID: that bounds what they can grow to. */
static bool list_valid(const uint8_t *descriptor, size_t len, size_t at)
{
	uint32_t count;

	if (!at)
		return true;
	if (!range_fits(at, ACL_HEAD, len))
		return false;
	count = field(descriptor, at + 4, 2);
	at += ACL_HEAD;
	for (uint32_t i = 0; i < count; i++) {
		size_t size = range_fits(at, ACE_HEAD, len) ? field(descriptor, at + 2, 2) : 0;

		if (size < ACE_MIN || !range_fits(at, size, len))
			return false;
		at += size;
	}
	return true;
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

/* What the parent's entries make of one list of it; 0 when nothing is passed on.  The library's
 * way of Windows' rules ([MS-DTYP] 2.5.3.4.1). */
static size_t list_inherit(
	const uint8_t *parent, size_t from, uint8_t *out, bool directory, uint16_t automatic)
{
	const SID *administrators = (const SID *)ADMINISTRATORS;

	if (!from)
		return 0;
	return (size_t)ntfs_inherit_acl((const ACL *)(parent + from), (ACL *)out, administrators,
		administrators, directory, cpu_to_le16(automatic));
}

static void put(uint8_t *bytes, size_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

/* `out` has INHERITED_MAX bytes; answers with how many are used. */
static size_t descriptor_inherit(const uint8_t *parent, uint8_t *out, bool directory)
{
	static const struct {
		size_t at;
		uint16_t present, automatic; /* of the control field */
	} lists[] = { { DACL_AT, 0x0004, 0x0400 }, { SACL_AT, 0x0010, 0x0800 } };
	uint16_t control = SELF_RELATIVE, had = (uint16_t)field(parent, 2, 2);
	size_t used = DESCRIPTOR_HEAD;

	memset(out, 0, DESCRIPTOR_HEAD);
	out[0] = 1;
	for (size_t i = 0; i < 2; i++) {
		uint16_t automatic = had & lists[i].automatic;
		size_t len = list_inherit(
			parent, field(parent, lists[i].at, 4), out + used, directory, automatic);

		control |= automatic;
		if (!len)
			continue;
		control |= lists[i].present;
		put(out + lists[i].at, used, 4);
		used += len;
	}
	put(out + 2, control, 2);
	for (size_t at = OWNER_AT; at <= GROUP_AT; at += 4) {
		put(out + at, used, 4);
		memcpy(out + used, ADMINISTRATORS, sizeof(ADMINISTRATORS));
		used += sizeof(ADMINISTRATORS);
	}
	return used;
}

/* The directory's own, in `descriptor` of DESCRIPTOR_MAX bytes. */
static int descriptor_load(
	struct ntfs *n, ntfs_inode *dir, uint8_t *descriptor, size_t *out, struct error *e)
{
	struct PERMISSIONS_CACHE *none = NULL;
	struct SECURITY_CONTEXT context = { .vol = n->volume, .pseccache = &none };
	int len = ntfs_get_ntfs_acl(&context, dir, (char *)descriptor, DESCRIPTOR_MAX);

	if (len >= DESCRIPTOR_HEAD && len <= DESCRIPTOR_MAX && !n->io.error.code &&
		list_valid(descriptor, (size_t)len, field(descriptor, SACL_AT, 4)) &&
		list_valid(descriptor, (size_t)len, field(descriptor, DACL_AT, 4))) {
		*out = (size_t)len;
		return 0;
	}
	errno = EIO;
	return ntfs_error(
		n, e, "the security descriptor of directory %" PRIu64, (uint64_t)dir->mft_no);
}

static int choose(struct ntfs *n, ntfs_inode *dir, bool directory, uint8_t *descriptor,
	uint32_t *out, struct error *e)
{
	uint8_t *inherited = descriptor + DESCRIPTOR_MAX;
	uint32_t count = 0;
	size_t len = 0, at;
	int rc = descriptor_load(n, dir, descriptor, &len, e);

	if (rc)
		return rc;
	at = list_find(descriptor, len, &count);
	if (!at)
		return error_set(e, ERR_REFUSED,
			"directory %" PRIu64 " has no access list, so that everyone may do "
			"everything in it",
			(uint64_t)dir->mft_no);
	if (!passes_on(descriptor, len, at, count, directory))
		return own_id(dir, out, e);
	len = descriptor_inherit(descriptor, inherited, directory);
	return ntfs_descriptor_id(n, inherited, len, out, e);
}

int ntfs_security_new(
	struct ntfs *n, ntfs_inode *dir, bool directory, uint32_t *out, struct error *e)
{
	uint8_t *descriptor = calloc(1, DESCRIPTOR_MAX + INHERITED_MAX);
	int rc;

	if (!descriptor)
		return error_nomem(e, "a security descriptor");
	rc = choose(n, dir, directory, descriptor, out, e);
	free(descriptor);
	return rc;
}
