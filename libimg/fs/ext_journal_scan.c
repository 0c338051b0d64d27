/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going through a journal's transactions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ext_journal.h"

enum {
	TAG_ESCAPED = 1,
	TAG_SAME_UUID = 2,
	TAG_LAST = 8,
	COMMIT_SUM = 0x10,
	COMMIT_TIME = 0x30,
	SUM_CRC32 = 1,
	FAST_HEAD = 9, /* tag of a fast commit's first record */
};

struct scan {
	struct journal_log *j;
	uint8_t *block, *data;
	uint32_t at; /* next block of the journal */
	uint32_t left; /* blocks until the log has gone round */
	uint32_t sequence, transaction;
	size_t copies, revokes; /* of complete transactions */
	uint32_t crc; /* of the transaction, as journals without sums of blocks have it */
	bool sums_seen, damaged;
	bool ended; /* by a commit block whose checksum is wrong */
	uint64_t time; /* of the last commit, seconds */
};

static void advance(struct scan *s)
{
	s->left--;
	if (++s->at == s->j->end)
		s->at = s->j->first;
}

static bool tail_is_right(const struct scan *s)
{
	static const uint8_t zeros[4];
	size_t len = s->j->block - sizeof(zeros);
	uint32_t sum;

	if (!journal_has_sums(s->j))
		return true;
	sum = journal_sum(journal_sum(s->j->seed, s->block, len), zeros, sizeof(zeros));
	return sum == journal_field(s->block, len);
}

static bool data_is_right(const struct scan *s, const uint8_t *tag)
{
	uint8_t sequence[4];
	uint32_t sum;

	if (!journal_has_sums(s->j))
		return true;
	memcpy(sequence, s->block + 8, sizeof(sequence));
	sum = journal_sum(journal_sum(s->j->seed, sequence, 4), s->data, s->j->block);
	if (s->j->features & JOURNAL_SUMS_V3)
		return sum == journal_field(tag, 12);
	return (sum & 0xffff) == (uint32_t)(tag[4] << 8 | tag[5]);
}

/* The block that a tag is for is the next one of the journal. */
static int tag_read(struct scan *s, const uint8_t *tag, uint32_t flags, struct error *e)
{
	struct journal_copy copy = {
		.target = journal_field(tag, 0),
		.transaction = s->transaction,
		.escaped = flags & TAG_ESCAPED,
	};
	int rc = journal_block(s->j, s->at, &copy.source, e);

	if (s->j->features & JOURNAL_64BIT)
		copy.target |= (uint64_t)journal_field(tag, 8) << 32;
	if (!rc)
		rc = journal_read(s->j, s->at, s->data, e);
	if (rc)
		return rc;
	copy.damaged = !data_is_right(s, tag);
	s->crc = ext2fs_crc32_be(s->crc, s->data, s->j->block);
	advance(s);
	return journal_copy_add(s->j, &copy, e);
}

static size_t tag_size(const struct journal_log *j)
{
	size_t size = j->features & JOURNAL_64BIT ? 12 : 8;

	if (j->features & JOURNAL_SUMS_V3)
		return 16;
	return j->features & JOURNAL_SUMS_V2 ? size + 2 : size;
}

static int descriptor_read(struct scan *s, struct error *e)
{
	size_t size = tag_size(s->j), at = JOURNAL_HEADER;
	size_t end = s->j->block - (journal_has_sums(s->j) ? 4 : 0);
	uint32_t flags = 0;
	int rc = 0;

	s->damaged = s->damaged || !tail_is_right(s);
	s->crc = ext2fs_crc32_be(s->crc, s->block, s->j->block);
	while (!rc && !(flags & TAG_LAST) && at + size <= end && s->left) {
		const uint8_t *tag = s->block + at;

		flags = s->j->features & JOURNAL_SUMS_V3 ? journal_field(tag, 4)
							 : (uint32_t)(tag[6] << 8 | tag[7]);
		rc = tag_read(s, tag, flags, e);
		at += size + (flags & TAG_SAME_UUID ? 0 : 16);
	}
	return rc;
}

static int revoke_read(struct scan *s, struct error *e)
{
	size_t size = s->j->features & JOURNAL_64BIT ? 8 : 4;
	size_t used = journal_field(s->block, JOURNAL_HEADER);
	size_t end = s->j->block - (journal_has_sums(s->j) ? 4 : 0);
	int rc = 0;

	if (used > end || !tail_is_right(s))
		s->damaged = true;
	used = (size_t)min_u64(used, end);
	for (size_t at = JOURNAL_HEADER + 4; !rc && at + size <= used; at += size) {
		uint64_t block = journal_field(s->block, at);

		if (size == 8)
			block = block << 32 | journal_field(s->block, at + 4);
		rc = journal_revoke_add(s->j, block, s->transaction, e);
	}
	return rc;
}

/* Journals with the older checksums may have transactions without, at their beginning. */
static bool transaction_is_right(struct scan *s)
{
	uint32_t said = journal_field(s->block, COMMIT_SUM);
	uint8_t type = s->block[12], size = s->block[13];

	if (!(journal_field(s->j->super, 0x24) & JOURNAL_CHECKSUM))
		return true;
	if (!type && !size && !said)
		return !s->sums_seen;
	s->sums_seen = true;
	return type == SUM_CRC32 && size == 4 && said == s->crc;
}

static bool commit_is_right(struct scan *s)
{
	uint32_t said = journal_field(s->block, COMMIT_SUM);

	if (!journal_has_sums(s->j))
		return transaction_is_right(s);
	memset(s->block + COMMIT_SUM, 0, 4);
	return journal_sum(s->j->seed, s->block, s->j->block) == said;
}

/*
 * What a kernel does at a wrong checksum: when it waits for a transaction's blocks before it writes
 * the commit block, something was damaged afterwards.  When it does not, the guest was stopped in
 * between, unless it went on to commit another transaction.
 */
static int commit_read(struct scan *s, bool *over, struct error *e)
{
	uint64_t time = (uint64_t)journal_field(s->block, COMMIT_TIME) << 32 |
		journal_field(s->block, COMMIT_TIME + 4);
	bool right = commit_is_right(s) && !s->damaged;

	/* Left from when the journal was used before. */
	*over = !right && time < s->time;
	if (*over)
		return 0;
	if (s->ended || (!right && !(s->j->features & JOURNAL_ASYNC)) || (!right && s->damaged))
		return error_set(e, ERR_CORRUPT,
			"a checksum of transaction %u of the journal is wrong: run e2fsck on the "
			"file system",
			s->ended ? s->sequence - 1 : s->sequence);
	if (right) {
		s->copies = s->j->copies;
		s->revokes = s->j->revokes;
		s->j->next = s->sequence + 1;
	}
	s->ended = !right;
	s->time = time;
	s->sequence++;
	s->transaction++;
	s->crc = UINT32_MAX;
	return 0;
}

static int block_read(struct scan *s, bool *over, struct error *e)
{
	int rc = journal_read(s->j, s->at, s->block, e);

	if (rc)
		return rc;
	*over = journal_field(s->block, 0) != JOURNAL_MAGIC ||
		journal_field(s->block, 8) != s->sequence;
	if (*over)
		return 0;
	advance(s);
	switch (journal_field(s->block, 4)) {
	case JOURNAL_DESCRIPTOR:
		return descriptor_read(s, e);
	case JOURNAL_REVOKE:
		return revoke_read(s, e);
	case JOURNAL_COMMIT:
		return commit_read(s, over, e);
	default:
		*over = true;
		return 0;
	}
}

/* Fast commits are small changes since the last transaction, in a form of their own. */
static int fast_check(struct scan *s, struct error *e)
{
	struct journal_log *j = s->j;
	int rc = 0;

	for (uint32_t at = j->end; !rc && at < j->blocks && at < j->end + 2; at++) {
		const uint8_t *b = s->block;

		rc = journal_read(j, at, s->block, e);
		if (!rc && (b[0] | b[1] << 8) == FAST_HEAD &&
			(b[8] | (uint32_t)b[9] << 8 | (uint32_t)b[10] << 16 |
				(uint32_t)b[11] << 24) == j->next)
			rc = error_set(e, ERR_REFUSED,
				"its journal ends with fast commits, which hvimg can't replay: "
				"boot the "
				"guest and shut it down, or run e2fsck on it");
	}
	return rc;
}

static int log_read(struct scan *s, struct error *e)
{
	bool over = false;
	int rc = 0;

	while (!rc && !over && s->left)
		rc = block_read(s, &over, e);
	s->j->copies = s->copies;
	s->j->revokes = s->revokes;
	if (!rc)
		rc = journal_copies_settle(s->j, e);
	return rc ? rc : fast_check(s, e);
}

int journal_scan(struct journal_log *j, struct error *e)
{
	struct scan s = {
		.j = j,
		.at = journal_field(j->super, 0x1c),
		.left = j->end - j->first,
		.sequence = journal_field(j->super, 0x18),
		.crc = UINT32_MAX,
	};
	int rc = 0;

	j->next = s.sequence;
	if (!s.at)
		return 0;
	if (s.at < j->first || s.at >= j->end)
		return error_set(
			e, ERR_CORRUPT, "the journal begins at block %u of %u", s.at, j->end);
	s.block = malloc(j->block);
	s.data = malloc(j->block);
	rc = s.block && s.data ? log_read(&s, e) : error_nomem(e, "a journal");
	free(s.block);
	free(s.data);
	return rc;
}
