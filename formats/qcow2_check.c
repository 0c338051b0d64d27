/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a qcow2, from the header to the comparison of refcounts. */
#include "formats/qcow2_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"

static const struct fault fault_dirty = {
	.code = "qcow2-dirty",
	.severity = SEVERITY_WARNING,
	.fix = "hvimg check --repair writes a copy whose refcounts are right",
};

bool qcow2_place_fits(const struct qcow2_checker *k, uint64_t off, uint64_t len)
{
	return range_fits(off, len, k->file->size + k->cluster);
}

void qcow2_place_use(
	struct qcow2_checker *k, uint64_t off, uint64_t len, uint32_t weight, enum qcow2_use use)
{
	if (len)
		qcow2_window_use(&k->window, off >> k->cluster_bits,
			(off + len - 1) >> k->cluster_bits, weight, use);
}

void qcow2_fixed_add(struct qcow2_checker *k, uint64_t off, uint64_t len, enum qcow2_use use)
{
	if (k->fixed_count < QCOW2_FIXED_MAX)
		k->fixed[k->fixed_count++] = (struct qcow2_fixed){ off, len, use };
}

int qcow2_range_add(struct qcow2_checker *k, struct cover *bytes, struct cover *clusters,
	uint64_t off, uint64_t len, struct error *e)
{
	uint64_t first = off >> k->cluster_bits;
	int rc = 0;

	if (off < k->file->size && bytes)
		rc = cover_add(bytes, off, min_u64(len, k->file->size - off) & ~UINT64_C(7), e);
	if (!rc && len && qcow2_place_fits(k, off, len))
		rc = cover_add(
			clusters, first, ((off + len - 1) >> k->cluster_bits) - first + 1, e);
	return rc;
}

int qcow2_entries_each(struct qcow2_checker *k, uint64_t off, uint64_t end, qcow2_entry_fn *fn,
	void *arg, struct error *e)
{
	const be64 *entry = (const be64 *)(const void *)k->table;

	while (off < end) {
		size_t len = (size_t)min_u64(end - off, QCOW2_PAGE);
		bool zero;
		int rc = hole_read(&k->hole, k->file, off, k->table, len, &zero, e);

		for (size_t i = 0; i < len / sizeof(be64) && !rc && !zero; i++) {
			uint64_t value = get_be64(entry[i]);

			if (value)
				rc = fn(k, value, off + i * sizeof(be64), arg, e);
		}
		if (rc)
			return rc;
		off += len;
	}
	return 0;
}

static void count_ranges(struct qcow2_checker *k, const struct cover *clusters, enum qcow2_use use)
{
	struct cover_piece p = { 0 };

	while (cover_next(clusters, &p))
		qcow2_window_use(&k->window, p.off, p.end - 1, p.weight, use);
}

static int window_check(struct qcow2_checker *k, struct error *e)
{
	int rc;

	for (size_t i = 0; i < k->fixed_count; i++)
		qcow2_place_use(k, k->fixed[i].off, k->fixed[i].len, 1, k->fixed[i].use);
	count_ranges(k, &k->l1_clusters, QCOW2_USE_L1);
	count_ranges(k, &k->bitmap_clusters, QCOW2_USE_HEADER);
	rc = qcow2_refcounts_load(k, e);
	if (!rc)
		rc = qcow2_count_bitmaps(k, e);
	if (!rc)
		rc = qcow2_count_tables(k, e);
	return rc ? rc : qcow2_refcounts_compare(k, e);
}

static int windows_check(struct qcow2_checker *k, struct error *e)
{
	/* One more than the file has: see qcow2_place_fits. */
	uint64_t clusters = k->clusters + 1, windows = div_up(clusters, QCOW2_WINDOW);
	int rc;

	if (windows > QCOW2_WINDOWS_MAX)
		return error_set(e, ERR_UNSUPPORTED,
			"the file has %" PRIu64 " clusters; up to %" PRIu64 " can be checked",
			k->clusters, (uint64_t)QCOW2_WINDOWS_MAX * QCOW2_WINDOW);
	rc = qcow2_window_open(&k->window, clusters, e);
	for (uint64_t first = 0; first < clusters && !rc; first += QCOW2_WINDOW) {
		qcow2_window_move(&k->window, first, min_u64(clusters - first, QCOW2_WINDOW));
		k->first = !first;
		rc = window_check(k, e);
	}
	return rc;
}

static int dirty_tell(struct qcow2_checker *k, struct error *e)
{
	if (!(k->incompatible & QCOW2_INCOMPATIBLE_DIRTY))
		return 0;
	return check_find(k->check, &fault_dirty, offsetof(struct qcow2_header, incompatible), e,
		"the image was not closed: %" PRIu64 " refcounts are too low, %" PRIu64 " too high",
		k->low, k->high);
}

static int structure_check(struct qcow2_checker *k, struct error *e)
{
	int rc;

	k->block = malloc(k->cluster);
	k->table = malloc(max_u64(k->cluster, QCOW2_PAGE));
	if (!k->block || !k->table)
		return error_nomem(e, "tables to be checked");
	rc = qcow2_check_extensions(k, e);
	if (!rc)
		rc = qcow2_check_snapshots(k, e);
	if (rc)
		return rc;
	cover_sort(&k->l1);
	cover_sort(&k->l1_clusters);
	cover_sort(&k->bitmaps);
	cover_sort(&k->bitmap_clusters);
	rc = windows_check(k, e);
	return rc ? rc : dirty_tell(k, e);
}

static void checker_close(struct qcow2_checker *k)
{
	cover_free(&k->l1);
	cover_free(&k->l1_clusters);
	cover_free(&k->bitmaps);
	cover_free(&k->bitmap_clusters);
	qcow2_window_close(&k->window);
	free(k->block);
	free(k->table);
	free(k);
}

int qcow2_check(struct disk *file, struct check *c, struct error *e)
{
	struct qcow2_checker *k = calloc(1, sizeof(*k));
	bool usable = false;
	int rc;

	if (!k)
		return error_nomem(e, "a check");
	k->file = file;
	k->check = c;
	rc = qcow2_check_header(k, &usable, e);
	if (!rc && usable)
		rc = structure_check(k, e);
	checker_close(k);
	return rc;
}
