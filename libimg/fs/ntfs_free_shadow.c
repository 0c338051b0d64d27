/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shadow copies (restore points, previous versions).  A block that a snapshot needs stays where it
 * is until it is written again, also when its file is gone and NTFS holds it free.  The structures
 * are those that libvshadow's documentation gives.
 */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	HEADER_AT = 0x1e00,
	RECORD_HEADER = 1,
	RECORD_CATALOG = 2,
	BLOCK = 16 << 10, /* of the catalog */
	BLOCK_HEADER = 128,
	ENTRY = 128,
	ENTRY_EMPTY_MAX = 1, /* types up to it are no snapshot */
	BLOCKS_MAX = 64,
};

static const uint8_t magic[16] = { 0x6b, 0x87, 0x08, 0x38, 0x76, 0xc1, 0x48, 0x4e, 0xb7, 0xae, 0x04,
	0x04, 0x6e, 0x6c, 0xc7, 0x52 };

struct shadow_header {
	uint8_t magic[16]; /* +0x00 */
	le32 version; /* +0x10 */
	le32 record; /* +0x14 what this is */
	le64 offset[2]; /* +0x18 */
	le64 next; /* +0x28 of a catalog block: the next one */
	le64 catalog; /* +0x30 of the volume's header: the first block of the catalog, 0: none */
};
_Static_assert(sizeof(struct shadow_header) == 0x38, "shadow copy header");

static int block_check(const struct ntfs_volume *v, uint64_t at, uint64_t *next, struct error *e)
{
	uint8_t bytes[BLOCK];
	struct shadow_header h;
	int rc;

	if (!range_fits(at, BLOCK, v->disk->size))
		return error_set(e, ERR_CORRUPT,
			"the catalog of shadow copies is said to be at %" PRIu64, at);
	rc = disk_read(v->disk, at, bytes, sizeof(bytes), e);
	if (rc)
		return rc;
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || get_le32(h.record) != RECORD_CATALOG)
		return error_set(e, ERR_CORRUPT, "no catalog of shadow copies is at %" PRIu64, at);
	for (size_t i = BLOCK_HEADER; i < BLOCK; i += ENTRY) {
		le64 type;

		memcpy(&type, bytes + i, sizeof(type));
		if (get_le64(type) > ENTRY_EMPTY_MAX)
			return error_set(e, ERR_REFUSED,
				"it has shadow copies (restore points), which need what is free: "
				"delete them in the guest (vssadmin delete shadows /all)");
	}
	*next = get_le64(h.next);
	return 0;
}

int ntfs_shadow_check(const struct ntfs_volume *v, struct error *e)
{
	struct shadow_header h;
	uint64_t at;
	int rc;

	if (v->disk->size < HEADER_AT + sizeof(h))
		return 0;
	rc = disk_read(v->disk, HEADER_AT, &h, sizeof(h), e);
	if (rc || memcmp(h.magic, magic, sizeof(magic)) != 0 || get_le32(h.record) != RECORD_HEADER)
		return rc;
	at = get_le64(h.catalog);
	for (int i = 0; at; i++) {
		if (i == BLOCKS_MAX)
			return error_set(
				e, ERR_CORRUPT, "the catalog of shadow copies does not end");
		rc = block_check(v, at, &at, e);
		if (rc)
			return rc;
	}
	return 0;
}
