/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an overlay changes, in short. */
#include "base/bytes.h"
#include "disk/overlay_private.h"

static void number_digest(struct digest *d, uint64_t number)
{
	le64 bytes = put_le64(number);

	digest_add(d, &bytes, sizeof(bytes));
}

static int blocks_digest(struct overlay *o, struct digest *d, struct error *e)
{
	uint64_t block = block_table_next(&o->table, 0);
	uint8_t bytes[SLOT_SIZE];
	int rc = 0;

	for (; !rc && block != BLOCK_TABLE_END; block = block_table_next(&o->table, block + 1)) {
		rc = overlay_changed_read(o, block * SLOT_SIZE, bytes, sizeof(bytes), e);
		number_digest(d, block);
		digest_add(d, bytes, sizeof(bytes));
	}
	return rc;
}

int overlay_digest(struct disk *overlay, char hex[DIGEST_HEX_MAX], struct error *e)
{
	struct overlay *o = (struct overlay *)overlay;
	struct digest *d;
	int rc = digest_open(&d, "sha256", e);

	if (rc)
		return rc;
	rc = blocks_digest(o, d, e);
	for (size_t i = 0; i < o->zeros.count; i++) {
		number_digest(d, o->zeros.range[i].start);
		number_digest(d, o->zeros.range[i].end);
	}
	digest_hex(d, hex);
	digest_close(d);
	return rc;
}
