/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_IDENTIFY_H
#define LIBIMG_FS_IDENTIFY_H

#include "base/bytes.h"
#include "fs/fs.h"

/* What the probes of identify.c share.  Each answers whether the disk holds its kind; *e is set
 * only by a failed read. */

enum {
	HEAD_SIZE = 128 << 10
}; /* bytes at the start of a volume that hold every superblock but one */

struct head {
	struct disk *disk;
	const uint8_t *bytes; /* HEAD_SIZE, zeros past the end of the disk */
};

static inline uint16_t head_u16(const struct head *h, size_t at)
{
	return (uint16_t)(h->bytes[at] | h->bytes[at + 1] << 8);
}

static inline uint32_t head_u32(const struct head *h, size_t at)
{
	return head_u16(h, at) | (uint32_t)head_u16(h, at + 2) << 16;
}

static inline uint64_t head_u64(const struct head *h, size_t at)
{
	return head_u32(h, at) | (uint64_t)head_u32(h, at + 4) << 32;
}

/* Copies a label, cut at NUL or `len`, without the spaces at its end, as UTF-8 (others: as they
 * are). */
void label_bytes(struct fs_id *id, const uint8_t *text, size_t len);
/* As label_bytes, from little-endian UTF-16 of `units`. */
void label_utf16(struct fs_id *id, const uint8_t *text, size_t units);
/* 16 bytes in the order of the text; all zero gives none. */
void uuid_bytes(struct fs_id *id, const uint8_t *uuid);

bool identify_fat(const struct head *h, struct fs_id *id);
bool identify_exfat(const struct head *h, struct fs_id *id);
bool identify_bitlocker(const struct head *h, struct fs_id *id);
bool identify_refs(const struct head *h, struct fs_id *id);
bool identify_ntfs(const struct head *h, struct fs_id *id);

#endif
