/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_EXT_JOURNAL_H
#define LIBIMG_FS_EXT_JOURNAL_H

#include "fs/ext.h"

/*
 * The journal of ext3 and ext4 (JBD2), from its description in the kernel's
 * Documentation/filesystems/ext4/journal.rst.  A journal is believed as far as a kernel would
 * believe it: complete transactions are replayed, an unfinished one at the end is not, and one
 * whose checksum is wrong makes all of it ERR_CORRUPT.
 */
enum {
	JOURNAL_BLOCKS_MAX = 4 << 20, /* 16 GiB in blocks of 4 KiB */

	JOURNAL_DESCRIPTOR = 1, /* kinds of blocks */
	JOURNAL_COMMIT = 2,
	JOURNAL_SUPER_V1 = 3,
	JOURNAL_SUPER_V2 = 4,
	JOURNAL_REVOKE = 5,

	JOURNAL_CHECKSUM = 0x01, /* the compatible feature */
	JOURNAL_REVOKES = 0x01, /* incompatible features */
	JOURNAL_64BIT = 0x02,
	JOURNAL_ASYNC = 0x04,
	JOURNAL_SUMS_V2 = 0x08,
	JOURNAL_SUMS_V3 = 0x10,
	JOURNAL_FAST_COMMIT = 0x20,

	JOURNAL_HEADER = 12, /* bytes: magic number, kind, sequence number */
};
#define JOURNAL_MAGIC UINT32_C(0xc03b3998)

/* A block of the file system as the journal has it. */
struct journal_copy {
	uint64_t target; /* block of the file system */
	uint64_t source; /* block of the disk that holds it */
	uint32_t transaction; /* counted from 0; later copies count */
	bool escaped; /* its first four bytes are the journal's magic number */
	bool damaged; /* its checksum is wrong */
};

/* A block that is not replayed from a transaction and those before it. */
struct journal_revoke {
	uint64_t block;
	uint32_t transaction;
};

/* Neighbouring blocks of the journal. */
struct journal_run {
	uint32_t first; /* of the journal */
	uint32_t count;
	uint64_t block; /* of the disk */
};

struct journal_log {
	struct ext *x;
	uint32_t block; /* bytes */
	struct journal_run *run; /* rising by `first` */
	size_t runs, run_capacity;
	uint8_t super[1024];
	uint32_t features;
	uint32_t first, end; /* blocks that the log goes round in */
	uint32_t blocks; /* of the whole journal */
	uint32_t seed; /* of checksums */
	uint32_t next; /* sequence number of the transaction after the last complete one */
	struct journal_copy *copy; /* once replayed: rising by target, one each */
	size_t copies, copy_capacity;
	struct journal_revoke *revoke;
	size_t revokes, revoke_capacity;
};

/* Reads the journal's superblock and finds its blocks; close after a failure, too. */
int journal_open(struct ext *x, struct journal_log *j, struct error *e);
void journal_close(struct journal_log *j);
/* Finds the copies that the journal has of the file system's blocks. */
int journal_scan(struct journal_log *j, struct error *e);
int journal_copy_add(struct journal_log *j, const struct journal_copy *copy, struct error *e);
int journal_revoke_add(
	struct journal_log *j, uint64_t block, uint32_t transaction, struct error *e);
/* Leaves the last copy of each block that was not revoked since, and checks them. */
int journal_copies_settle(struct journal_log *j, struct error *e);
/* Where a block of the journal lies on the disk; ERR_CORRUPT: nowhere. */
int journal_block(const struct journal_log *j, uint32_t number, uint64_t *out, struct error *e);
int journal_read(const struct journal_log *j, uint32_t number, uint8_t *buf, struct error *e);
/* JBD2's checksum: CRC-32C, `before` being that of what is in front. */
uint32_t journal_sum(uint32_t before, const void *bytes, size_t len);
bool journal_has_sums(const struct journal_log *j);
static inline uint32_t journal_field(const uint8_t *bytes, size_t at)
{
	return (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 |
		(uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
}

/*
 * `d` as it is after its journal was replayed.  Nothing is written before the first write to *out,
 * which replays to `d`.  `d` must outlive it.  ERR_UNSUPPORTED, ERR_REFUSED or ERR_CORRUPT when the
 * journal can't be replayed.
 */
int ext_replay_open(struct ext *x, struct disk *d, struct disk **out, struct error *e);

#endif
