/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules about one entry of an L2 table, and the clusters that it uses. */
#include <inttypes.h>

#include "formats/qcow2_check.h"

#define L2_RESERVED UINT64_C(0x3f000000000001fe)

static const struct fault fault_reserved = { .code = "qcow2-l2-reserved",
	.severity = SEVERITY_ERROR };
static const struct fault fault_copied = { .code = "qcow2-l2-copied",
	.severity = SEVERITY_ERROR,
	.fix = "hvimg check --repair writes a good copy" };
static const struct fault fault_alignment = { .code = "qcow2-cluster-alignment",
	.severity = SEVERITY_ERROR };
static const struct fault fault_range = { .code = "qcow2-cluster-range",
	.severity = SEVERITY_ERROR };
static const struct fault fault_packed_copied = { .code = "qcow2-compressed-copied",
	.severity = SEVERITY_ERROR };
static const struct fault fault_packed_range = { .code = "qcow2-compressed-range",
	.severity = SEVERITY_ERROR };
static const struct fault fault_packed_data_file = { .code = "qcow2-compressed-data-file",
	.severity = SEVERITY_ERROR };
static const struct fault fault_packed_bitmap = { .code = "qcow2-compressed-bitmap",
	.severity = SEVERITY_ERROR };
static const struct fault fault_zero_v2 = { .code = "qcow2-zero-version2",
	.severity = SEVERITY_ERROR };
static const struct fault fault_both = { .code = "qcow2-subcluster-both",
	.severity = SEVERITY_ERROR };
static const struct fault fault_nowhere = { .code = "qcow2-subcluster-nowhere",
	.severity = SEVERITY_ERROR };
static const struct fault fault_raw = { .code = "qcow2-raw-data-offset",
	.severity = SEVERITY_ERROR };

/* Marks the cluster as one of the active disk. */
static void active_use(struct qcow2_checker *k, const struct qcow2_entry *x, uint64_t off)
{
	uint8_t *state = qcow2_window_state(&k->window, off >> k->cluster_bits);

	if (!state || x->guest == UINT64_MAX)
		return;
	if (*state & QCOW2_ACTIVE || x->twice)
		*state |= QCOW2_TWICE;
	*state |= QCOW2_ACTIVE;
}

/* "Compressed Clusters Descriptor": the split between offset and length moves with cluster_bits. */
static void compressed_place(
	const struct qcow2_checker *k, const struct qcow2_entry *x, uint64_t *off, uint64_t *len)
{
	unsigned shift = 62 - (k->cluster_bits - 8);
	uint64_t sectors = (x->word & (QCOW2_COMPRESSED_BIT - 1)) >> shift;

	*off = x->word & ((UINT64_C(1) << shift) - 1);
	*len = (sectors + 1) * QCOW2_SECTOR - *off % QCOW2_SECTOR;
}

static int compressed_fault(struct qcow2_checker *k, const struct qcow2_entry *x,
	const struct fault *f, const char *why, struct error *e)
{
	return k->first ? check_lost(k->check, f, x->at, e,
				  "entry 0x%016" PRIx64 " of a compressed cluster %s", x->word, why)
			: 0;
}

static int compressed_check(struct qcow2_checker *k, const struct qcow2_entry *x, struct error *e)
{
	uint64_t off, len;
	int rc = 0;

	if (x->word & QCOW2_COPIED_BIT)
		rc = compressed_fault(
			k, x, &fault_packed_copied, "has the COPIED flag, which it never has", e);
	if (rc)
		return rc;
	if (k->has_data_file)
		return compressed_fault(k, x, &fault_packed_data_file,
			"is in an image with a data file, which can have none", e);
	if (x->bitmap)
		return compressed_fault(k, x, &fault_packed_bitmap, "has bits for subclusters", e);
	compressed_place(k, x, &off, &len);
	if (off >= k->file->size || !qcow2_place_fits(k, off, len))
		return compressed_fault(
			k, x, &fault_packed_range, "reaches past the end of the file", e);
	qcow2_place_use(k, off, len, x->weight, QCOW2_USE_CONTENT);
	return 0;
}

/* What is wrong with the bits of an entry, whatever it leads to. */
static int bits_check(
	struct qcow2_checker *k, const struct qcow2_entry *x, bool has, struct error *e)
{
	uint32_t plain = (uint32_t)x->bitmap, zero = (uint32_t)(x->bitmap >> 32);
	bool zero_flag = x->word & QCOW2_ZERO_BIT;

	if (x->word & L2_RESERVED || (k->extended_l2 && zero_flag))
		return check_lost(k->check, &fault_reserved, x->at, e,
			"L2 entry 0x%016" PRIx64 " has reserved bits set", x->word);
	if (k->version < 3 && zero_flag)
		return check_lost(k->check, &fault_zero_v2, x->at, e,
			"L2 entry 0x%016" PRIx64 " is of a zero cluster, which version 2 does not "
			"have",
			x->word);
	if (plain & zero)
		return check_lost(k->check, &fault_both, x->at, e,
			"subclusters are both allocated and zero: allocated 0x%08x, zero 0x%08x",
			plain, zero);
	if (plain && !has)
		return check_lost(k->check, &fault_nowhere, x->at, e,
			"subclusters 0x%08x are allocated, but there is no cluster", plain);
	return 0;
}

static int place_check(
	struct qcow2_checker *k, const struct qcow2_entry *x, uint64_t off, struct error *e)
{
	if (off % k->cluster)
		return check_lost(k->check, &fault_alignment, x->at, e,
			"cluster at %" PRIu64 " is not a multiple of %u", off, k->cluster);
	/* The data file's length is not known here. */
	if (!k->has_data_file && !qcow2_place_fits(k, off, k->cluster))
		return check_lost(k->check, &fault_range, x->at, e,
			"cluster at %" PRIu64 " is past the end of the file at %" PRIu64, off,
			k->file->size);
	if (k->raw_data && x->guest != UINT64_MAX && off != x->guest)
		return check_lost(k->check, &fault_raw, x->at, e,
			"guest offset %" PRIu64 " is at %" PRIu64
			" of a data file that is a raw disk",
			x->guest, off);
	return 0;
}

static int copied_check(
	struct qcow2_checker *k, const struct qcow2_entry *x, uint64_t off, struct error *e)
{
	bool set = x->word & QCOW2_COPIED_BIT;
	bool bad = k->has_data_file ? k->first && !set
				    : qcow2_copied_differs(k, off >> k->cluster_bits, set);

	if (!bad || x->guest == UINT64_MAX)
		return 0;
	return check_find(k->check, &fault_copied, x->at, e,
		"the COPIED flag of guest offset %" PRIu64 " is %d, the refcount of its cluster at "
		"%" PRIu64 " is%s one",
		x->guest, set, off, set ? " not" : "");
}

static int standard_check(struct qcow2_checker *k, const struct qcow2_entry *x, struct error *e)
{
	uint64_t off = x->word & QCOW2_OFFSET_BITS;
	/* In a data file a cluster may be at 0, which the flag then tells. */
	bool has = off ||
		(k->has_data_file && x->word & QCOW2_COPIED_BIT &&
			(k->extended_l2 || !(x->word & QCOW2_ZERO_BIT)));
	int rc = k->first ? bits_check(k, x, has, e) : 0;

	if (rc || !has)
		return rc;
	if (k->first)
		rc = place_check(k, x, off, e);
	if (!rc && !k->has_data_file && qcow2_place_fits(k, off, k->cluster)) {
		active_use(k, x, off);
		qcow2_place_use(k, off, k->cluster, x->weight, QCOW2_USE_CONTENT);
	}
	return rc ? rc : copied_check(k, x, off, e);
}

int qcow2_check_entry(struct qcow2_checker *k, const struct qcow2_entry *x, struct error *e)
{
	return x->word & QCOW2_COMPRESSED_BIT ? compressed_check(k, x, e) : standard_check(k, x, e);
}
