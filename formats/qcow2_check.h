/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_QCOW2_CHECK_H
#define FORMATS_QCOW2_CHECK_H

#include "disk/check.h"
#include "formats/hole.h"
#include "formats/qcow2.h"
#include "formats/cover.h"

/*
 * The check of a qcow2.  Rules about a single field are looked at once.  Who uses which cluster is
 * counted for a window of the file at a time, as big as memory allows, with all tables read again
 * for each window; then it is compared with the refcounts.
 */

#define QCOW2_OFFSET_BITS UINT64_C(0x00fffffffffffe00)
#define QCOW2_COPIED_BIT (UINT64_C(1) << 63)
#define QCOW2_COMPRESSED_BIT (UINT64_C(1) << 62)
#define QCOW2_ZERO_BIT UINT64_C(1)

enum {
	QCOW2_INCOMPATIBLE_DIRTY = 1 << 0,
	QCOW2_INCOMPATIBLE_CORRUPT = 1 << 1,
	QCOW2_INCOMPATIBLE_DATA_FILE = 1 << 2,
	QCOW2_INCOMPATIBLE_COMPRESSION = 1 << 3,
	QCOW2_INCOMPATIBLE_EXTENDED_L2 = 1 << 4,
	QCOW2_INCOMPATIBLE_KNOWN = (1 << 5) - 1,
	QCOW2_AUTOCLEAR_BITMAPS = 1 << 0,
	QCOW2_AUTOCLEAR_RAW_DATA = 1 << 1,
	QCOW2_FIXED_MAX = 8, /* structures of which an image has one */
	QCOW2_WINDOW = 1 << 24, /* clusters that are counted at a time */
	QCOW2_WINDOWS_MAX = 80,
	QCOW2_REFTABLE_BYTES_MAX = 8 << 20, /* what qemu opens */
	QCOW2_L1_BYTES_MAX = 32 << 20,
	QCOW2_SNAPSHOTS_MAX = 65536,
};

/* What a cluster of the file is; everything but content and L2 tables has one user. */
enum qcow2_use {
	QCOW2_USE_NONE,
	QCOW2_USE_CONTENT,
	QCOW2_USE_L2,
	QCOW2_USE_L1,
	QCOW2_USE_REFBLOCK,
	QCOW2_USE_REFTABLE,
	QCOW2_USE_SNAPSHOTS,
	QCOW2_USE_HEADER, /* or what one of its extensions names */
	QCOW2_USE_MASK = 7,
	/* Kept with it: */
	QCOW2_CLASH = 1 << 3, /* has another user that it must not have */
	QCOW2_COUNT_ONE = 1 << 4, /* its refcount is exactly one */
	QCOW2_COUNT_UNKNOWN = 1 << 5, /* the refcount block cannot be read */
	QCOW2_ACTIVE = 1 << 6, /* the active disk uses it */
	QCOW2_TWICE = 1 << 7, /* for two places of the guest */
};

/* qcow2_check_use.c: users of the clusters first..first + count - 1. */
struct qcow2_window {
	uint64_t first, count;
	uint16_t *users; /* UINT16_MAX: that many or more */
	uint8_t *state;
};
int qcow2_window_open(struct qcow2_window *w, uint64_t clusters, struct error *e);
/* Forgets all that was counted. */
void qcow2_window_move(struct qcow2_window *w, uint64_t first, uint64_t count);
void qcow2_window_close(struct qcow2_window *w);
/* `weight` users more for the clusters first..last, as far as they are in the window. */
void qcow2_window_use(
	struct qcow2_window *w, uint64_t first, uint64_t last, uint32_t weight, enum qcow2_use use);
/* Its state, NULL when it is outside. */
uint8_t *qcow2_window_state(struct qcow2_window *w, uint64_t cluster);

struct qcow2_fixed {
	uint64_t off, len;
	enum qcow2_use use;
};

/* Entries that are read a page at a time. */
struct qcow2_page {
	uint64_t off; /* of the file */
	size_t len; /* bytes; 0: none yet */
	be64 entry[QCOW2_PAGE / sizeof(be64)];
};

struct qcow2_checker {
	struct disk *file;
	struct check *check;
	struct qcow2_header header; /* as in the file; that of version 2 filled up */
	uint32_t version;
	unsigned cluster_bits;
	uint32_t cluster; /* bytes */
	uint64_t clusters; /* of the file, the last may be cut */
	unsigned refcount_order;
	uint64_t incompatible, autoclear;
	bool has_data_file, raw_data, extended_l2;
	uint64_t l1_off; /* of the active disk, as much as is inside the file */
	uint64_t l1_entries;
	uint64_t reftable_off; /* the same */
	uint64_t reftable_entries; /* 0: there are no refcounts to compare with */
	struct qcow2_fixed fixed[QCOW2_FIXED_MAX];
	size_t fixed_count;
	struct cover l1; /* entries of snapshots' L1 tables, bytes */
	struct cover l1_clusters; /* all L1 tables, numbers of clusters */
	struct cover bitmaps; /* entries of bitmap tables, bytes */
	struct cover bitmap_clusters;
	struct qcow2_window window;
	bool first; /* window: what has nothing to do with counting is looked at as well */
	struct hole hole;
	struct qcow2_page page; /* of the refcount table */
	uint8_t *block; /* a refcount block */
	uint8_t *table; /* an L2 table, or a page of another one */
	uint64_t low, high; /* refcounts that are wrong in an image that was not closed */
	uint64_t done, total; /* bytes of tables */
};

/* What reaches past the end of the file by less than a cluster, and what is at the end, counts: so
 * it does for qemu. */
bool qcow2_place_fits(const struct qcow2_checker *k, uint64_t off, uint64_t len);
/* Users for the clusters of `len` bytes at `off`, that fit. */
void qcow2_place_use(
	struct qcow2_checker *k, uint64_t off, uint64_t len, uint32_t weight, enum qcow2_use use);
void qcow2_fixed_add(struct qcow2_checker *k, uint64_t off, uint64_t len, enum qcow2_use use);
/*
 * Adds a table of `len` bytes to `bytes`, as far as it is inside the file, and its clusters to
 * `clusters`.
 */
int qcow2_range_add(struct qcow2_checker *k, struct cover *bytes, struct cover *clusters,
	uint64_t off, uint64_t len, struct error *e);

/* An entry that is not zero, at file offset `at`. */
typedef int qcow2_entry_fn(
	struct qcow2_checker *k, uint64_t entry, uint64_t at, void *arg, struct error *e);
/* Calls `fn` for the entries from `off` to `end`, inside the file. */
int qcow2_entries_each(struct qcow2_checker *k, uint64_t off, uint64_t end, qcow2_entry_fn *fn,
	void *arg, struct error *e);

/*
 * qcow2_check_header.c: fills the checker up to reftable_entries.  *usable is false when the rest
 * cannot be looked at.
 */
int qcow2_check_header(struct qcow2_checker *k, bool *usable, struct error *e);
/* qcow2_check_extensions.c: what follows the header in the first cluster. */
int qcow2_check_extensions(struct qcow2_checker *k, struct error *e);
/* qcow2_check_bitmaps.c: the directory that an extension names; and the clusters it leads to. */
int qcow2_check_bitmaps(
	struct qcow2_checker *k, uint64_t off, uint64_t len, uint32_t count, struct error *e);
int qcow2_count_bitmaps(struct qcow2_checker *k, struct error *e);
/* qcow2_check_snapshots.c: adds the snapshots' L1 tables. */
int qcow2_check_snapshots(struct qcow2_checker *k, struct error *e);
/* qcow2_check_tables.c: counts what L1 and L2 tables lead to. */
int qcow2_count_tables(struct qcow2_checker *k, struct error *e);

/* qcow2_check_entry.c: one entry of an L2 table. */
struct qcow2_entry {
	uint64_t word;
	uint64_t bitmap; /* of an extended entry */
	uint64_t at; /* file offset */
	uint64_t guest; /* its offset in the active disk; UINT64_MAX: only in snapshots */
	uint32_t weight; /* how often its table is named */
	bool twice; /* the active disk names its table twice */
};
int qcow2_check_entry(struct qcow2_checker *k, const struct qcow2_entry *x, struct error *e);

/* qcow2_check_refcounts.c: what the refcounts say about the window, before and after counting. */
int qcow2_refcounts_load(struct qcow2_checker *k, struct error *e);
int qcow2_refcounts_compare(struct qcow2_checker *k, struct error *e);
/* Whether the COPIED flag, `set` or not, contradicts the refcount of the cluster. */
bool qcow2_copied_differs(struct qcow2_checker *k, uint64_t cluster, bool set);

/* qcow2_check.c: struct format.check */
int qcow2_check(struct disk *file, struct check *c, struct error *e);

#endif
