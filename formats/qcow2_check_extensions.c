/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header extensions and the name of the backing file. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_check.h"

enum extension_type {
	EXTENSION_END = 0,
	EXTENSION_BITMAPS = 0x23852875,
	EXTENSION_CRYPTO = 0x0537be77,
	EXTENSION_DATA_FILE = 0x44415441,
};

enum { NAME_MAX_BYTES = 1023, CRYPT_LUKS = 2 };

struct extension {
	be32 type;
	be32 len;
};

/* "Bitmaps extension" */
struct bitmaps_extension {
	be32 count; /* +0x00 */
	be32 reserved; /* +0x04 */
	be64 size; /* +0x08 bytes of the directory */
	be64 off; /* +0x10 */
};

/* "Full disk encryption header pointer" */
struct crypto_extension {
	be64 off; /* +0x00 */
	be64 len; /* +0x08 */
};

static const struct fault fault_range = { .code = "qcow2-extension-range",
	.severity = SEVERITY_ERROR };
static const struct fault fault_length = { .code = "qcow2-extension-length",
	.severity = SEVERITY_ERROR };
static const struct fault fault_bitmaps = { .code = "qcow2-bitmaps-extension",
	.severity = SEVERITY_ERROR };
static const struct fault fault_stale = { .code = "qcow2-bitmaps-stale",
	.severity = SEVERITY_WARNING,
	.fix = "nobody reads them; hvimg check --repair writes a copy without them" };
static const struct fault fault_crypto = { .code = "qcow2-encryption-header",
	.severity = SEVERITY_ERROR };
static const struct fault fault_backing = { .code = "qcow2-backing-name",
	.severity = SEVERITY_ERROR };
static const struct fault fault_data_file = { .code = "qcow2-data-file-name",
	.severity = SEVERITY_WARNING };

/* What the extensions had. */
struct seen {
	bool bitmaps, crypto, data_file;
};

static int bitmaps_check(struct qcow2_checker *k, uint64_t at, uint32_t len, struct error *e)
{
	struct bitmaps_extension x;
	int rc;

	if (len != sizeof(x))
		return check_find(k->check, &fault_length, at, e,
			"bitmaps extension of %u bytes, not %zu", len, sizeof(x));
	rc = disk_read(k->file, at, &x, sizeof(x), e);
	if (rc)
		return rc;
	/* "If the consistency bit is not set, the extension is to be ignored" */
	if (!(k->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return check_find(k->check, &fault_stale, at, e,
			"%u bitmaps were left behind by software that does not know them",
			get_be32(x.count));
	if (!get_be32(x.count) || get_be32(x.count) > UINT16_MAX || get_be32(x.reserved))
		return check_find(k->check, &fault_bitmaps, at, e,
			"%u bitmaps are not in 1..%u, or a reserved field is not zero: 0x%x",
			get_be32(x.count), (unsigned)UINT16_MAX, get_be32(x.reserved));
	return qcow2_check_bitmaps(k, get_be64(x.off), get_be64(x.size), get_be32(x.count), e);
}

static int crypto_check(struct qcow2_checker *k, uint64_t at, uint32_t len, struct error *e)
{
	struct crypto_extension x;
	uint64_t off, size;
	int rc;

	if (len != sizeof(x))
		return check_find(k->check, &fault_length, at, e,
			"encryption extension of %u bytes, not %zu", len, sizeof(x));
	rc = disk_read(k->file, at, &x, sizeof(x), e);
	if (rc)
		return rc;
	off = get_be64(x.off);
	size = get_be64(x.len);
	if (off % k->cluster || !qcow2_place_fits(k, off, size))
		return check_find(k->check, &fault_crypto, at, e,
			"encryption header of %" PRIu64 " bytes at %" PRIu64
			" is not on a cluster, or past the end of the file at %" PRIu64,
			size, off, k->file->size);
	qcow2_fixed_add(k, off, size, QCOW2_USE_HEADER);
	return 0;
}

static int extension_check(struct qcow2_checker *k, uint32_t type, uint64_t at, uint32_t len,
	struct seen *seen, struct error *e)
{
	switch ((enum extension_type)type) {
	case EXTENSION_BITMAPS:
		/* Readers could differ in which of two they take. */
		if (seen->bitmaps)
			return check_find(k->check, &fault_bitmaps, at, e,
				"there are two bitmaps extensions");
		seen->bitmaps = true;
		return bitmaps_check(k, at, len, e);
	case EXTENSION_CRYPTO:
		if (seen->crypto)
			return check_find(k->check, &fault_crypto, at, e,
				"there are two encryption extensions");
		seen->crypto = true;
		return crypto_check(k, at, len, e);
	case EXTENSION_DATA_FILE:
		seen->data_file = true;
		if (len && len <= NAME_MAX_BYTES)
			return 0;
		return check_find(k->check, &fault_length, at, e,
			"name of the data file has %u bytes, not 1..%u", len,
			(unsigned)NAME_MAX_BYTES);
	case EXTENSION_END:
		break;
	}
	return 0; /* what is not known may be ignored */
}

/* Each takes at least 8 bytes of the first cluster, which bounds the loop. */
static int extensions_walk(struct qcow2_checker *k, struct seen *seen, struct error *e)
{
	uint64_t off = k->version == 2 ? QCOW2_V2_HEADER : get_be32(k->header.header_len);
	uint64_t end = get_be64(k->header.backing_off);
	struct extension x;

	end = end && end < k->cluster ? end : k->cluster;
	end = min_u64(end, k->file->size);
	while (range_fits(off, sizeof(x), end)) {
		int rc = disk_read(k->file, off, &x, sizeof(x), e);

		if (rc || !get_be32(x.type))
			return rc;
		off += sizeof(x);
		if (!range_fits(off, get_be32(x.len), end))
			return check_find(k->check, &fault_range, off - sizeof(x), e,
				"header extension 0x%08x of %u bytes runs past %" PRIu64,
				get_be32(x.type), get_be32(x.len), end);
		rc = extension_check(k, get_be32(x.type), off, get_be32(x.len), seen, e);
		if (rc)
			return rc;
		off += round_up(get_be32(x.len), 8);
	}
	return 0;
}

static int backing_check(struct qcow2_checker *k, struct error *e)
{
	uint64_t off = get_be64(k->header.backing_off);
	uint32_t len = get_be32(k->header.backing_len);

	if (!off || (len <= NAME_MAX_BYTES && range_fits(off, len, k->cluster)))
		return 0;
	return check_find(k->check, &fault_backing, offsetof(struct qcow2_header, backing_off), e,
		"name of the backing file, %u bytes at %" PRIu64
		", is longer than %u or not in the first cluster",
		len, off, (unsigned)NAME_MAX_BYTES);
}

int qcow2_check_extensions(struct qcow2_checker *k, struct error *e)
{
	bool luks = get_be32(k->header.crypt_method) == CRYPT_LUKS;
	struct seen seen = { 0 };
	int rc = backing_check(k, e);

	if (!rc)
		rc = extensions_walk(k, &seen, e);
	if (!rc && seen.crypto != luks)
		rc = check_find(k->check, &fault_crypto,
			offsetof(struct qcow2_header, crypt_method), e,
			"encryption method %u %s an encryption header",
			get_be32(k->header.crypt_method), luks ? "without" : "with");
	if (!rc && seen.data_file != k->has_data_file)
		rc = check_find(k->check, &fault_data_file,
			offsetof(struct qcow2_header, incompatible), e,
			k->has_data_file ? "the data file is not named"
					 : "a data file is named that the image does not use");
	return rc;
}
