/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in the root directory.  All blocks of the index that are in use are read, whatever their
 * order is: the volume's own table of capitals, by which they are sorted, is not needed then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	BLOCK_MAX = 64 << 10,
	BLOCKS_BYTES_MAX = 256 << 20, /* of a root directory */
	ROOT_HEADER_AT = 16,
	BLOCK_HEADER_AT = 24,
	ENTRY_LAST = 2,
};

struct index_root {
	le32 type; /* +0x0 */
	le32 collation; /* +0x4 */
	le32 block; /* +0x8 bytes */
	le32 block_clusters; /* +0xc */
};

struct index_header {
	le32 entries; /* +0x0 where they start, from here */
	le32 end; /* +0x4 from here */
	le32 allocated; /* +0x8 */
	le32 flags; /* +0xc */
};

struct index_entry {
	le64 file; /* +0x00 reference */
	le16 len; /* +0x08 */
	le16 key_len; /* +0x0a */
	le32 flags; /* +0x0c */
	uint8_t times[64]; /* +0x10 the file's name: parent, times, sizes, flags */
	uint8_t units; /* +0x50 */
	uint8_t space; /* +0x51 */
};
_Static_assert(sizeof(struct index_entry) == 0x52, "NTFS index entry");

struct search {
	const struct ntfs_volume *v;
	const char *name;
	uint64_t reference; /* what was found, 0: nothing yet */
};

static bool name_matches(const uint8_t *units, size_t count, const char *name)
{
	if (count != strlen(name))
		return false;
	for (size_t i = 0; i < count; i++) {
		uint8_t c = units[2 * i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 'a' - 'A');
		if (units[2 * i + 1] || c != (uint8_t)name[i])
			return false;
	}
	return true;
}

/* `len` bytes with an index header at `at`. */
static int entries_search(
	struct search *s, const uint8_t *bytes, size_t len, size_t at, struct error *e)
{
	struct index_header h;
	struct index_entry entry;
	const size_t least = offsetof(struct index_entry, times);
	size_t end;

	if (!range_fits(at, sizeof(h), len))
		return error_set(e, ERR_CORRUPT, "an index of %zu bytes", len);
	memcpy(&h, bytes + at, sizeof(h));
	if (get_le32(h.end) > len - at || get_le32(h.entries) > get_le32(h.end))
		return error_set(e, ERR_CORRUPT, "an index of %zu bytes with entries from %u to %u",
			len - at, get_le32(h.entries), get_le32(h.end));
	end = at + get_le32(h.end);
	at += get_le32(h.entries);
	for (size_t step; !s->reference; at += step) {
		if (end - at < least)
			return error_set(e, ERR_CORRUPT, "an index that does not end");
		memset(&entry, 0, sizeof(entry));
		memcpy(&entry, bytes + at, min_u64(end - at, sizeof(entry)));
		step = get_le16(entry.len);
		if (step < least || step > end - at)
			return error_set(e, ERR_CORRUPT, "an index entry of %zu bytes", step);
		if (get_le32(entry.flags) & ENTRY_LAST)
			return 0;
		if (step < sizeof(entry) + 2 * (size_t)entry.units)
			return error_set(e, ERR_CORRUPT,
				"an index entry of %zu bytes with a name of %u letters", step,
				entry.units);
		if (name_matches(bytes + at + sizeof(entry), entry.units, s->name))
			s->reference = get_le64(entry.file);
	}
	return 0;
}

static int root_search(struct search *s, uint32_t *block, struct error *e)
{
	struct ntfs_stream root = { 0 };
	struct index_root r;
	int rc = ntfs_stream_open(s->v, NTFS_ROOT, NTFS_INDEX_ROOT, "$I30", &root, e);

	if (rc)
		return rc;
	if (!root.resident || root.size < sizeof(r))
		rc = error_set(e, ERR_CORRUPT, "the root directory has no index");
	if (!rc) {
		memcpy(&r, root.resident, sizeof(r));
		*block = get_le32(r.block);
		if (!is_power_of_two(*block) || *block < 512 || *block > BLOCK_MAX)
			rc = error_set(e, ERR_CORRUPT, "index blocks of %u bytes", *block);
	}
	if (!rc)
		rc = entries_search(s, root.resident, (size_t)root.size, ROOT_HEADER_AT, e);
	ntfs_stream_close(&root);
	return rc;
}

static int block_search(struct search *s, const struct ntfs_stream *blocks, uint64_t at,
	uint8_t *bytes, size_t len, struct error *e)
{
	int rc = ntfs_stream_read(s->v, blocks, at, bytes, len, e);

	if (rc)
		return rc;
	if (memcmp(bytes, "INDX", 4) != 0 || !ntfs_fixup(bytes, len))
		return error_set(e, ERR_CORRUPT,
			"the index block at %" PRIu64 " of the root directory is damaged", at);
	return entries_search(s, bytes, len, BLOCK_HEADER_AT, e);
}

/* A bit for each block tells whether it is in use. */
static int blocks_search(struct search *s, const struct ntfs_stream *blocks,
	const struct ntfs_stream *used, uint32_t block, struct error *e)
{
	uint8_t *bytes = malloc(block);
	int rc = 0;

	if (!bytes)
		return error_nomem(e, "an index block");
	for (uint64_t i = 0; !rc && !s->reference && i < blocks->size / block; i++) {
		uint8_t bits;

		rc = ntfs_stream_read(s->v, used, i / 8, &bits, 1, e);
		if (!rc && bits >> i % 8 & 1)
			rc = block_search(s, blocks, i * block, bytes, block, e);
	}
	free(bytes);
	return rc;
}

static int allocation_search(struct search *s, uint32_t block, struct error *e)
{
	struct ntfs_stream blocks = { 0 }, used = { 0 };
	int rc = ntfs_stream_open(s->v, NTFS_ROOT, NTFS_INDEX_ALLOCATION, "$I30", &blocks, e);

	if (!rc)
		rc = ntfs_stream_open(s->v, NTFS_ROOT, NTFS_INDEX_BITMAP, "$I30", &used, e);
	if (!rc && blocks.size > BLOCKS_BYTES_MAX)
		rc = error_set(
			e, ERR_UNSUPPORTED, "a root directory of %" PRIu64 " bytes", blocks.size);
	if (!rc && blocks.found)
		rc = blocks_search(s, &blocks, &used, block, e);
	ntfs_stream_close(&blocks);
	ntfs_stream_close(&used);
	return rc;
}

int ntfs_root_find(const struct ntfs_volume *v, const char *name, uint64_t *number, bool *found,
	struct error *e)
{
	struct search s = { .v = v, .name = name };
	uint32_t block = 0;
	int rc = root_search(&s, &block, e);

	if (!rc && !s.reference)
		rc = allocation_search(&s, block, e);
	*found = !rc && s.reference;
	*number = s.reference & UINT64_C(0xffffffffffff);
	return rc ? error_prefix(e, "looking for %s", name) : 0;
}
