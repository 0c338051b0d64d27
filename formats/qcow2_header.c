/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header and its extensions: loaded, checked, and turned into what reading needs. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2.h"

enum {
	L1_BYTES_MAX = 32 << 20, /* what qemu opens: 2 EiB with clusters of 64 KiB */
	REFCOUNT_ORDER_MAX = 6,
};

static bool has_feature(uint64_t bits, enum qcow2_feature f)
{
	return bits >> f & 1;
}

static int check_features(
	const struct qcow2 *q, const struct qcow2_header *h, uint64_t bits, struct error *e)
{
	uint64_t unknown = bits >> QCOW2_FEATURES << QCOW2_FEATURES;
	struct buffer names = { 0 };
	int rc = unknown ? qcow2_features_text(q->file, h, unknown, &names, e) : 0;

	if (!rc && unknown)
		rc = error_set(e, ERR_UNSUPPORTED,
			"qcow2 version %u with unknown incompatible feature bits: %s", q->version,
			buffer_text(&names));
	buffer_free(&names);
	return rc;
}

static int load_compression(
	struct qcow2 *q, const struct qcow2_header *h, uint64_t bits, struct error *e)
{
	unsigned type = get_be32(h->header_len) > QCOW2_V3_HEADER ? h->compression : QCOW2_DEFLATE;

	if (type > QCOW2_ZSTD)
		return error_set(e, ERR_UNSUPPORTED, "unknown qcow2 compression type %u", type);
	/* "Bit 3: ... must be set if the compression type is not zlib" */
	if ((type != QCOW2_DEFLATE) != has_feature(bits, QCOW2_COMPRESSION))
		return error_set(e, ERR_CORRUPT,
			"compression type %u contradicts incompatible feature bit 3", type);
	q->compression = (enum qcow2_compression)type;
	return 0;
}

static int load_v3(struct qcow2 *q, const struct qcow2_header *h, struct error *e)
{
	uint64_t bits = get_be64(h->incompatible);
	uint32_t len = get_be32(h->header_len);
	int rc;

	if (len < QCOW2_V3_HEADER || len > q->cluster)
		return error_set(e, ERR_CORRUPT, "qcow2 header length %u is not in %u..%u", len,
			(unsigned)QCOW2_V3_HEADER, q->cluster);
	if (get_be32(h->refcount_order) > REFCOUNT_ORDER_MAX)
		return error_set(e, ERR_CORRUPT, "refcount order %u is more than %u",
			get_be32(h->refcount_order), (unsigned)REFCOUNT_ORDER_MAX);
	rc = check_features(q, h, bits, e);
	if (rc)
		return rc;
	q->corrupt = has_feature(bits, QCOW2_CORRUPT);
	q->has_data_file = has_feature(bits, QCOW2_DATA_FILE);
	q->extended_l2 = has_feature(bits, QCOW2_EXTENDED_L2);
	if (q->extended_l2 && q->cluster_bits < QCOW2_EXTENDED_MIN_BITS)
		return error_set(e, ERR_CORRUPT,
			"extended L2 entries with clusters of %u bytes; %u is the least",
			q->cluster, 1u << QCOW2_EXTENDED_MIN_BITS);
	return load_compression(q, h, bits, e);
}

static int load_version(struct qcow2 *q, const struct qcow2_header *h, struct error *e)
{
	uint32_t bits = get_be32(h->cluster_bits);

	q->version = get_be32(h->version);
	if (q->version != 2 && q->version != 3)
		return error_set(e, ERR_UNSUPPORTED, "qcow2 version %u is not 2 or 3", q->version);
	if (bits < QCOW2_MIN_BITS || bits > QCOW2_MAX_BITS)
		return error_set(e, ERR_CORRUPT, "cluster size of 2^%u bytes is not in 2^%u..2^%u",
			bits, (unsigned)QCOW2_MIN_BITS, (unsigned)QCOW2_MAX_BITS);
	q->cluster_bits = bits;
	q->cluster = UINT32_C(1) << bits;
	q->page = q->cluster < QCOW2_PAGE ? q->cluster : QCOW2_PAGE;
	q->crypt_method = get_be32(h->crypt_method);
	q->snapshots = get_be32(h->snapshots);
	q->snapshots_off = get_be64(h->snapshots_off);
	return q->version == 3 ? load_v3(q, h, e) : 0;
}

/* The table has to describe all of the guest and to lie in the file. */
int qcow2_use_l1(struct qcow2 *q, uint64_t off, uint32_t entries, uint64_t size, struct error *e)
{
	uint64_t table_span = (uint64_t)q->cluster << qcow2_l2_bits(q);
	uint64_t needed = div_up(size, table_span);

	if (size % 512 || size > INT64_MAX)
		return error_set(e, ERR_UNSUPPORTED,
			"virtual size %llu is not a multiple of 512 bytes below 8 EiB",
			(unsigned long long)size);
	if (needed > L1_BYTES_MAX / sizeof(be64))
		return error_set(e, ERR_UNSUPPORTED,
			"virtual size %llu needs an L1 table of %llu entries; %u is the limit",
			(unsigned long long)size, (unsigned long long)needed,
			(unsigned)(L1_BYTES_MAX / sizeof(be64)));
	if (entries < needed)
		return error_set(e, ERR_CORRUPT,
			"L1 table has %u entries, virtual size %llu needs %llu", entries,
			(unsigned long long)size, (unsigned long long)needed);
	if (off % q->cluster)
		return error_set(e, ERR_CORRUPT, "L1 table is at %llu, not on a cluster",
			(unsigned long long)off);
	if (!range_fits(off, needed * sizeof(be64), q->file->size))
		return error_set(e, ERR_CORRUPT,
			"L1 table of %llu entries at %llu runs past the end of the file at %llu",
			(unsigned long long)needed, (unsigned long long)off,
			(unsigned long long)q->file->size);
	q->disk.size = size;
	q->l1_off = off;
	q->l1_count = needed;
	return 0;
}

static int load_size(struct qcow2 *q, const struct qcow2_header *h, struct error *e)
{
	return qcow2_use_l1(q, get_be64(h->l1_off), get_be32(h->l1_size), get_be64(h->size), e);
}

/* Reads a file name of `len` bytes, not terminated in the image. */
static int load_name(struct qcow2 *q, uint64_t off, uint32_t len, char **out, struct error *e)
{
	char *name;
	int rc;

	if (len > QCOW2_NAME_MAX || !range_fits(off, len, q->cluster) ||
		!range_fits(off, len, q->file->size))
		return error_set(e, ERR_CORRUPT,
			"file name of %u bytes at %llu is not inside the first cluster", len,
			(unsigned long long)off);
	name = calloc(1, (size_t)len + 1);
	if (!name)
		return error_nomem(e, "a file name");
	rc = disk_read(q->file, off, name, len, e);
	if (rc) {
		free(name);
		return rc;
	}
	*out = name;
	return 0;
}

static int load_backing(struct qcow2 *q, const struct qcow2_header *h, struct error *e)
{
	uint64_t off = get_be64(h->backing_off);
	uint32_t len = get_be32(h->backing_len);

	return off && len ? load_name(q, off, len, &q->backing, e) : 0;
}

/* Where the text of an extension goes; NULL for one that is not needed. */
static char **extension_name(struct qcow2 *q, uint32_t type)
{
	if (type == QCOW2_DATA_FILE_EXTENSION)
		return &q->data_file;
	return type == QCOW2_BACKING_FORMAT_EXTENSION ? &q->backing_format : NULL;
}

/* "Header extensions": each takes at least 8 bytes of the first cluster, which bounds the loop. */
static int load_extensions(struct qcow2 *q, const struct qcow2_header *h, struct error *e)
{
	uint64_t off = q->version == 2 ? QCOW2_V2_HEADER : get_be32(h->header_len);
	uint64_t end = get_be64(h->backing_off);
	struct qcow2_extension x;
	char **name;
	int rc;

	if (!end || end > q->cluster)
		end = q->cluster;
	end = min_u64(end, q->file->size);
	while (range_fits(off, sizeof(x), end)) {
		rc = disk_read(q->file, off, &x, sizeof(x), e);
		if (rc)
			return rc;
		off += sizeof(x);
		if (!get_be32(x.type))
			return 0;
		if (!range_fits(off, get_be32(x.len), end))
			return error_set(e, ERR_CORRUPT,
				"header extension 0x%08x of %u bytes at %llu runs past %llu",
				get_be32(x.type), get_be32(x.len), (unsigned long long)off,
				(unsigned long long)end);
		name = extension_name(q, get_be32(x.type));
		if (name && !*name) {
			rc = load_name(q, off, get_be32(x.len), name, e);
			if (rc)
				return rc;
		}
		off += round_up(get_be32(x.len), 8);
	}
	return 0;
}

int qcow2_load(struct qcow2 *q, struct error *e)
{
	struct qcow2_header h = { .compression = QCOW2_DEFLATE };
	int rc;

	if (q->file->size < QCOW2_V2_HEADER)
		return error_set(e, ERR_CORRUPT, "the file has %llu bytes, a qcow2 header %u",
			(unsigned long long)q->file->size, (unsigned)QCOW2_V2_HEADER);
	rc = disk_read(q->file, 0, &h, (size_t)min_u64(sizeof(h), q->file->size), e);
	if (rc)
		return rc;
	if (memcmp(h.magic, "QFI\xfb", sizeof(h.magic)))
		return error_set(e, ERR_CORRUPT, "no qcow2 magic at offset 0");
	if ((rc = load_version(q, &h, e)) || (rc = load_backing(q, &h, e)) ||
		(rc = load_extensions(q, &h, e)) || (rc = load_size(q, &h, e)))
		return rc;
	q->data_end = q->has_data_file ? UINT64_MAX : q->file->size;
	return 0;
}
