/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's superblock and where its blocks are. */
#include "fs/ext_journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc.h"

enum {
	CRC32C = 4,
	FAST_DEFAULT = 256, /* blocks of fast commits where the superblock names none */
	MIN_BLOCKS = 1024, /* of a log that leaves room for fast commits */
	SUPER_SUM = 0xfc,
};

static const uint32_t features_known = JOURNAL_REVOKES | JOURNAL_64BIT | JOURNAL_ASYNC |
	JOURNAL_SUMS_V2 | JOURNAL_SUMS_V3 | JOURNAL_FAST_COMMIT;

/* Without the inversions that crc32c has at both ends. */
uint32_t journal_sum(uint32_t before, const void *bytes, size_t len)
{
	return ~crc32c_more(~before, bytes, len);
}

bool journal_has_sums(const struct journal_log *j)
{
	return j->features & (JOURNAL_SUMS_V2 | JOURNAL_SUMS_V3);
}

struct collect {
	struct journal_log *j;
	bool no_memory;
};

/* libext2fs calls it for each block of the journal's inode. */
static int block_add(
	ext2_filsys e2, blk64_t *block, e2_blkcnt_t number, blk64_t ref, int offset, void *arg)
{
	struct collect *c = arg;
	struct journal_log *j = c->j;
	struct journal_run *last = j->runs ? &j->run[j->runs - 1] : NULL;

	(void)e2;
	(void)ref;
	(void)offset;
	if (number < 0 || number >= JOURNAL_BLOCKS_MAX)
		return 0;
	if (last && number < last->first + last->count)
		return BLOCK_ABORT;
	if (last && number == last->first + last->count && *block == last->block + last->count) {
		last->count++;
		return 0;
	}
	if (j->runs == j->run_capacity) {
		size_t capacity = j->run_capacity ? j->run_capacity * 2 : 16;
		struct journal_run *more = reallocarray(j->run, capacity, sizeof(*more));

		c->no_memory = !more;
		if (!more)
			return BLOCK_ABORT;
		j->run = more;
		j->run_capacity = capacity;
	}
	j->run[j->runs++] = (struct journal_run){ (uint32_t)number, 1, *block };
	return 0;
}

static int blocks_find(struct journal_log *j, struct error *e)
{
	struct ext *x = j->x;
	struct collect c = { .j = j };
	ext2_ino_t ino = x->e2->super->s_journal_inum;
	errcode_t code;

	if (x->e2->super->s_journal_dev || !ino)
		return error_set(e, ERR_UNSUPPORTED,
			"its journal is on another device; boot the guest and shut it down");
	if (ino > x->e2->super->s_inodes_count)
		return error_set(e, ERR_CORRUPT, "the journal is said to be inode %u", ino);
	code = ext2fs_block_iterate3(
		x->e2, ino, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, NULL, block_add, &c);
	if (c.no_memory)
		return error_nomem(e, "a journal");
	return code ? ext_error(x, code, e, "the journal's blocks") : 0;
}

int journal_block(const struct journal_log *j, uint32_t number, uint64_t *out, struct error *e)
{
	size_t low = 0, high = j->runs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct journal_run *r = &j->run[middle];

		if (number < r->first) {
			high = middle;
		} else if (number >= r->first + r->count) {
			low = middle + 1;
		} else {
			*out = r->block + (number - r->first);
			if (*out < ext2fs_blocks_count(j->x->e2->super))
				return 0;
			break;
		}
	}
	return error_set(e, ERR_CORRUPT, "the journal has no block %u", number);
}

int journal_read(const struct journal_log *j, uint32_t number, uint8_t *buf, struct error *e)
{
	uint64_t at = 0;
	int rc = journal_block(j, number, &at, e);

	return rc ? rc : cache_read(j->x->io->cache, at * j->block, buf, j->block, e);
}

static int check_sum(const struct journal_log *j, struct error *e)
{
	uint8_t copy[sizeof(j->super)];
	uint32_t said = journal_field(j->super, SUPER_SUM);

	if (!journal_has_sums(j))
		return 0;
	if (j->super[0x50] != CRC32C)
		return error_set(
			e, ERR_UNSUPPORTED, "the journal has checksums of type %u", j->super[0x50]);
	memcpy(copy, j->super, sizeof(copy));
	memset(copy + SUPER_SUM, 0, 4);
	if (journal_sum(UINT32_MAX, copy, sizeof(copy)) == said)
		return 0;
	return error_set(e, ERR_CORRUPT, "the checksum of the journal's superblock is wrong");
}

static int check_super(struct journal_log *j, struct error *e)
{
	const uint8_t *sb = j->super;
	uint32_t type = journal_field(sb, 4);

	if (journal_field(sb, 0) != JOURNAL_MAGIC ||
		(type != JOURNAL_SUPER_V1 && type != JOURNAL_SUPER_V2))
		return error_set(e, ERR_CORRUPT, "the journal has no superblock");
	if (journal_field(sb, 0x0c) != j->block)
		return error_set(e, ERR_CORRUPT, "the journal has blocks of %u bytes, not %u",
			journal_field(sb, 0x0c), j->block);
	j->features = type == JOURNAL_SUPER_V2 ? journal_field(sb, 0x28) : 0;
	if (j->features & ~features_known)
		return error_set(e, ERR_UNSUPPORTED,
			"the journal has features that hvimg does not "
			"know (0x%x)",
			j->features & ~features_known);
	j->first = journal_field(sb, 0x14);
	j->blocks = j->end = journal_field(sb, 0x10);
	if (!j->first || j->first >= j->end || j->end > JOURNAL_BLOCKS_MAX)
		return error_set(e, ERR_CORRUPT, "a journal of blocks %u to %u", j->first, j->end);
	if (journal_field(sb, 0x20))
		return error_set(e, ERR_REFUSED,
			"its journal says that the guest met error %d: run e2fsck on it",
			(int32_t)journal_field(sb, 0x20));
	j->seed = journal_sum(UINT32_MAX, sb + 0x30, 16);
	return check_sum(j, e);
}

/* Fast commits have the end of the journal to themselves. */
static void fast_leave_out(struct journal_log *j)
{
	uint32_t fast = journal_field(j->super, 0x54);

	if (!(j->features & JOURNAL_FAST_COMMIT))
		return;
	fast = fast ? fast : FAST_DEFAULT;
	if (fast < j->end && j->end - fast >= MIN_BLOCKS)
		j->end -= fast;
}

int journal_open(struct ext *x, struct journal_log *j, struct error *e)
{
	uint8_t *block;
	int rc;

	*j = (struct journal_log){ .x = x, .block = x->e2->blocksize };
	rc = blocks_find(j, e);
	if (rc)
		return rc;
	block = malloc(j->block);
	if (!block)
		return error_nomem(e, "a journal");
	rc = journal_read(j, 0, block, e);
	memcpy(j->super, block, rc ? 0 : sizeof(j->super));
	free(block);
	if (!rc)
		rc = check_super(j, e);
	if (!rc)
		fast_leave_out(j);
	return rc;
}

void journal_close(struct journal_log *j)
{
	free(j->run);
	free(j->copy);
	free(j->revoke);
}
