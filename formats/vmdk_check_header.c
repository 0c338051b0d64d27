/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules about the header of a sparse extent, and about its copy at the end of a stream. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vmdk_check.h"

#define AT(field) offsetof(struct vmdk_header, field)

enum { TAIL = 3 * VMDK_SECTOR };

static const struct fault fault_short = { .code = "vmdk-header-short", .severity = SEVERITY_ERROR };
static const struct fault fault_magic = { .code = "vmdk-magic", .severity = SEVERITY_ERROR };
static const struct fault fault_version = { .code = "vmdk-version", .severity = SEVERITY_ERROR };
static const struct fault fault_line_ends = { .code = "vmdk-line-ends",
	.severity = SEVERITY_ERROR,
	.fix = "copy the file again, as binary" };
static const struct fault fault_flags = { .code = "vmdk-flags", .severity = SEVERITY_WARNING };
static const struct fault fault_compression = { .code = "vmdk-compression",
	.severity = SEVERITY_ERROR };
static const struct fault fault_zeroed = { .code = "vmdk-zeroed-version",
	.severity = SEVERITY_WARNING };
static const struct fault fault_capacity = { .code = "vmdk-capacity", .severity = SEVERITY_ERROR };
static const struct fault fault_grain = { .code = "vmdk-grain-size", .severity = SEVERITY_ERROR };
static const struct fault fault_per_table = { .code = "vmdk-per-table",
	.severity = SEVERITY_ERROR };
static const struct fault fault_directory = { .code = "vmdk-directory-place",
	.severity = SEVERITY_ERROR };
static const struct fault fault_redundant = { .code = "vmdk-redundant-place",
	.severity = SEVERITY_ERROR };
static const struct fault fault_descriptor = { .code = "vmdk-descriptor-place",
	.severity = SEVERITY_ERROR };
static const struct fault fault_unclean = { .code = "vmdk-unclean",
	.severity = SEVERITY_WARNING,
	.fix = "start and stop the virtual machine, or convert" };
static const struct fault fault_footer = { .code = "vmdk-footer", .severity = SEVERITY_ERROR };
static const struct fault fault_differs = { .code = "vmdk-footer-differs",
	.severity = SEVERITY_ERROR };

static int magic_check(struct vmdk_checker *k, bool *usable, struct error *e)
{
	const struct vmdk_header *h = &k->header;
	int rc;

	*usable = false;
	if (k->file->size < sizeof(*h))
		return check_find(k->check, &fault_short, 0, e,
			"the file has %" PRIu64 " bytes, a header %zu", k->file->size, sizeof(*h));
	rc = disk_read(k->file, 0, &k->header, sizeof(*h), e);
	if (rc)
		return rc;
	if (memcmp(h->magic, "KDMV", 4) != 0)
		return check_find(k->check, &fault_magic, 0, e, "the signature is missing");
	if (!get_le32(h->version) || get_le32(h->version) > VMDK_VERSION_MAX)
		return check_find(k->check, &fault_version, AT(version), e,
			"version %u is not in 1..%u", get_le32(h->version),
			(unsigned)VMDK_VERSION_MAX);
	*usable = true;
	if (get_le32(h->flags) & VMDK_FLAG_LINE_ENDS && memcmp(h->line_ends, "\n \r\n", 4) != 0)
		return check_find(k->check, &fault_line_ends, AT(line_ends), e,
			"the line ends were changed: the file was copied as text");
	return 0;
}

/* A footer is the header once more, but for the place of the directories. */
static bool footer_agrees(const struct vmdk_header *a, const struct vmdk_header *b)
{
	return !memcmp(a->version.b, b->version.b, sizeof(a->version)) &&
		!memcmp(a->flags.b, b->flags.b, sizeof(a->flags)) &&
		!memcmp(a->capacity.b, b->capacity.b, sizeof(a->capacity)) &&
		!memcmp(a->grain.b, b->grain.b, sizeof(a->grain)) &&
		!memcmp(a->per_table.b, b->per_table.b, sizeof(a->per_table)) &&
		!memcmp(a->compression.b, b->compression.b, sizeof(a->compression));
}

static int footer_check(struct vmdk_checker *k, bool *usable, struct error *e)
{
	uint8_t tail[TAIL];
	struct vmdk_mark m;
	struct vmdk_header footer;
	uint64_t at;
	int rc;

	if (get_le64(k->header.directory_off) != UINT64_MAX)
		return 0;
	*usable = false;
	if (k->file->size < VMDK_SECTOR + TAIL)
		return check_find(k->check, &fault_footer, k->file->size, e,
			"the file of %" PRIu64 " bytes has no room for a footer", k->file->size);
	at = k->file->size - TAIL;
	rc = disk_read(k->file, at, tail, sizeof(tail), e);
	if (rc)
		return rc;
	memcpy(&m, tail, sizeof(m));
	memcpy(&footer, tail + VMDK_SECTOR, sizeof(footer));
	if (get_le32(m.size) || get_le32(m.type) != VMDK_MARKER_FOOTER ||
		memcmp(footer.magic, "KDMV", 4) != 0)
		return check_find(k->check, &fault_footer, at, e,
			"the footer is missing in front of the end of the file at %" PRIu64,
			k->file->size);
	if (!footer_agrees(&k->header, &footer))
		return check_find(k->check, &fault_differs, at + VMDK_SECTOR, e,
			"the footer differs from the header");
	*usable = true;
	k->stream = true;
	k->header = footer;
	return 0;
}

static int flags_check(struct vmdk_checker *k, bool *usable, struct error *e)
{
	uint32_t flags = get_le32(k->header.flags), version = get_le32(k->header.version);
	unsigned compression = get_le16(k->header.compression);
	int rc = 0;

	k->compressed = flags & VMDK_FLAG_COMPRESSED;
	k->markers = flags & VMDK_FLAG_MARKERS;
	k->zeroed = flags & VMDK_FLAG_ZEROED;
	if (compression > 1 || !compression != !k->compressed) {
		*usable = false;
		return check_find(k->check, &fault_compression, AT(compression), e,
			"compression %u contradicts the flags 0x%x, or is not known", compression,
			flags);
	}
	if (flags & ~(uint32_t)VMDK_FLAGS_KNOWN)
		rc = check_find(
			k->check, &fault_flags, AT(flags), e, "unknown flags in 0x%x", flags);
	if (!rc && k->zeroed && version < 2)
		rc = check_find(k->check, &fault_zeroed, AT(version), e,
			"grains of zeros are flagged, which version %u does not have", version);
	if (!rc && k->header.unclean)
		rc = check_find(k->check, &fault_unclean, AT(unclean), e,
			"the disk was not closed (%u)", k->header.unclean);
	return rc;
}

static int sizes_check(struct vmdk_checker *k, bool *usable, struct error *e)
{
	uint64_t grain = get_le64(k->header.grain);

	k->capacity = get_le64(k->header.capacity);
	k->per_table = get_le32(k->header.per_table);
	*usable = false;
	if (!k->capacity || k->capacity > INT64_MAX / VMDK_SECTOR)
		return check_find(k->check, &fault_capacity, AT(capacity), e,
			"capacity of %" PRIu64 " sectors", k->capacity);
	if (!is_power_of_two(grain) || grain > VMDK_GRAIN_MAX)
		return check_find(k->check, &fault_grain, AT(grain), e,
			"grains of %" PRIu64 " sectors are no power of two up to %u", grain,
			(unsigned)VMDK_GRAIN_MAX);
	if (!k->per_table || k->per_table > VMDK_PER_TABLE_MAX)
		return check_find(k->check, &fault_per_table, AT(per_table), e,
			"grain tables of %u entries are not in 1..%u", k->per_table,
			(unsigned)VMDK_PER_TABLE_MAX);
	k->grain = (uint32_t)grain;
	k->tables = div_up(k->capacity, (uint64_t)k->grain * k->per_table);
	if (k->tables > VMDK_DIRECTORY_MAX)
		return check_find(k->check, &fault_capacity, AT(capacity), e,
			"capacity of %" PRIu64 " sectors needs %" PRIu64
			" grain tables; %u are the limit",
			k->capacity, k->tables, (unsigned)VMDK_DIRECTORY_MAX);
	*usable = true;
	return 0;
}

static bool sectors_fit(const struct vmdk_checker *k, uint64_t sector, uint64_t bytes)
{
	return sector <= INT64_MAX / VMDK_SECTOR &&
		range_fits(sector * VMDK_SECTOR, bytes, k->file->size);
}

static int directory_check(struct vmdk_checker *k, const struct fault *f, const char *which,
	uint64_t sector, uint64_t at, uint64_t *out, struct error *e)
{
	if (sector && sectors_fit(k, sector, k->tables * sizeof(le32))) {
		*out = sector;
		return 0;
	}
	return check_find(k->check, f, at, e,
		"%s directory of %" PRIu64 " entries at sector %" PRIu64
		" is past the end of the file at %" PRIu64,
		which, k->tables, sector, k->file->size);
}

static int places_check(struct vmdk_checker *k, struct error *e)
{
	const struct vmdk_header *h = &k->header;
	uint64_t off = get_le64(h->descriptor_off), len = get_le64(h->descriptor_size);
	int rc = directory_check(k, &fault_directory, "the", get_le64(h->directory_off),
		AT(directory_off), &k->directory, e);

	/* Streams flag a second directory that they do not have. */
	if (!rc && get_le32(h->flags) & VMDK_FLAG_REDUNDANT && !k->stream)
		rc = directory_check(k, &fault_redundant, "the redundant",
			get_le64(h->redundant_off), AT(redundant_off), &k->redundant, e);
	if (rc || !off || !len)
		return rc;
	if (len > VMDK_DESCRIPTOR_MAX / VMDK_SECTOR || !sectors_fit(k, off, len * VMDK_SECTOR))
		return check_find(k->check, &fault_descriptor, AT(descriptor_off), e,
			"descriptor of %" PRIu64 " sectors at sector %" PRIu64
			" is too long, or past the end of the file at %" PRIu64,
			len, off, k->file->size);
	k->descriptor_off = off * VMDK_SECTOR;
	k->descriptor_len = len * VMDK_SECTOR;
	return 0;
}

int vmdk_check_header(struct vmdk_checker *k, bool *usable, struct error *e)
{
	int rc = magic_check(k, usable, e);

	if (!rc && *usable)
		rc = footer_check(k, usable, e);
	if (!rc && *usable)
		rc = flags_check(k, usable, e);
	if (!rc && *usable)
		rc = sizes_check(k, usable, e);
	return rc || !*usable ? rc : places_check(k, e);
}
