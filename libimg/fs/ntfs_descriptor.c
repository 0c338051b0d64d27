/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Security descriptors in $Secure: the stream $SDS has them one after the other, each twice, 256
 * KiB apart, so that every other 256 KiB are copies; the indexes $SII and $SDH find them by id and
 * by hash.  The library's own way to add one writes through a null pointer when an index can't be
 * read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

enum {
	HEADER = 20, /* hash, id, offset, length */
	BLOCK = 256 << 10, /* bytes up to the copies */
	ALIGNMENT = 16,
	FIRST_ID = 0x100,
	KEY_AT = 16, /* offset in an index entry */
	BY_ID_DATA = 20, /* after a key of 4 bytes */
	BY_HASH_DATA = 24, /* after a key of 8 */
	BY_ID_SIZE = 40,
	BY_HASH_SIZE = 48,
};

static uint64_t get(const uint8_t *bytes, size_t len)
{
	uint64_t value = 0;

	while (len--)
		value = value << 8 | bytes[len];
	return value;
}

static void set(uint8_t *bytes, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

struct store {
	struct ntfs *n;
	ntfs_attr *stream; /* $SDS */
	const uint8_t *descriptor;
	size_t len;
	uint8_t *room; /* of `len` bytes */
	uint32_t hash;
	uint32_t same; /* id of the descriptor itself, 0: it is not there */
	uint32_t last; /* id */
	uint64_t end; /* of the last descriptor in $SDS */
	struct error *e;
};

static int seen_by_id(void *arg, const uint8_t *entry, size_t len)
{
	struct store *s = arg;
	uint64_t end = 0;

	if (len < BY_ID_SIZE || get(entry + 10, 2) != 4)
		return ntfs_corrupt(s->e, "$SII has an entry of %zu bytes", len);
	if (!add_fits(get(entry + BY_ID_DATA + 8, 8), get(entry + BY_ID_DATA + 16, 4), &end) ||
		end > (uint64_t)s->stream->data_size)
		return ntfs_corrupt(s->e, "a descriptor ends at %" PRIu64 " of %" PRId64, end,
			(int64_t)s->stream->data_size);
	s->end = max_u64(s->end, end);
	s->last = (uint32_t)max_u64(s->last, get(entry + KEY_AT, 4));
	return 0;
}

static int seen_by_hash(void *arg, const uint8_t *entry, size_t len)
{
	struct store *s = arg;
	uint64_t at;

	if (len < BY_HASH_SIZE - 4 || get(entry + 10, 2) != 8)
		return ntfs_corrupt(s->e, "$SDH has an entry of %zu bytes", len);
	at = get(entry + BY_HASH_DATA + 8, 8);
	if (s->same || get(entry + KEY_AT, 4) != s->hash ||
		get(entry + BY_HASH_DATA + 16, 4) != HEADER + s->len ||
		!range_fits(at, HEADER + s->len, (uint64_t)s->stream->data_size))
		return 0;
	if (ntfs_attr_pread(s->stream, (s64)at + HEADER, (s64)s->len, s->room) != (s64)s->len)
		return ntfs_error(s->n, s->e, "a security descriptor");
	if (!memcmp(s->room, s->descriptor, s->len))
		s->same = (uint32_t)get(entry + KEY_AT + 4, 4);
	return 0;
}

static int store_search(struct store *s, struct error *e)
{
	ntfs_inode *secure = s->n->volume->secure_ni;
	int rc;

	s->stream = ntfs_attr_open(secure, AT_DATA, STREAM_SDS, 4);
	s->room = malloc(s->len);
	if (!s->stream || !s->room)
		rc = ntfs_error(s->n, e, "$SDS");
	else
		rc = ntfs_index_walk(s->n, secure, NTFS_INDEX_SII, seen_by_id, s, e);
	if (!rc)
		rc = ntfs_index_walk(s->n, secure, NTFS_INDEX_SDH, seen_by_hash, s, e);
	if (s->stream)
		ntfs_attr_close(s->stream);
	s->stream = NULL;
	free(s->room);
	return rc ? rc : ntfs_io_error(s->n, e);
}

static int stream_write(
	struct store *s, const uint8_t *bytes, size_t len, uint64_t at, struct error *e)
{
	if (ntfs_attr_data_write(s->n->volume->secure_ni, STREAM_SDS, 4, (const char *)bytes, len,
		    (off_t)at) == (int)len)
		return 0;
	return ntfs_error(s->n, e, "a new security descriptor");
}

/* Where the next descriptor begins. */
static uint64_t place(const struct store *s, size_t size)
{
	uint64_t at = round_up(s->end, ALIGNMENT), last = at + size - 1;

	return last & BLOCK ? (last | (BLOCK - 1)) + 1 : at;
}

/* Both copies; the first of a block is given all of it, for the copies to come after. */
static int stream_append(struct store *s, uint32_t id, uint64_t at, struct error *e)
{
	size_t size = HEADER + s->len;
	size_t whole = at % BLOCK ? size : BLOCK;
	uint8_t *bytes = calloc(1, max_u64(whole, size));
	int rc;

	if (!bytes)
		return error_nomem(e, "a security descriptor");
	set(bytes, s->hash, 4);
	set(bytes + 4, id, 4);
	set(bytes + 8, at, 8);
	set(bytes + 16, size, 4);
	memcpy(bytes + HEADER, s->descriptor, s->len);
	rc = stream_write(s, bytes, whole, at, e);
	if (!rc)
		rc = stream_write(s, bytes, size, at + BLOCK, e);
	free(bytes);
	/* Windows takes the stream's end for that of the last descriptor. */
	if (!rc &&
		ntfs_attr_shrink_size(
			s->n->volume->secure_ni, STREAM_SDS, 4, (off_t)(at + BLOCK + size)))
		rc = ntfs_error(s->n, e, "$SDS");
	return rc;
}

static int index_add(struct ntfs *n, ntfschar *index, uint8_t *entry, struct error *e)
{
	ntfs_index_context *c = ntfs_index_ctx_get(n->volume->secure_ni, index, 4);
	int rc = 0;

	if (!c)
		return error_nomem(e, "a security descriptor");
	if (ntfs_ie_add(c, (INDEX_ENTRY *)entry))
		rc = ntfs_error(n, e, "the indexes of $Secure");
	ntfs_index_ctx_put(c);
	return rc;
}

/* As entries of the indexes have it: header, key, and the same header as in $SDS. */
static void entry_fill(
	const struct store *s, uint8_t *entry, size_t size, size_t data, uint32_t id, uint64_t at)
{
	set(entry, data, 2);
	set(entry + 2, HEADER, 2);
	set(entry + 8, size, 2);
	set(entry + 10, data - KEY_AT, 2);
	set(entry + data, s->hash, 4);
	set(entry + data + 4, id, 4);
	set(entry + data + 8, at, 8);
	set(entry + data + 16, HEADER + s->len, 4);
}

static int store_add(struct store *s, uint32_t id, struct error *e)
{
	uint8_t by_id[BY_ID_SIZE] = { 0 }, by_hash[BY_HASH_SIZE] = { 0 };
	ntfs_inode *secure = s->n->volume->secure_ni;
	uint64_t at = place(s, HEADER + s->len);
	int rc;

	entry_fill(s, by_id, sizeof(by_id), BY_ID_DATA, id, at);
	set(by_id + KEY_AT, id, 4);
	entry_fill(s, by_hash, sizeof(by_hash), BY_HASH_DATA, id, at);
	set(by_hash + KEY_AT, s->hash, 4);
	set(by_hash + KEY_AT + 4, id, 4);
	memcpy(by_hash + BY_HASH_DATA + HEADER, "I\0I", 4); /* as Windows ends them */
	s->n->touched = true;
	rc = stream_append(s, id, at, e);
	if (!rc)
		rc = index_add(s->n, NTFS_INDEX_SII, by_id, e);
	if (!rc)
		rc = index_add(s->n, NTFS_INDEX_SDH, by_hash, e);
	if (rc)
		return rc;
	ntfs_inode_mark_dirty(secure);
	return ntfs_inode_sync(secure) ? ntfs_error(s->n, e, "$Secure") : 0;
}

int ntfs_descriptor_id(
	struct ntfs *n, const uint8_t *descriptor, size_t len, uint32_t *out, struct error *e)
{
	struct store s = {
		.n = n, .descriptor = descriptor, .len = len, .last = FIRST_ID - 1, .e = e
	};
	int rc;

	if (!n->volume->secure_ni)
		return ntfs_corrupt(e, "there is no $Secure");
	errno = 0;
	s.hash = le32_to_cpu(ntfs_security_hash(
		(const SECURITY_DESCRIPTOR_RELATIVE *)descriptor, (uint32_t)len));
	rc = store_search(&s, e);
	if (!rc && !s.same && s.last == UINT32_MAX)
		rc = ntfs_corrupt(e, "$Secure has no id left");
	if (!rc && !s.same) {
		rc = store_add(&s, s.last + 1, e);
		s.same = s.last + 1;
	}
	if (!rc)
		*out = cpu_to_le32(s.same);
	return rc ? error_prefix(e, "$Secure") : 0;
}
