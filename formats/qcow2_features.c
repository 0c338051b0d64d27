/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image itself calls the features that a reader does not know: its "Feature name table". */
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2.h"

enum { INCOMPATIBLE = 0 };

/* The place of the table, in the first cluster; *len stays 0 when there is none.  Each extension
 * takes at least 8 bytes, which bounds the loop. */
static int table_find(struct disk *file, const struct qcow2_header *h, uint64_t *off, uint64_t *len,
	struct error *e)
{
	uint32_t bits = get_be32(h->cluster_bits);
	uint64_t end = bits > QCOW2_MAX_BITS ? 0 : min_u64(UINT64_C(1) << bits, file->size);
	struct qcow2_extension x;

	*len = 0;
	*off = get_be32(h->header_len);
	while (range_fits(*off, sizeof(x), end)) {
		int rc = disk_read(file, *off, &x, sizeof(x), e);

		if (rc)
			return rc;
		*off += sizeof(x);
		if (get_be32(x.type) == QCOW2_END_EXTENSION ||
			!range_fits(*off, get_be32(x.len), end))
			return 0;
		if (get_be32(x.type) == QCOW2_FEATURE_NAMES_EXTENSION) {
			*len = get_be32(x.len);
			return 0;
		}
		*off += round_up(get_be32(x.len), 8);
	}
	return 0;
}

/* Anybody may have written the name: only what is ASCII text is shown as it is. */
static int name_add(struct buffer *out, const struct qcow2_feature_name *n, struct error *e)
{
	char name[sizeof(n->name) + 1] = { 0 };

	memcpy(name, n->name, sizeof(n->name));
	for (char *c = name; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	return *name ? buffer_format(out, e, " (%s)", name) : 0;
}

/* The first entry for the bit counts. */
static int bit_name(struct disk *file, uint64_t off, uint64_t len, unsigned bit, struct buffer *out,
	struct error *e)
{
	struct qcow2_feature_name n;
	uint64_t count = min_u64(len / sizeof(n), QCOW2_FEATURE_NAMES_MAX);

	for (uint64_t i = 0; i < count; i++) {
		int rc = disk_read(file, off + i * sizeof(n), &n, sizeof(n), e);

		if (rc)
			return rc;
		if (n.kind == INCOMPATIBLE && n.bit == bit)
			return name_add(out, &n, e);
	}
	return 0;
}

int qcow2_features_text(struct disk *file, const struct qcow2_header *h, uint64_t bits,
	struct buffer *out, struct error *e)
{
	uint64_t off, len;
	int rc = table_find(file, h, &off, &len, e);

	for (unsigned i = 0; i < 64 && !rc; i++) {
		if (!(bits >> i & 1))
			continue;
		rc = buffer_format(out, e, "%s%u", out->len ? ", " : "", i);
		if (!rc)
			rc = bit_name(file, off, len, i, out, e);
	}
	return rc;
}
