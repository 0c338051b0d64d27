/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of a new VMDK, and the header and descriptor that say it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vmdk.h"

enum {
	VERSION = 3, /* with compressed grains */
	DESCRIPTOR_SECTORS = 20,
};

#define SIZE_MAX_BYTES ((uint64_t)VMDK_TABLES_MAX * VMDK_PER_TABLE * VMDK_GRAIN)

const struct format_option vmdk_options[] = {
	{ "subformat", "streamOptimized", "the only one that is written" },
	{ "adapter_type", "lsilogic|ide|buslogic",
		"controller that VMware attaches the disk to (default lsilogic)" },
	{ "compression_level", "fast|best", "quick, or as small as can be (default fast)" },
	{ NULL, NULL, NULL },
};

static int adapter_plan(const struct image_spec *spec, struct vmdk_plan *p, struct error *e)
{
	static const char *const known[] = { "lsilogic", "ide", "buslogic" };
	const char *text = option_value(spec->options, "adapter_type");

	p->adapter = known[0];
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(text, known[i])) {
			p->adapter = known[i];
			return 0;
		}
	}
	return error_set(e, ERR_USAGE, "adapter_type=%.64s: it is lsilogic, ide or buslogic", text);
}

static int level_plan(const struct image_spec *spec, struct vmdk_plan *p, struct error *e)
{
	const char *text = option_value(spec->options, "compression_level");

	p->best = text && !strcmp(text, "best");
	if (text && !p->best && strcmp(text, "fast") != 0)
		return error_set(e, ERR_USAGE, "compression_level=%.64s: it is fast or best", text);
	return 0;
}

static int subformat_plan(const struct image_spec *spec, struct error *e)
{
	const char *text = option_value(spec->options, "subformat");

	if (!text || !strcmp(text, "streamOptimized"))
		return 0;
	return error_set(
		e, ERR_USAGE, "subformat=%.64s: only streamOptimized VMDKs are written", text);
}

static int size_plan(const struct image_spec *spec, struct vmdk_plan *p, struct error *e)
{
	if (spec->logical_sector && spec->logical_sector != VMDK_SECTOR)
		return error_set(e, ERR_USAGE,
			"a VMDK has sectors of 512 bytes, the source of %u: use VHDX (-O vhdx)",
			spec->logical_sector);
	if (!spec->size)
		return error_set(e, ERR_USAGE, "a VMDK of 0 bytes cannot be made");
	if (spec->size % VMDK_SECTOR)
		return error_set(e, ERR_USAGE,
			"the size of %" PRIu64 " bytes is no whole number of sectors of 512 bytes",
			spec->size);
	if (spec->size > SIZE_MAX_BYTES)
		return error_set(e, ERR_USAGE,
			"a VMDK with grains of 64 KiB holds at most 256 TiB, not %" PRIu64 " bytes",
			spec->size);
	p->size = spec->size;
	return 0;
}

int vmdk_plan(const struct image_spec *spec, struct vmdk_plan *out, struct error *e)
{
	int rc = subformat_plan(spec, e);

	if (!rc)
		rc = adapter_plan(spec, out, e);
	if (!rc)
		rc = level_plan(spec, out, e);
	if (!rc)
		rc = size_plan(spec, out, e);
	out->identifier = spec->identifier;
	out->has_identifier = spec->has_identifier;
	return rc;
}

/*
 * The content's identifier.  The short one, which VMware compares with a child's, is the end of the
 * long one; all ones stand for "no parent", the value before that and 0 are avoided by VMware too.
 */
static void content_id(const struct vmdk_plan *p, const struct content_summary *c, uint32_t id[4])
{
	struct {
		uint8_t content[FAST_DIGEST_SIZE];
		uint8_t identifier[16];
		be64 size;
	} seed = { .size = put_be64(p->size) };
	uint8_t digest[FAST_DIGEST_SIZE];
	be32 part[4];

	memcpy(seed.content, c->digest, sizeof(seed.content));
	if (p->has_identifier)
		memcpy(seed.identifier, p->identifier.b, sizeof(seed.identifier));
	fast_digest(&seed, sizeof(seed), digest);
	memcpy(part, digest, sizeof(part));
	for (size_t i = 0; i < 4; i++)
		id[i] = get_be32(part[i]);
	if (!id[3] || id[3] >= UINT32_MAX - 1)
		id[3] ^= UINT32_C(1) << 30;
}

/* The text has a fixed name of the extent, which is this file: readers do not look for it. */
static void descriptor_make(
	const struct vmdk_plan *p, const struct content_summary *c, char *out, size_t room)
{
	bool ide = !strcmp(p->adapter, "ide");
	unsigned heads = ide ? 16 : 255;
	uint64_t sectors = p->size / VMDK_SECTOR;
	uint64_t cylinders = min_u64(max_u64(sectors / (63 * heads), 1), ide ? 16383 : 65535);
	uint32_t id[4];

	content_id(p, c, id);
	snprintf(out, room,
		"# Disk DescriptorFile\n"
		"version=1\n"
		"CID=%08x\n"
		"parentCID=ffffffff\n"
		"createType=\"streamOptimized\"\n"
		"\n"
		"# Extent description\n"
		"RW %" PRIu64 " SPARSE \"disk.vmdk\"\n"
		"\n"
		"# The Disk Data Base\n"
		"#DDB\n"
		"\n"
		"ddb.adapterType = \"%s\"\n"
		"ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
		"ddb.geometry.heads = \"%u\"\n"
		"ddb.geometry.sectors = \"63\"\n"
		"ddb.longContentID = \"%08x%08x%08x%08x\"\n"
		"ddb.toolsVersion = \"2147483647\"\n" /* not managed by VMware */
		"ddb.virtualHWVersion = \"4\"\n",
		id[3], sectors, p->adapter, cylinders, heads, id[0], id[1], id[2], id[3]);
}

void vmdk_head_make(const struct vmdk_plan *p, uint64_t directory, const struct content_summary *c,
	uint8_t *out)
{
	const struct vmdk_header h = {
		.magic = { 'K', 'D', 'M', 'V' },
		.version = put_le32(VERSION),
		.flags = put_le32(VMDK_FLAG_LINE_ENDS | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS),
		.capacity = put_le64(p->size / VMDK_SECTOR),
		.grain = put_le64(VMDK_GRAIN / VMDK_SECTOR),
		.descriptor_off = put_le64(1),
		.descriptor_size = put_le64(DESCRIPTOR_SECTORS),
		.per_table = put_le32(VMDK_PER_TABLE),
		.directory_off = put_le64(directory / VMDK_SECTOR),
		.overhead = put_le64(VMDK_HEAD_SIZE / VMDK_SECTOR),
		.line_ends = { '\n', ' ', '\r', '\n' },
		.compression = put_le16(1),
	};

	memset(out, 0, VMDK_HEAD_SIZE);
	memcpy(out, &h, sizeof(h));
	descriptor_make(p, c, (char *)out + VMDK_SECTOR, DESCRIPTOR_SECTORS * VMDK_SECTOR);
}
