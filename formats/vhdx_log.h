/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHDX_LOG_H
#define FORMATS_VHDX_LOG_H

#include "formats/vhdx.h"

/* The log ([MS-VHDX] 2.3), a ring of entries that begin on sectors of 4 KiB. */

enum {
	VHDX_LOG_SECTOR = 4096,
	VHDX_LOG_DESCRIPTORS = 128, /* in a sector; the header takes the room of two of them */
};

/* Entry header (2.3.1.1). */
struct vhdx_log_header {
	uint8_t signature[4]; /* +0x00 "loge" */
	le32 checksum; /* +0x04 CRC-32C of the whole entry with this field zero */
	le32 length; /* +0x08 of the entry */
	le32 tail; /* +0x0c where in the log the oldest entry is that is still needed */
	le64 sequence; /* +0x10 */
	le32 descriptors; /* +0x18 */
	le32 reserved; /* +0x1c */
	struct guid log; /* +0x20 */
	le64 flushed_file; /* +0x30 the file had at least this size */
	le64 last_file; /* +0x38 the file has to have this size */
};
static_assert(sizeof(struct vhdx_log_header) == 64, "VHDX log entry header");

/* A zero descriptor (2.3.1.2) or a data descriptor (2.3.1.3). */
struct vhdx_log_descriptor {
	uint8_t signature[4]; /* +0x00 "zero" or "desc" */
	uint8_t trailing[4]; /* +0x04 last bytes of the sector; reserved in a zero descriptor */
	union {
		uint8_t leading[8]; /* +0x08 first bytes of the sector */
		le64 zero_length; /* +0x08 */
	};
	le64 offset; /* +0x10 in the file */
	le64 sequence; /* +0x18 the entry's */
};
static_assert(sizeof(struct vhdx_log_descriptor) == 32, "VHDX log descriptor");

/* Data sector (2.3.1.4): what the two numbers take the place of is in the descriptor. */
struct vhdx_log_data {
	uint8_t signature[4]; /* +0x000 "data" */
	le32 sequence_high; /* +0x004 */
	uint8_t bytes[4084]; /* +0x008 */
	le32 sequence_low; /* +0xffc */
};
static_assert(sizeof(struct vhdx_log_data) == VHDX_LOG_SECTOR, "VHDX log data sector");

/* The entries to replay. */
struct vhdx_log_active {
	uint64_t tail; /* where in the log the first one is */
	uint64_t count;
	uint64_t flushed_file, last_file; /* of the last one */
};

/* Reads from the log, around its end if need be. */
int vhdx_log_read(struct disk *file, struct vhdx_range log, uint64_t at, void *buf, size_t len,
	struct error *e);
/* vhdx_log_find.c: the active sequence (2.3.2). */
int vhdx_log_find(struct disk *file, const struct vhdx_image *image, struct vhdx_log_active *out,
	struct error *e);

/*
 * vhdx_log.c: the file as it is after its log was replayed (2.3.3); it is not changed itself, is
 * not owned and has to stay open longer.
 */
struct vhdx_log;
int vhdx_log_replay(
	struct disk *file, const struct vhdx_image *image, struct vhdx_log **out, struct error *e);
struct disk *vhdx_log_view(struct vhdx_log *log);
void vhdx_log_close(struct vhdx_log *log);

#endif
