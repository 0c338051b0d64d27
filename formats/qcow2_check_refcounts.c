/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refcount table and refcount blocks, and what they say against what was counted. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/zero.h"
#include "formats/qcow2_check.h"

#define REFTABLE_RESERVED UINT64_C(0x1ff)

static const struct fault fault_entry = { .code = "qcow2-reftable-entry",
	.severity = SEVERITY_ERROR,
	.fix = "hvimg check --repair writes a copy with refcounts of its own" };
static const struct fault fault_low = { .code = "qcow2-refcount-low",
	.severity = SEVERITY_ERROR,
	.fix = "nothing may write to the image; hvimg check --repair writes a good copy" };
static const struct fault fault_high = { .code = "qcow2-leak",
	.severity = SEVERITY_WARNING,
	.fix = "harmless; hvimg check --repair writes a copy without it" };
static const struct fault fault_overlap = { .code = "qcow2-overlap", .severity = SEVERITY_ERROR };
static const struct fault fault_twice = { .code = "qcow2-cluster-twice",
	.severity = SEVERITY_ERROR };

static const char *const use_names[] = {
	[QCOW2_USE_NONE] = "nothing",
	[QCOW2_USE_CONTENT] = "content",
	[QCOW2_USE_L2] = "an L2 table",
	[QCOW2_USE_L1] = "an L1 table",
	[QCOW2_USE_REFBLOCK] = "a refcount block",
	[QCOW2_USE_REFTABLE] = "the refcount table",
	[QCOW2_USE_SNAPSHOTS] = "the snapshot table",
	[QCOW2_USE_HEADER] = "the header or of an extension",
};

/* Refcounts in a block. */
static uint64_t per_block(const struct qcow2_checker *k)
{
	return (UINT64_C(8) << k->cluster_bits) >> k->refcount_order;
}

/* Entry `n` of the refcount table; 0 past its end. */
static int reftable_read(struct qcow2_checker *k, uint64_t n, uint64_t *out, struct error *e)
{
	struct qcow2_page *p = &k->page;
	uint64_t off = k->reftable_off + n * sizeof(be64);
	bool zero;
	int rc;

	*out = 0;
	if (n >= k->reftable_entries)
		return 0;
	if (!p->len || off < p->off || off - p->off >= p->len) {
		uint64_t left = (k->reftable_entries - n) * sizeof(be64);

		p->len = (size_t)min_u64(left, sizeof(p->entry));
		p->off = off;
		rc = hole_read(&k->hole, k->file, off, p->entry, p->len, &zero, e);
		if (rc) {
			p->len = 0;
			return rc;
		}
	}
	*out = get_be64(p->entry[(off - p->off) / sizeof(be64)]);
	return 0;
}

static bool block_is_bad(const struct qcow2_checker *k, uint64_t entry)
{
	uint64_t off = entry & ~REFTABLE_RESERVED;

	return entry & REFTABLE_RESERVED || off % k->cluster ||
		(off && !range_fits(off, 1, k->file->size));
}

/* Counts the refcount blocks themselves, which are all over the file. */
static int blocks_count(struct qcow2_checker *k, struct error *e)
{
	int rc = 0;

	for (uint64_t n = 0; n < k->reftable_entries && !rc; n++) {
		uint64_t entry;

		rc = reftable_read(k, n, &entry, e);
		if (rc || !entry)
			continue;
		if (!block_is_bad(k, entry))
			qcow2_place_use(k, entry, k->cluster, 1, QCOW2_USE_REFBLOCK);
		else if (k->first)
			rc = check_find(k->check, &fault_entry, k->reftable_off + n * sizeof(be64),
				e,
				"refcount block %" PRIu64 " at 0x%" PRIx64
				": reserved bits are set, it is not on a cluster, or past the end "
				"of the file at %" PRIu64,
				n, entry, k->file->size);
	}
	return rc;
}

/* Reads block `n` to k->block.  *known is false when there should be one that cannot be read. */
static int block_read(struct qcow2_checker *k, uint64_t n, bool *known, bool *zero, struct error *e)
{
	uint64_t entry, len;
	int rc = reftable_read(k, n, &entry, e);

	if (rc)
		return rc;
	*known = k->reftable_entries && !block_is_bad(k, entry);
	*zero = true;
	if (!*known || !entry)
		return 0;
	len = min_u64(k->cluster, k->file->size - entry);
	memset(k->block, 0, k->cluster);
	return hole_read(&k->hole, k->file, entry, k->block, (size_t)len, zero, e);
}

/* Refcount `i` of k->block. */
static uint64_t refcount_at(const struct qcow2_checker *k, uint64_t i)
{
	const uint8_t *b = k->block;
	unsigned bits = 1u << k->refcount_order;

	switch (k->refcount_order) {
	case 4:
		return get_be16(((const be16 *)(const void *)b)[i]);
	case 5:
		return get_be32(((const be32 *)(const void *)b)[i]);
	case 6:
		return get_be64(((const be64 *)(const void *)b)[i]);
	default:
		/* "the lowest bits of a byte are those of the first" */
		return (unsigned)b[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
	}
}

typedef int count_fn(struct qcow2_checker *k, size_t i, uint64_t refcount, struct error *e);

/* Calls `fn` for the clusters i..end - 1 of the window, whose refcounts are in k->block. */
static int block_each(
	struct qcow2_checker *k, size_t i, size_t end, bool zero, count_fn *fn, struct error *e)
{
	const uint16_t *users = k->window.users + i;
	uint64_t first = (k->window.first + i) & (per_block(k) - 1);
	int rc = 0;

	/* A sparse file can have billions of clusters that nobody ever used. */
	if (zero && bytes_are_zero(users, (end - i) * sizeof(*users)))
		return 0;
	for (size_t n = i; n < end && !rc; n++)
		rc = fn(k, n, zero ? 0 : refcount_at(k, first + (n - i)), e);
	return rc;
}

/* Calls `fn` for the clusters of the window that have a refcount block, or none and so 0; marks
 * those whose block cannot be read. */
static int refcounts_each(struct qcow2_checker *k, count_fn *fn, struct error *e)
{
	struct qcow2_window *w = &k->window;
	uint64_t per = per_block(k);
	bool known, zero;

	for (size_t i = 0, end; i < w->count; i = end) {
		uint64_t n = (w->first + i) / per;
		int rc = block_read(k, n, &known, &zero, e);

		end = (size_t)min_u64((n + 1) * per - w->first, w->count);
		if (!rc && known)
			rc = block_each(k, i, end, zero, fn, e);
		if (rc)
			return rc;
		for (size_t j = i; j < end && !known; j++)
			w->state[j] |= QCOW2_COUNT_UNKNOWN;
	}
	return 0;
}

static int is_one(struct qcow2_checker *k, size_t i, uint64_t refcount, struct error *e)
{
	(void)e;
	if (refcount == 1)
		k->window.state[i] |= QCOW2_COUNT_ONE;
	return 0;
}

int qcow2_refcounts_load(struct qcow2_checker *k, struct error *e)
{
	int rc = blocks_count(k, e);

	return rc ? rc : refcounts_each(k, is_one, e);
}

bool qcow2_copied_differs(struct qcow2_checker *k, uint64_t cluster, bool set)
{
	const uint8_t *state = qcow2_window_state(&k->window, cluster);

	/* Refcounts of an image that was not closed say nothing. */
	if (!state || *state & QCOW2_COUNT_UNKNOWN || k->incompatible & QCOW2_INCOMPATIBLE_DIRTY)
		return false;
	return !(*state & QCOW2_COUNT_ONE) == set;
}

static int low_tell(struct qcow2_checker *k, size_t i, uint64_t refcount, struct error *e)
{
	uint64_t cluster = k->window.first + i, off = cluster << k->cluster_bits;
	uint8_t state = k->window.state[i];
	const char *use = use_names[state & QCOW2_USE_MASK];

	if (state & QCOW2_CLASH)
		return check_lost(k->check, &fault_overlap, off, e,
			"cluster %" PRIu64 " is of %s and of something else: %u users, refcount "
			"%" PRIu64,
			cluster, use, k->window.users[i], refcount);
	if (k->incompatible & QCOW2_INCOMPATIBLE_DIRTY) {
		k->low++;
		return 0;
	}
	if (state & QCOW2_TWICE)
		return check_lost(k->check, &fault_twice, off, e,
			"cluster %" PRIu64 " is at two places of the disk: %u users, refcount "
			"%" PRIu64,
			cluster, k->window.users[i], refcount);
	return check_find(k->check, &fault_low, off, e,
		"cluster %" PRIu64 ", of %s, has %u users and refcount %" PRIu64, cluster, use,
		k->window.users[i], refcount);
}

static int high_tell(struct qcow2_checker *k, size_t i, uint64_t refcount, struct error *e)
{
	uint64_t cluster = k->window.first + i;

	k->check->leaks++;
	if (k->incompatible & QCOW2_INCOMPATIBLE_DIRTY) {
		k->high++;
		return 0;
	}
	return check_find(k->check, &fault_high, cluster << k->cluster_bits, e,
		"cluster %" PRIu64 " has %u users and refcount %" PRIu64, cluster,
		k->window.users[i], refcount);
}

static int compare_one(struct qcow2_checker *k, size_t i, uint64_t refcount, struct error *e)
{
	uint16_t users = k->window.users[i];
	uint64_t max = UINT64_MAX >> (64 - (1u << k->refcount_order));

	/* The cluster behind the end of the file counts only when it is used. */
	if (k->window.first + i >= k->clusters && !users)
		return 0;
	if (users == UINT16_MAX && max > UINT16_MAX && refcount >= UINT16_MAX)
		return 0;
	if (users > refcount || k->window.state[i] & QCOW2_CLASH) {
		int rc = low_tell(k, i, refcount, e);

		if (rc)
			return rc;
	}
	return users < refcount ? high_tell(k, i, refcount, e) : 0;
}

int qcow2_refcounts_compare(struct qcow2_checker *k, struct error *e)
{
	return refcounts_each(k, compare_one, e);
}
