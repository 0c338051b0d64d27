/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Persistent bitmaps ("Bitmaps" in the specification): directory, tables, and their clusters. */
#include <inttypes.h>

#include "base/checked.h"
#include "formats/qcow2_check.h"

enum {
	BITMAP_ENTRIES_MAX = 0x8000000, /* of a bitmap's table, what qemu loads */
	BITMAP_NAME_MAX = 1023,
	BITMAP_FLAGS_KNOWN = 7, /* in use, auto, extra data compatible */
	BITMAP_TRACKING = 1,
	GRANULARITY_MAX = 31,
};

#define DIRECTORY_MAX (UINT64_C(65535) * (24 + 1024))
#define TABLE_RESERVED UINT64_C(0xff000000000001fe)

struct bitmap_entry {
	be64 table_off; /* +0x00 */
	be32 entries; /* +0x08 of the table */
	be32 flags; /* +0x0c */
	uint8_t type; /* +0x10 */
	uint8_t granularity; /* +0x11 bits */
	be16 name_len; /* +0x12 */
	be32 extra_len; /* +0x14 */
};
_Static_assert(sizeof(struct bitmap_entry) == 24, "qcow2 bitmap directory entry");

static const struct fault fault_directory = { .code = "qcow2-bitmap-directory",
	.severity = SEVERITY_ERROR };
static const struct fault fault_table = { .code = "qcow2-bitmap-table",
	.severity = SEVERITY_ERROR };
static const struct fault fault_entry = { .code = "qcow2-bitmap-entry",
	.severity = SEVERITY_ERROR };

static int directory_bad(
	struct qcow2_checker *k, uint64_t at, uint32_t n, const char *why, struct error *e)
{
	return check_find(k->check, &fault_directory, at, e, "bitmap %u: %s", n, why);
}

static bool entry_is_sound(const struct bitmap_entry *b)
{
	unsigned name = get_be16(b->name_len);

	return name && name <= BITMAP_NAME_MAX && !get_be32(b->extra_len) &&
		b->type == BITMAP_TRACKING && b->granularity <= GRANULARITY_MAX &&
		!(get_be32(b->flags) & ~(uint32_t)BITMAP_FLAGS_KNOWN);
}

/* Adds the bitmap's table. */
static int table_add(
	struct qcow2_checker *k, uint64_t at, const struct bitmap_entry *b, struct error *e)
{
	uint64_t off = get_be64(b->table_off), entries = get_be32(b->entries);
	uint64_t len = entries * sizeof(be64);

	if (!entries || entries > BITMAP_ENTRIES_MAX || !off || off % k->cluster ||
		!qcow2_place_fits(k, off, len))
		return check_find(k->check, &fault_table, at, e,
			"bitmap table of %" PRIu64 " entries at %" PRIu64
			" is too long, not on a cluster, or past the end of the file at %" PRIu64,
			entries, off, k->file->size);
	return qcow2_range_add(k, &k->bitmaps, &k->bitmap_clusters, off, len, e);
}

int qcow2_check_bitmaps(
	struct qcow2_checker *k, uint64_t off, uint64_t len, uint32_t count, struct error *e)
{
	uint64_t at = off, end = off + len;
	struct bitmap_entry b;

	if (!len || len > DIRECTORY_MAX || off % k->cluster || !range_fits(off, len, k->file->size))
		return check_find(k->check, &fault_directory, off, e,
			"bitmap directory of %" PRIu64 " bytes at %" PRIu64
			" is too long, not on a cluster, or past the end of the file at %" PRIu64,
			len, off, k->file->size);
	qcow2_fixed_add(k, off, len, QCOW2_USE_HEADER);
	for (uint32_t n = 0; n < count; n++) {
		int rc;

		if (!range_fits(at, sizeof(b), end))
			return directory_bad(k, at, n, "the directory ends before it", e);
		rc = disk_read(k->file, at, &b, sizeof(b), e);
		if (!rc && !entry_is_sound(&b))
			return directory_bad(k, at, n, "a field has no valid value", e);
		if (!rc)
			rc = table_add(k, at, &b, e);
		if (rc)
			return rc;
		at += round_up(sizeof(b) + get_be16(b.name_len), 8);
	}
	return at == end ? 0
			 : directory_bad(k, at, count - 1, "it is not where the directory ends", e);
}

/* "Bitmap table entry": a cluster, or none and what all its bits are. */
static int bitmap_cluster(
	struct qcow2_checker *k, uint64_t entry, uint64_t at, void *arg, struct error *e)
{
	uint64_t off = entry & QCOW2_OFFSET_BITS;
	bool bad = entry & TABLE_RESERVED || (off && entry & 1) || off % k->cluster ||
		!qcow2_place_fits(k, off, k->cluster);

	if (!bad && off)
		qcow2_place_use(k, off, k->cluster, *(const uint32_t *)arg, QCOW2_USE_HEADER);
	if (!bad || !k->first)
		return 0;
	return check_find(k->check, &fault_entry, at, e,
		"bitmap table entry 0x%016" PRIx64
		" has reserved bits set, or its cluster is out of place",
		entry);
}

int qcow2_count_bitmaps(struct qcow2_checker *k, struct error *e)
{
	struct cover_piece p = { 0 };
	int rc = 0;

	while (!rc && cover_next(&k->bitmaps, &p))
		rc = qcow2_entries_each(k, p.off, p.end, bitmap_cluster, &p.weight, e);
	return rc;
}
