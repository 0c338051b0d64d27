/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_GPT_H
#define LIBIMG_VOLUME_GPT_H

#include "base/bytes.h"
#include "base/guid.h"
#include "disk/disk.h"

/* GUID partition table.  UEFI 2.10, 5.3. */

enum {
	GPT_HEADER_SIZE = 92,
	GPT_ENTRY_SIZE = 128,
	GPT_ENTRY_MAX = 4096, /* bytes; the specification allows any 128 * 2^n */
	GPT_TABLE_MAX = 4 << 20, /* bytes; every tool writes 16 KiB */
	GPT_NAME_UNITS = 36,
};

struct gpt_header {
	uint8_t signature[8]; /* +0x00 "EFI PART" */
	le32 revision; /* +0x08 */
	le32 size; /* +0x0c of this header */
	le32 crc; /* +0x10 of this header, itself as zero */
	le32 reserved; /* +0x14 */
	le64 self; /* +0x18 sector of this copy */
	le64 other; /* +0x20 sector of the other copy */
	le64 first_usable; /* +0x28 */
	le64 last_usable; /* +0x30 */
	struct guid disk; /* +0x38 */
	le64 table; /* +0x48 sector of the entries */
	le32 count; /* +0x50 entries */
	le32 entry_size; /* +0x54 bytes */
	le32 table_crc; /* +0x58 */
};
_Static_assert(sizeof(struct gpt_header) == GPT_HEADER_SIZE, "GPT header");

struct gpt_entry {
	struct guid type; /* +0x00 zero: unused */
	struct guid id; /* +0x10 */
	le64 first; /* +0x20 sector */
	le64 last; /* +0x28 sector, inclusive */
	le64 attributes; /* +0x30 */
	le16 name[GPT_NAME_UNITS]; /* +0x38 UTF-16 */
};
_Static_assert(sizeof(struct gpt_entry) == GPT_ENTRY_SIZE, "GPT entry");

/* One copy that has been read and found good. */
struct gpt {
	struct gpt_header header;
	uint64_t sector; /* bytes */
	uint64_t sectors; /* in the disk */
	uint8_t *table; /* header.count entries of header.entry_size bytes */
};

/* The copy at sector `at`: 0, or why it can't be used (ERR_NOTFOUND, ERR_CORRUPT).  The caller
 * frees out->table after success. */
int gpt_load(struct disk *d, uint64_t at, struct gpt *out, struct error *e);

/* Writes both copies of what was loaded from sector 1, the backup behind `last_usable` at the end
 * of the disk.  The sum of the table is the caller's, those of the headers are made. */
int gpt_store(struct disk *d, const struct gpt *g, uint64_t last_usable, struct error *e);

#endif
