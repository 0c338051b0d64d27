/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_TABLE_H
#define LIBIMG_VOLUME_TABLE_H

#include "base/bytes.h"
#include "volume/volume.h"

/* What the readers of the two kinds of partition table share. */

enum {
	MBR_SIZE = 512,
	MBR_ENTRIES = 4,
	MBR_PROTECTIVE = 0xee,
	MBR_ESP = 0xef,
};

/* A partition of a master or extended boot record.  UEFI 2.10, 5.2.1. */
struct mbr_entry {
	uint8_t boot; /* +0x0 0x80 active, 0 not */
	uint8_t first_chs[3]; /* +0x1 */
	uint8_t type; /* +0x4 0: unused */
	uint8_t last_chs[3]; /* +0x5 */
	le32 start; /* +0x8 sectors */
	le32 count; /* +0xc sectors */
};
_Static_assert(sizeof(struct mbr_entry) == 16, "MBR entry");

struct mbr {
	uint8_t code[440]; /* +0x000 */
	le32 signature; /* +0x1b8 */
	uint8_t unused[2]; /* +0x1bc */
	struct mbr_entry entry[MBR_ENTRIES]; /* +0x1be */
	uint8_t magic[2]; /* +0x1fe 55 aa */
};
_Static_assert(sizeof(struct mbr) == MBR_SIZE, "MBR");

static inline bool mbr_has_magic(const struct mbr *m)
{
	return m->magic[0] == 0x55 && m->magic[1] == 0xaa;
}

static inline bool mbr_is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* Whether some entry says that the disk has a GPT. */
bool mbr_has_protective(const struct mbr *m);
/* Adds a volume for the bytes off..off+size of `d`, copied from `v`, and opens its slice. */
int volume_add(struct volume_list *l, struct disk *d, const struct volume *v, struct error *e);
/* One line for the report; `offset` is in the disk. */
int volume_finding(struct report *r, enum severity s, const char *code, uint64_t offset,
	struct error *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* *found tells whether the disk has a GPT; one whose two copies are bad is ERR_CORRUPT. */
int gpt_read(struct disk *d, const struct mbr *m, struct volume_list *l, bool *found,
	struct report *report, struct error *e);
/* *found tells whether the sector is a partition table, not a file system's boot sector. */
int mbr_read(struct disk *d, const struct mbr *m, struct volume_list *l, bool *found,
	struct report *report, struct error *e);

#endif
