/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of a journal's copies count. */
#include <inttypes.h>
#include <stdlib.h>

#include "fs/ext_journal.h"

int journal_copy_add(struct journal_log *j, const struct journal_copy *copy, struct error *e)
{
	if (j->copies == j->copy_capacity) {
		size_t capacity = j->copy_capacity ? j->copy_capacity * 2 : 256;
		struct journal_copy *more = reallocarray(j->copy, capacity, sizeof(*more));

		if (!more)
			return error_nomem(e, "a journal");
		j->copy = more;
		j->copy_capacity = capacity;
	}
	j->copy[j->copies++] = *copy;
	return 0;
}

int journal_revoke_add(struct journal_log *j, uint64_t block, uint32_t transaction, struct error *e)
{
	if (j->revokes == j->revoke_capacity) {
		size_t capacity = j->revoke_capacity ? j->revoke_capacity * 2 : 256;
		struct journal_revoke *more = reallocarray(j->revoke, capacity, sizeof(*more));

		if (!more)
			return error_nomem(e, "a journal");
		j->revoke = more;
		j->revoke_capacity = capacity;
	}
	j->revoke[j->revokes++] = (struct journal_revoke){ block, transaction };
	return 0;
}

static int by_block(const void *a, const void *b)
{
	const struct journal_revoke *left = a, *right = b;

	if (left->block != right->block)
		return left->block < right->block ? -1 : 1;
	return (left->transaction > right->transaction) - (left->transaction < right->transaction);
}

/* Same targets: the later copy first. */
static int by_target(const void *a, const void *b)
{
	const struct journal_copy *left = a, *right = b;

	if (left->target != right->target)
		return left->target < right->target ? -1 : 1;
	return (left->transaction < right->transaction) - (left->transaction > right->transaction);
}

/* A revoked block is not replayed from its own transaction and those before. */
static void revokes_apply(struct journal_log *j)
{
	size_t kept = 0, r = 0;

	if (j->copies)
		qsort(j->copy, j->copies, sizeof(*j->copy), by_target);
	if (j->revokes)
		qsort(j->revoke, j->revokes, sizeof(*j->revoke), by_block);
	for (size_t i = 0; i < j->copies; i++) {
		const struct journal_copy *copy = &j->copy[i];

		if (kept && j->copy[kept - 1].target == copy->target)
			continue;
		while (r < j->revokes &&
			(j->revoke[r].block < copy->target ||
				(j->revoke[r].block == copy->target &&
					j->revoke[r].transaction < copy->transaction)))
			r++;
		if (r == j->revokes || j->revoke[r].block != copy->target)
			j->copy[kept++] = *copy;
	}
	j->copies = kept;
}

/* Copies must be whole and go where a file system's own blocks can be, its journal left out. */
static int copies_check(const struct journal_log *j, struct error *e)
{
	for (size_t i = 0; i < j->copies; i++) {
		const struct journal_copy *copy = &j->copy[i];

		if (copy->damaged)
			return error_set(e, ERR_CORRUPT,
				"the journal's copy of block %" PRIu64 " in transaction %u has a "
				"wrong checksum: run e2fsck on the file system",
				copy->target, journal_field(j->super, 0x18) + copy->transaction);
		if (copy->target >= ext2fs_blocks_count(j->x->e2->super))
			return error_set(e, ERR_CORRUPT,
				"the journal has a copy of block %" PRIu64 " of %llu", copy->target,
				(unsigned long long)ext2fs_blocks_count(j->x->e2->super));
	}
	for (size_t i = 0; i < j->runs; i++) {
		size_t low = 0, high = j->copies;

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (j->copy[middle].target < j->run[i].block)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < j->copies && j->copy[low].target - j->run[i].block < j->run[i].count)
			return error_set(e, ERR_CORRUPT,
				"the journal has a copy of its own block %" PRIu64,
				j->copy[low].target);
	}
	return 0;
}

int journal_copies_settle(struct journal_log *j, struct error *e)
{
	revokes_apply(j);
	return copies_check(j, e);
}
