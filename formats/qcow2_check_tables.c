/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * L1 and L2 tables.  Each L2 table is read once for a window of clusters, in the order of their
 * places, however many L1 entries of disk and snapshots name it: those are its weight.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_check.h"

enum { TABLES_MAX = 1 << 20 }; /* L2 tables that are known at a time */

#define L1_RESERVED UINT64_C(0x7f000000000001ff)

static const struct fault fault_reserved = { .code = "qcow2-l1-reserved",
	.severity = SEVERITY_ERROR };
static const struct fault fault_place = { .code = "qcow2-l2-place", .severity = SEVERITY_ERROR };
static const struct fault fault_copied = { .code = "qcow2-l1-copied",
	.severity = SEVERITY_ERROR,
	.fix = "hvimg check --repair writes a good copy" };

/* An L2 table.  `index` is of the first L1 entry of the active disk that names it. */
struct table {
	uint64_t off;
	uint32_t weight; /* L1 entries that name it, UINT32_MAX: that many or more */
	uint32_t index : 30;
	uint32_t active : 2; /* entries of the active disk, 2: or more */
};

/* Those at `from` up to `to`; what is further on is for the next time. */
struct tables {
	struct table *table;
	size_t count, capacity;
	uint64_t from, to;
};

/* Of which L1 table entries are being read. */
struct reading {
	struct tables *tables;
	uint32_t weight;
	bool active;
};

static bool table_is_sound(const struct qcow2_checker *k, uint64_t off)
{
	return off && off % k->cluster == 0 && range_fits(off, k->cluster, k->file->size);
}

static int table_order(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	if (x->off != y->off)
		return x->off > y->off ? 1 : -1;
	if (x->active != y->active)
		return x->active < y->active ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Sorts and makes one of those that are the same. */
static void tables_merge(struct tables *t)
{
	size_t kept = 0;

	if (!t->count)
		return;
	qsort(t->table, t->count, sizeof(*t->table), table_order);
	for (size_t i = 1; i < t->count; i++) {
		struct table *last = &t->table[kept];
		const struct table *x = &t->table[i];

		if (x->off != last->off) {
			t->table[++kept] = *x;
			continue;
		}
		last->weight = (uint32_t)min_u64((uint64_t)last->weight + x->weight, UINT32_MAX);
		last->active = last->active && x->active ? 2u : (last->active | x->active) & 3u;
	}
	t->count = kept + 1;
}

/* Makes room for one more. */
static int tables_reserve(struct tables *t, struct error *e)
{
	size_t capacity = t->capacity ? t->capacity * 2 : 64;
	struct table *table;

	if (t->count < t->capacity)
		return 0;
	if (capacity > TABLES_MAX) {
		tables_merge(t);
		if (t->count > TABLES_MAX / 2) {
			t->count = TABLES_MAX / 2;
			t->to = t->table[t->count].off;
		}
		return 0;
	}
	table = reallocarray(t->table, capacity, sizeof(*table));
	if (!table)
		return error_nomem(e, "a list of L2 tables");
	t->table = table;
	t->capacity = capacity;
	return 0;
}

static int table_add(
	struct qcow2_checker *k, uint64_t entry, uint64_t at, void *arg, struct error *e)
{
	const struct reading *r = arg;
	struct tables *t = r->tables;
	uint64_t off = entry & QCOW2_OFFSET_BITS;
	int rc;

	if (!table_is_sound(k, off) || off < t->from || off >= t->to)
		return 0;
	rc = tables_reserve(t, e);
	if (rc || off >= t->to)
		return rc;
	t->table[t->count++] = (struct table){
		.off = off,
		.weight = r->weight,
		.active = r->active,
		.index = r->active ? (uint32_t)((at - k->l1_off) / sizeof(be64)) & 0x3fffffff : 0,
	};
	return 0;
}

/* Rules about an L1 entry. */
static int l1_check(
	struct qcow2_checker *k, uint64_t entry, uint64_t at, void *arg, struct error *e)
{
	const struct reading *r = arg;
	uint64_t off = entry & QCOW2_OFFSET_BITS;
	bool copied = entry & QCOW2_COPIED_BIT;

	if (k->first && entry & L1_RESERVED)
		return check_lost(k->check, &fault_reserved, at, e,
			"L1 entry 0x%016" PRIx64 " has reserved bits set", entry);
	if (!table_is_sound(k, off))
		return !k->first ? 0
				 : check_lost(k->check, &fault_place, at, e,
					   "L2 table at %" PRIu64
					   " is not on a cluster, or past the end of the file at "
					   "%" PRIu64,
					   off, k->file->size);
	if (!r->active || !qcow2_copied_differs(k, off >> k->cluster_bits, copied))
		return 0;
	return check_find(k->check, &fault_copied, at, e,
		"the COPIED flag of the L2 table at %" PRIu64 " is %d, its refcount is%s one", off,
		copied, copied ? " not" : "");
}

/* Calls `fn` with a struct reading for the entries of all L1 tables. */
static int l1_each(struct qcow2_checker *k, qcow2_entry_fn *fn, struct tables *t, struct error *e)
{
	struct reading r = { .tables = t, .weight = 1, .active = true };
	struct cover_piece p = { 0 };
	int rc = qcow2_entries_each(
		k, k->l1_off, k->l1_off + k->l1_entries * sizeof(be64), fn, &r, e);

	while (!rc && cover_next(&k->l1, &p)) {
		r = (struct reading){ .tables = t, .weight = p.weight };
		rc = qcow2_entries_each(k, p.off, p.end, fn, &r, e);
	}
	return rc;
}

static int entries_check(struct qcow2_checker *k, const struct table *t, struct error *e)
{
	const be64 *word = (const be64 *)(const void *)k->table;
	size_t words = k->extended_l2 ? 2 : 1;
	uint64_t count = k->cluster / sizeof(be64) / words;
	uint64_t guest = ((uint64_t)t->index * count) << k->cluster_bits;
	int rc = 0;

	for (uint64_t i = 0; i < count && !rc; i++) {
		struct qcow2_entry x = {
			.word = get_be64(word[i * words]),
			.bitmap = words > 1 ? get_be64(word[i * words + 1]) : 0,
			.at = t->off + i * words * sizeof(be64),
			.guest = t->active ? guest + (i << k->cluster_bits) : UINT64_MAX,
			.weight = t->weight,
			.twice = t->active > 1,
		};

		if (x.word || x.bitmap)
			rc = qcow2_check_entry(k, &x, e);
	}
	return rc;
}

static int table_check(struct qcow2_checker *k, const struct table *t, struct error *e)
{
	uint8_t *state = qcow2_window_state(&k->window, t->off >> k->cluster_bits);
	bool zero;
	int rc;

	qcow2_place_use(k, t->off, k->cluster, t->weight, QCOW2_USE_L2);
	if (state && t->active > 1)
		*state |= QCOW2_TWICE;
	rc = hole_read(&k->hole, k->file, t->off, k->table, k->cluster, &zero, e);
	if (rc)
		return error_prefix(e, "L2 table at %" PRIu64, t->off);
	return zero ? 0 : entries_check(k, t, e);
}

static int tables_check(struct qcow2_checker *k, const struct tables *t, struct error *e)
{
	int rc = 0;

	k->total = max_u64(k->total, k->done + (uint64_t)t->count * k->cluster);
	for (size_t i = 0; i < t->count && !rc; i++) {
		rc = table_check(k, &t->table[i], e);
		k->done += k->cluster;
		if (!rc)
			rc = check_progress(k->check, k->done, k->total, e);
	}
	return rc;
}

int qcow2_count_tables(struct qcow2_checker *k, struct error *e)
{
	struct tables t = { .from = 0 };
	int rc = l1_each(k, l1_check, NULL, e);

	do {
		t.count = 0;
		t.to = UINT64_MAX;
		if (!rc)
			rc = l1_each(k, table_add, &t, e);
		tables_merge(&t);
		if (!rc)
			rc = tables_check(k, &t, e);
		t.from = t.to;
	} while (!rc && t.to != UINT64_MAX);
	free(t.table);
	return rc;
}
