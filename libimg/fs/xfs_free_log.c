/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether XFS's log is empty.  The log is a ring of records; in the first word of each of its
 * blocks is the number of the round that wrote it, so that the last record ends where that falls.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/xfs_free.h"

#define RECORD_MAGIC UINT32_C(0xfeedbabe)

enum {
	CHUNK = 1 << 20, /* bytes read at once */
	CYCLES_SIZE = 32 << 10, /* bytes of a record that one block of header serves */
	RECORD_BLOCKS_MAX = 1024, /* of a record with its headers; one has at most 256 KiB */
	VERSION_2 = 2,
	UNMOUNT = 0x20,
};

struct record_header {
	be32 magic; /* +0x00 */
	be32 cycle; /* +0x04 round */
	be32 version; /* +0x08 */
	be32 len; /* +0x0c bytes behind the headers */
	be64 lsn; /* +0x10 */
	be64 tail; /* +0x18 */
	le32 crc; /* +0x20 */
	be32 before; /* +0x24 */
	be32 operations; /* +0x28 */
	be32 cycles[64]; /* +0x2c */
	be32 format; /* +0x12c */
	uint8_t uuid[16]; /* +0x130 */
	be32 size; /* +0x140 largest record */
};
_Static_assert(sizeof(struct record_header) == 324, "XFS log record");

struct operation {
	be32 transaction; /* +0x0 */
	be32 len; /* +0x4 */
	uint8_t client; /* +0x8 */
	uint8_t flags; /* +0x9 */
};

struct log {
	const struct xfs *x;
	uint64_t off; /* bytes in the disk */
	uint32_t blocks; /* of XFS_BASIC */
	uint32_t first; /* round of block 0 */
	uint32_t head; /* where that falls */
};

static int refused(struct error *e)
{
	return error_set(e, ERR_REFUSED,
		"its log has changes that are not written back yet: boot the guest and shut it "
		"down, or mount it once");
}

static uint32_t round_of(const uint8_t *block)
{
	be32 word[2];

	memcpy(word, block, sizeof(word));
	return get_be32(word[get_be32(word[0]) == RECORD_MAGIC]);
}

/* Rounds fall once, by one. */
static int chunk_scan(
	struct log *l, uint32_t at, const uint8_t *bytes, uint32_t blocks, struct error *e)
{
	for (uint32_t i = 0; i < blocks; i++) {
		uint32_t cycle = round_of(bytes + (size_t)i * XFS_BASIC);

		if (!at && !i)
			l->first = cycle;
		if (l->head == l->blocks && cycle != l->first)
			l->head = at + i;
		if (cycle != (l->head == l->blocks ? l->first : l->first - 1))
			return refused(e);
	}
	return 0;
}

static int head_find(struct log *l, struct error *e)
{
	uint8_t *bytes = malloc(CHUNK);
	int rc = bytes ? 0 : error_nomem(e, "a log");

	l->head = l->blocks;
	for (uint32_t at = 0; !rc && at < l->blocks; at += CHUNK / XFS_BASIC) {
		uint32_t blocks = (uint32_t)min_u64(CHUNK / XFS_BASIC, l->blocks - at);

		rc = disk_read(l->x->disk, l->off + (uint64_t)at * XFS_BASIC, bytes,
			(size_t)blocks * XFS_BASIC, e);
		if (!rc)
			rc = chunk_scan(l, at, bytes, blocks, e);
	}
	free(bytes);
	if (!rc && !l->first)
		rc = refused(e);
	return rc;
}

/* `back` blocks before the head, around the ring. */
static int block_read(const struct log *l, uint32_t back, void *out, struct error *e)
{
	uint64_t at = ((uint64_t)l->head + l->blocks - back) % l->blocks;

	return disk_read(l->x->disk, l->off + at * XFS_BASIC, out, XFS_BASIC, e);
}

/* The record that ends at the head is the one that an unmount writes, and no other. */
static int record_check(
	const struct log *l, const struct record_header *h, uint32_t back, struct error *e)
{
	uint32_t headers = 1;
	uint8_t block[XFS_BASIC] = { 0 };
	struct operation o;
	int rc;

	if (get_be32(h->version) & VERSION_2 && get_be32(h->size) > CYCLES_SIZE)
		headers = (uint32_t)div_up(get_be32(h->size), CYCLES_SIZE);
	if (get_be32(h->operations) != 1 || headers >= back ||
		headers + div_up(get_be32(h->len), XFS_BASIC) != back)
		return refused(e);
	rc = block_read(l, back - headers, block, e);
	memcpy(&o, block, sizeof(o));
	return rc ? rc : o.flags & UNMOUNT ? 0 : refused(e);
}

int xfs_log_check(const struct xfs *x, struct error *e)
{
	struct log l = { .x = x,
		.off = xfs_offset(x, x->log_ag, x->log_at),
		.blocks = (uint32_t)((uint64_t)x->log_blocks * x->block / XFS_BASIC) };
	int rc = head_find(&l, e);

	for (uint32_t back = 1; !rc && back <= min_u64(RECORD_BLOCKS_MAX, l.blocks); back++) {
		uint8_t block[XFS_BASIC] = { 0 };
		struct record_header h;

		rc = block_read(&l, back, block, e);
		memcpy(&h, block, sizeof(h));
		if (!rc && get_be32(h.magic) == RECORD_MAGIC)
			return record_check(&l, &h, back, e);
	}
	return rc ? rc : refused(e);
}
