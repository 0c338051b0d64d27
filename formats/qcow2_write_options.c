/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of a new qcow2, and which of it makes sense. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/size.h"
#include "formats/qcow2_write.h"

enum { NORMAL_CLUSTER = 65536, L1_ENTRIES_MAX = (32 << 20) / 8 /* what qemu opens */ };

const struct format_option qcow2_options[] = {
	{ "compat", "0.10|1.1", "version 2 or 3 of the format (default 1.1)" },
	{ "cluster_size", "512..2M", "unit of allocation, a power of two (default 64K)" },
	{ "compression_type", "zlib|zstd", "how clusters are compressed (default zlib)" },
	{ "compression_level", "fast|best", "of -c: quick, or as small as can be (default fast)" },
	{ "lazy_refcounts", "on|off", "qemu may postpone reference counts (default off)" },
	{ "extended_l2", "on|off", "allocate clusters by 32nds; QEMU 5.2 reads it (default off)" },
	{ NULL, NULL, NULL },
};

/* Which of two words a key says; false when it is not given. */
static int option_choice(const struct image_spec *spec, const char *key, const char *normal,
	const char *other, bool *out, struct error *e)
{
	const char *text = option_value(spec->options, key);

	*out = text && !strcmp(text, other);
	if (text && !*out && strcmp(text, normal))
		return error_set(
			e, ERR_USAGE, "%s=%.64s: it is %s or %s", key, text, normal, other);
	return 0;
}

static int cluster_plan(const struct image_spec *spec, struct qcow2_plan *p, struct error *e)
{
	const char *text = option_value(spec->options, "cluster_size");
	uint64_t size = NORMAL_CLUSTER;
	int rc = text ? size_parse(text, &size, e) : 0;

	if (rc)
		return error_prefix(e, "cluster_size");
	if (!is_power_of_two(size) || size < 1 << QCOW2_MIN_BITS || size > 1 << QCOW2_MAX_BITS)
		return error_set(e, ERR_USAGE,
			"cluster_size=%" PRIu64 " is not a power of two from 512 to 2M", size);
	p->cluster_bits = QCOW2_MIN_BITS;
	while (UINT64_C(1) << p->cluster_bits < size)
		p->cluster_bits++;
	if (p->extended_l2 && p->cluster_bits < QCOW2_EXTENDED_MIN_BITS)
		return error_set(e, ERR_USAGE,
			"extended_l2=on needs a cluster_size of %u or more, not %" PRIu64,
			1u << QCOW2_EXTENDED_MIN_BITS, size);
	return 0;
}

static int features_plan(const struct image_spec *spec, struct qcow2_plan *p, struct error *e)
{
	bool old;
	int rc = option_choice(spec, "compat", "1.1", "0.10", &old, e);

	if (!rc)
		rc = option_choice(spec, "lazy_refcounts", "off", "on", &p->lazy_refcounts, e);
	if (!rc)
		rc = option_choice(spec, "extended_l2", "off", "on", &p->extended_l2, e);
	if (rc)
		return rc;
	p->version = old ? 2 : 3;
	if (old && p->extended_l2)
		return error_set(e, ERR_USAGE, "extended_l2=on needs compat=1.1, not 0.10");
	if (old && p->lazy_refcounts)
		return error_set(e, ERR_USAGE, "lazy_refcounts=on needs compat=1.1, not 0.10");
	return 0;
}

static int compression_plan(const struct image_spec *spec, struct qcow2_plan *p, struct error *e)
{
	const char *level = option_value(spec->options, "compression_level");
	bool zstd;
	int rc = option_choice(spec, "compression_type", "zlib", "zstd", &zstd, e);

	if (!rc)
		rc = option_choice(spec, "compression_level", "fast", "best", &p->best, e);
	if (rc)
		return rc;
	if (zstd && p->version == 2)
		return error_set(e, ERR_USAGE, "compression_type=zstd needs compat=1.1, not 0.10");
	if (level && !spec->compress)
		return error_set(e, ERR_USAGE,
			"compression_level=%s: nothing is compressed without -c", level);
	p->compression = zstd ? QCOW2_ZSTD : QCOW2_DEFLATE;
	p->compress = spec->compress;
	return 0;
}

uint64_t qcow2_l1_entries(uint64_t size, unsigned cluster_bits, bool extended_l2)
{
	/* A table has an entry of 8 bytes, or 16, for each cluster. */
	return div_up(size, UINT64_C(1) << (2 * cluster_bits - (extended_l2 ? 4 : 3)));
}

static int size_plan(const struct image_spec *spec, struct qcow2_plan *p, struct error *e)
{
	unsigned bits = p->cluster_bits;

	if (spec->size % 512)
		return error_set(e, ERR_USAGE,
			"the size of %" PRIu64 " bytes is no multiple of 512", spec->size);
	while (qcow2_l1_entries(spec->size, bits, p->extended_l2) > L1_ENTRIES_MAX &&
		bits < QCOW2_MAX_BITS)
		bits++;
	if (spec->size > INT64_MAX ||
		qcow2_l1_entries(spec->size, bits, p->extended_l2) > L1_ENTRIES_MAX)
		return error_set(e, ERR_USAGE,
			"a disk of %" PRIu64 " bytes does not fit into a qcow2", spec->size);
	if (bits != p->cluster_bits)
		return error_set(e, ERR_USAGE,
			"cluster_size=%u: a disk of %" PRIu64 " bytes needs clusters of %u or more",
			1u << p->cluster_bits, spec->size, 1u << bits);
	p->size = spec->size;
	p->parent = spec->parent;
	p->like = (const struct qcow2 *)spec->like;
	return 0;
}

int qcow2_plan(const struct image_spec *spec, struct qcow2_plan *out, struct error *e)
{
	int rc = features_plan(spec, out, e);

	if (!rc)
		rc = cluster_plan(spec, out, e);
	if (!rc)
		rc = compression_plan(spec, out, e);
	return rc ? rc : size_plan(spec, out, e);
}
