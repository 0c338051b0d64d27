/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of snapshots ("Snapshots" in the specification). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/digest.h"
#include "formats/qcow2_check.h"

enum {
	SNAPSHOT_BYTES_MAX = 64 << 20, /* of the table, what qemu opens */
	EXTRA_V3 = 16, /* bytes of extra data that version 3 asks for */
	EXTRA_MAX = 1024, /* what qemu keeps */
};

struct snapshot {
	be64 l1_off; /* +0x00 */
	be32 l1_entries; /* +0x08 */
	be16 id_len; /* +0x0c */
	be16 name_len; /* +0x0e */
	be32 seconds; /* +0x10 */
	be32 nanoseconds; /* +0x14 */
	be64 clock; /* +0x18 */
	be32 state_size; /* +0x20 */
	be32 extra_len; /* +0x24 */
	be64 state_size_large; /* +0x28 extra data */
	be64 disk_size; /* +0x30 */
};
_Static_assert(sizeof(struct snapshot) == 56, "qcow2 snapshot");

enum { SNAPSHOT_FIXED = 40 }; /* bytes without extra data */

static const struct fault fault_table = { .code = "qcow2-snapshot-table",
	.severity = SEVERITY_ERROR };
static const struct fault fault_entry = { .code = "qcow2-snapshot-entry",
	.severity = SEVERITY_ERROR };
static const struct fault fault_l1 = { .code = "qcow2-snapshot-l1", .severity = SEVERITY_ERROR };
static const struct fault fault_size = { .code = "qcow2-snapshot-size",
	.severity = SEVERITY_WARNING };
static const struct fault fault_id = { .code = "qcow2-snapshot-id", .severity = SEVERITY_WARNING };
static const struct fault fault_data_file = { .code = "qcow2-snapshot-data-file",
	.severity = SEVERITY_ERROR };

/* A digest of a snapshot's id: two that are equal are of the same id. */
struct id {
	uint8_t digest[FAST_DIGEST_SIZE];
	uint64_t at;
};

struct walk {
	struct id *id;
	uint32_t n; /* of the snapshot */
	uint64_t at; /* file offset of its entry */
	uint64_t end; /* no entry reaches beyond */
};

static int l1_check(
	struct qcow2_checker *k, const struct walk *w, const struct snapshot *s, struct error *e)
{
	uint64_t off = get_be64(s->l1_off), len = get_be32(s->l1_entries) * sizeof(be64);

	if (off % k->cluster || len > QCOW2_L1_BYTES_MAX)
		return check_find(k->check, &fault_l1, w->at, e,
			"snapshot %u: L1 table of %" PRIu64 " bytes at %" PRIu64
			" is not on a cluster, or longer than %u bytes",
			w->n, len, off, (unsigned)QCOW2_L1_BYTES_MAX);
	if (!qcow2_place_fits(k, off, len))
		return check_find(k->check, &fault_l1, w->at, e,
			"snapshot %u: L1 table of %" PRIu64 " bytes at %" PRIu64
			" runs past the end of the file at %" PRIu64,
			w->n, len, off, k->file->size);
	return qcow2_range_add(k, &k->l1, &k->l1_clusters, off, len, e);
}

/* The disk had a size of its own when the snapshot was taken. */
static int size_check(
	struct qcow2_checker *k, const struct walk *w, const struct snapshot *s, struct error *e)
{
	unsigned span = 2 * k->cluster_bits - (k->extended_l2 ? 4 : 3);
	uint64_t size = get_be64(s->disk_size);

	if (get_be32(s->extra_len) < EXTRA_V3)
		return k->version < 3 ? 0
				      : check_find(k->check, &fault_entry, w->at, e,
						"snapshot %u has %u bytes of extra data, "
						"version 3 asks for %u",
						w->n, get_be32(s->extra_len), (unsigned)EXTRA_V3);
	if (get_be32(s->extra_len) > EXTRA_MAX)
		return check_find(k->check, &fault_entry, w->at, e,
			"snapshot %u has %u bytes of extra data; %u are the limit", w->n,
			get_be32(s->extra_len), (unsigned)EXTRA_MAX);
	if (size % 512 || div_up(size, UINT64_C(1) << span) > get_be32(s->l1_entries))
		return check_find(k->check, &fault_size, w->at, e,
			"snapshot %u: disk size %" PRIu64
			" is no multiple of 512, or more than its L1 table of %u entries describes",
			w->n, size, get_be32(s->l1_entries));
	return 0;
}

static int id_read(
	struct qcow2_checker *k, const struct walk *w, uint64_t off, uint16_t len, struct error *e)
{
	uint8_t *text = malloc((size_t)len + 1);
	struct id *id = &w->id[w->n];
	int rc;

	if (!text)
		return error_nomem(e, "a snapshot's id");
	rc = disk_read(k->file, off, text, len, e);
	if (!rc) {
		fast_digest(text, len, id->digest);
		id->at = w->at;
		if (!len)
			rc = check_find(
				k->check, &fault_id, w->at, e, "snapshot %u has no id", w->n);
	}
	free(text);
	return rc;
}

/* One snapshot; *next is behind it, or past w->end when the table ends inside it. */
static int snapshot_check(
	struct qcow2_checker *k, const struct walk *w, uint64_t *next, struct error *e)
{
	struct snapshot s = { 0 };
	uint64_t id;
	int rc;

	*next = w->at + SNAPSHOT_FIXED;
	if (*next > w->end)
		return 0;
	rc = disk_read(k->file, w->at, &s, (size_t)min_u64(sizeof(s), w->end - w->at), e);
	if (rc)
		return rc;
	id = *next + get_be32(s.extra_len);
	*next = id + get_be16(s.id_len) + get_be16(s.name_len);
	if (*next > w->end)
		return 0;
	rc = l1_check(k, w, &s, e);
	if (!rc)
		rc = size_check(k, w, &s, e);
	return rc ? rc : id_read(k, w, id, get_be16(s.id_len), e);
}

static int table_check(
	struct qcow2_checker *k, uint64_t off, uint32_t count, struct walk *w, struct error *e)
{
	uint64_t next = off;

	w->end = min_u64(k->file->size, off + SNAPSHOT_BYTES_MAX);
	for (; w->n < count; w->n++) {
		int rc;

		w->at = round_up(next, 8);
		rc = snapshot_check(k, w, &next, e);
		if (rc)
			return rc;
		if (next > w->end)
			return check_find(k->check, &fault_table, w->at, e,
				"snapshot %u of %u at %" PRIu64
				" runs past the end of the file at %" PRIu64
				", or of the longest table",
				w->n, count, w->at, k->file->size);
	}
	qcow2_fixed_add(k, off, next - off, QCOW2_USE_SNAPSHOTS);
	return 0;
}

static int id_order(const void *a, const void *b)
{
	return memcmp(a, b, FAST_DIGEST_SIZE);
}

static int ids_check(struct qcow2_checker *k, struct walk *w, struct error *e)
{
	int rc = 0;

	if (w->n)
		qsort(w->id, w->n, sizeof(*w->id), id_order);
	for (uint32_t i = 1; i < w->n && !rc; i++)
		if (!memcmp(w->id[i - 1].digest, w->id[i].digest, FAST_DIGEST_SIZE))
			rc = check_find(k->check, &fault_id, max_u64(w->id[i].at, w->id[i - 1].at),
				e, "two snapshots have the same id");
	return rc;
}

int qcow2_check_snapshots(struct qcow2_checker *k, struct error *e)
{
	uint64_t off = get_be64(k->header.snapshots_off);
	uint32_t count = get_be32(k->header.snapshots);
	uint64_t at = offsetof(struct qcow2_header, snapshots);
	struct walk w = { 0 };
	int rc = 0;

	if (!count)
		return 0;
	if (k->has_data_file)
		rc = check_find(k->check, &fault_data_file, at, e,
			"%u snapshots in an image with a data file", count);
	if (rc)
		return rc;
	if (count > QCOW2_SNAPSHOTS_MAX || !off || off % k->cluster || off >= k->file->size)
		return check_find(k->check, &fault_table, at, e,
			"%u snapshots at %" PRIu64
			": more than %u, not on a cluster, or past the end of the file at %" PRIu64,
			count, off, (unsigned)QCOW2_SNAPSHOTS_MAX, k->file->size);
	w.id = calloc(count, sizeof(*w.id));
	if (!w.id)
		return error_nomem(e, "snapshots");
	rc = table_check(k, off, count, &w, e);
	if (!rc)
		rc = ids_check(k, &w, e);
	free(w.id);
	return rc;
}
