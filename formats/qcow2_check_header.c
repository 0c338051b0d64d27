/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules about the fields of the header. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_check.h"

enum { REFCOUNT_ORDER_V2 = 4, REFCOUNT_ORDER_MAX = 6, EXTENDED_MIN_BITS = 14, CRYPT_MAX = 2 };

#define AT(field) offsetof(struct qcow2_header, field)

static const struct fault fault_short = { .code = "qcow2-header-short",
	.severity = SEVERITY_ERROR };
static const struct fault fault_magic = { .code = "qcow2-magic", .severity = SEVERITY_ERROR };
static const struct fault fault_version = { .code = "qcow2-version", .severity = SEVERITY_ERROR };
static const struct fault fault_cluster_bits = { .code = "qcow2-cluster-bits",
	.severity = SEVERITY_ERROR };
static const struct fault fault_length = { .code = "qcow2-header-length",
	.severity = SEVERITY_ERROR };
static const struct fault fault_padding = { .code = "qcow2-header-padding",
	.severity = SEVERITY_WARNING };
static const struct fault fault_feature = { .code = "qcow2-feature-unknown",
	.severity = SEVERITY_ERROR,
	.fix = "a newer qemu-img may read the image: convert it there" };
static const struct fault fault_corrupt = { .code = "qcow2-corrupt-bit",
	.severity = SEVERITY_ERROR,
	.fix = "qemu-img check -r all repairs what it can and clears the mark" };
static const struct fault fault_compression = { .code = "qcow2-compression-type",
	.severity = SEVERITY_ERROR };
static const struct fault fault_extended = { .code = "qcow2-extended-clusters",
	.severity = SEVERITY_ERROR };
static const struct fault fault_order = { .code = "qcow2-refcount-order",
	.severity = SEVERITY_ERROR };
static const struct fault fault_size = { .code = "qcow2-virtual-size",
	.severity = SEVERITY_WARNING };
static const struct fault fault_crypt = { .code = "qcow2-encryption", .severity = SEVERITY_ERROR };
static const struct fault fault_l1_size = { .code = "qcow2-l1-size", .severity = SEVERITY_ERROR };
static const struct fault fault_l1_place = { .code = "qcow2-l1-place", .severity = SEVERITY_ERROR };
static const struct fault fault_reftable = { .code = "qcow2-reftable-place",
	.severity = SEVERITY_ERROR,
	.fix = "hvimg check --repair writes a copy with refcounts of its own" };

/* Reads the header; *usable says whether there is one of a version that is known. */
static int header_read(struct qcow2_checker *k, bool *usable, struct error *e)
{
	struct qcow2_header *h = &k->header;
	int rc;

	if (k->file->size < QCOW2_V2_HEADER)
		return check_find(k->check, &fault_short, 0, e,
			"the file has %" PRIu64 " bytes, a qcow2 header %u", k->file->size,
			(unsigned)QCOW2_V2_HEADER);
	rc = disk_read(k->file, 0, h, (size_t)min_u64(sizeof(*h), k->file->size), e);
	if (rc)
		return rc;
	if (memcmp(h->magic, "QFI\xfb", sizeof(h->magic)) != 0)
		return check_find(k->check, &fault_magic, 0, e, "the magic is missing");
	k->version = get_be32(h->version);
	if (k->version != 2 && k->version != 3)
		return check_find(k->check, &fault_version, AT(version), e,
			"version %u is not 2 or 3", k->version);
	if (k->version == 3 && k->file->size < QCOW2_V3_HEADER)
		return check_find(k->check, &fault_short, 0, e,
			"the file has %" PRIu64 " bytes, a header of version 3 %u", k->file->size,
			(unsigned)QCOW2_V3_HEADER);
	*usable = true;
	return 0;
}

static int clusters_check(struct qcow2_checker *k, bool *usable, struct error *e)
{
	uint32_t bits = get_be32(k->header.cluster_bits);

	if (bits < QCOW2_MIN_BITS || bits > QCOW2_MAX_BITS) {
		*usable = false;
		return check_find(k->check, &fault_cluster_bits, AT(cluster_bits), e,
			"clusters of 2^%u bytes are not in 2^%u..2^%u", bits,
			(unsigned)QCOW2_MIN_BITS, (unsigned)QCOW2_MAX_BITS);
	}
	k->cluster_bits = bits;
	k->cluster = UINT32_C(1) << bits;
	k->clusters = div_up(k->file->size, k->cluster);
	return 0;
}

static int length_check(struct qcow2_checker *k, bool *usable, struct error *e)
{
	static const uint8_t none[sizeof(k->header.padding)];
	uint32_t len = get_be32(k->header.header_len);

	if (len < QCOW2_V3_HEADER || len > k->cluster || len % 8) {
		*usable = len >= QCOW2_V3_HEADER && len <= k->cluster;
		return check_find(k->check, &fault_length, AT(header_len), e,
			"header length %u is not a multiple of 8 in %u..%u", len,
			(unsigned)QCOW2_V3_HEADER, k->cluster);
	}
	if (len >= sizeof(k->header) && memcmp(k->header.padding, none, sizeof(none)) != 0)
		return check_find(k->check, &fault_padding, AT(padding), e,
			"the padding of the header is not zero");
	return 0;
}

static int compression_check(struct qcow2_checker *k, struct error *e)
{
	bool has = get_be32(k->header.header_len) > QCOW2_V3_HEADER;
	unsigned type = has ? k->header.compression : QCOW2_DEFLATE;

	if (type > QCOW2_ZSTD)
		return check_find(k->check, &fault_compression, AT(compression), e,
			"unknown compression type %u", type);
	if ((type != QCOW2_DEFLATE) != !!(k->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION))
		return check_find(k->check, &fault_compression, AT(compression), e,
			"compression type %u contradicts incompatible feature bit 3", type);
	return 0;
}

static int unknown_tell(struct qcow2_checker *k, uint64_t unknown, struct error *e)
{
	struct buffer names = { 0 };
	int rc = qcow2_features_text(k->file, &k->header, unknown, &names, e);

	if (!rc)
		rc = check_find(k->check, &fault_feature, AT(incompatible), e,
			"unknown incompatible feature bits: %s: the rest cannot be checked",
			buffer_text(&names));
	buffer_free(&names);
	return rc;
}

static int features_check(struct qcow2_checker *k, bool *usable, struct error *e)
{
	uint64_t unknown = k->incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN;
	int rc = 0;

	if (unknown) {
		*usable = false;
		return unknown_tell(k, unknown, e);
	}
	if (k->incompatible & QCOW2_INCOMPATIBLE_CORRUPT)
		rc = check_lost(k->check, &fault_corrupt, AT(incompatible), e,
			"the image is marked as corrupt");
	if (!rc)
		rc = compression_check(k, e);
	if (!rc && k->extended_l2 && k->cluster_bits < EXTENDED_MIN_BITS) {
		*usable = false;
		rc = check_find(k->check, &fault_extended, AT(incompatible), e,
			"extended L2 entries with clusters of %u bytes; %u is the least",
			k->cluster, 1u << EXTENDED_MIN_BITS);
	}
	return rc;
}

static int version3_check(struct qcow2_checker *k, bool *usable, struct error *e)
{
	int rc = length_check(k, usable, e);

	k->incompatible = get_be64(k->header.incompatible);
	k->autoclear = get_be64(k->header.autoclear);
	k->refcount_order = get_be32(k->header.refcount_order);
	k->has_data_file = k->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE;
	k->extended_l2 = k->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2;
	k->raw_data = k->has_data_file && k->autoclear & QCOW2_AUTOCLEAR_RAW_DATA;
	if (!rc && *usable)
		rc = features_check(k, usable, e);
	if (!rc && *usable && k->refcount_order > REFCOUNT_ORDER_MAX) {
		*usable = false;
		rc = check_find(k->check, &fault_order, AT(refcount_order), e,
			"refcount order %u is more than %u", k->refcount_order,
			(unsigned)REFCOUNT_ORDER_MAX);
	}
	return rc;
}

static int size_check(struct qcow2_checker *k, struct error *e)
{
	uint64_t size = get_be64(k->header.size);
	uint32_t crypt = get_be32(k->header.crypt_method);
	int rc = 0;

	if (size % 512 || size > INT64_MAX)
		rc = check_find(k->check, &fault_size, AT(size), e,
			"virtual size %" PRIu64 " is not a multiple of 512 below 8 EiB", size);
	if (!rc && crypt > CRYPT_MAX)
		rc = check_find(k->check, &fault_crypt, AT(crypt_method), e,
			"unknown encryption method %u", crypt);
	return rc;
}

/* The active L1 table: of which only what is inside the file is looked at. */
static int l1_check(struct qcow2_checker *k, struct error *e)
{
	uint64_t off = get_be64(k->header.l1_off), size = get_be64(k->header.size);
	uint64_t entries = get_be32(k->header.l1_size), len = entries * sizeof(be64);
	unsigned span = 2 * k->cluster_bits - (k->extended_l2 ? 4 : 3);
	int rc = 0;

	if (len > QCOW2_L1_BYTES_MAX || entries < div_up(size, UINT64_C(1) << span))
		rc = check_lost(k->check, &fault_l1_size, AT(l1_size), e,
			"L1 table of %" PRIu64 " entries; %" PRIu64 " describe the disk, %u are "
			"the limit",
			entries, div_up(size, UINT64_C(1) << span),
			(unsigned)(QCOW2_L1_BYTES_MAX / sizeof(be64)));
	if (rc || len > QCOW2_L1_BYTES_MAX)
		return rc;
	if (off % k->cluster || !range_fits(off, len, k->file->size))
		rc = check_lost(k->check, &fault_l1_place, AT(l1_off), e,
			"L1 table of %" PRIu64 " bytes at %" PRIu64 " is not on a cluster, or "
			"past the end of the file at %" PRIu64,
			len, off, k->file->size);
	if (rc || off % k->cluster || off >= k->file->size)
		return rc;
	k->l1_off = off;
	k->l1_entries = min_u64(len, k->file->size - off) / sizeof(be64);
	return qcow2_range_add(k, NULL, &k->l1_clusters, off, len, e);
}

static int reftable_check(struct qcow2_checker *k, struct error *e)
{
	uint64_t off = get_be64(k->header.refcount_off);
	uint64_t len = (uint64_t)get_be32(k->header.refcount_clusters) << k->cluster_bits;
	int rc = 0;

	if (!len || len > QCOW2_REFTABLE_BYTES_MAX)
		return check_find(k->check, &fault_reftable, AT(refcount_clusters), e,
			"refcount table of %" PRIu64 " bytes is not in 1..%u", len,
			(unsigned)QCOW2_REFTABLE_BYTES_MAX);
	if (!off || off % k->cluster || !range_fits(off, len, k->file->size + k->cluster - 1))
		rc = check_find(k->check, &fault_reftable, AT(refcount_off), e,
			"refcount table of %" PRIu64 " bytes at %" PRIu64 " is not on a cluster, "
			"or past the end of the file at %" PRIu64,
			len, off, k->file->size);
	if (rc || !off || off % k->cluster || off >= k->file->size)
		return rc;
	k->reftable_off = off;
	k->reftable_entries = min_u64(len, k->file->size - off) / sizeof(be64);
	if (qcow2_place_fits(k, off, len))
		qcow2_fixed_add(k, off, len, QCOW2_USE_REFTABLE);
	return 0;
}

int qcow2_check_header(struct qcow2_checker *k, bool *usable, struct error *e)
{
	int rc = header_read(k, usable, e);

	if (!rc && *usable)
		rc = clusters_check(k, usable, e);
	k->refcount_order = REFCOUNT_ORDER_V2;
	if (!rc && *usable && k->version == 3)
		rc = version3_check(k, usable, e);
	if (rc || !*usable)
		return rc;
	qcow2_fixed_add(k, 0, k->cluster, QCOW2_USE_HEADER);
	rc = size_check(k, e);
	if (!rc)
		rc = l1_check(k, e);
	return rc ? rc : reftable_check(k, e);
}
