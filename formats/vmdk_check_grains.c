/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grain directories and grain tables of a sparse extent, and where the grains are. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vmdk_check.h"

enum { ENTRY_ZEROED = 1 };

static const struct fault fault_overlap = { .code = "vmdk-overlap", .severity = SEVERITY_ERROR };
static const struct fault fault_table = { .code = "vmdk-table-range", .severity = SEVERITY_ERROR };
static const struct fault fault_table_twice = { .code = "vmdk-table-overlap",
	.severity = SEVERITY_ERROR };
static const struct fault fault_redundant = { .code = "vmdk-redundant-differs",
	.severity = SEVERITY_ERROR };
static const struct fault fault_range = { .code = "vmdk-grain-range", .severity = SEVERITY_ERROR };
static const struct fault fault_grain_twice = { .code = "vmdk-grain-overlap",
	.severity = SEVERITY_ERROR };
static const struct fault fault_sector = { .code = "vmdk-grain-sector",
	.severity = SEVERITY_ERROR };
static const struct fault fault_packed = { .code = "vmdk-grain-length",
	.severity = SEVERITY_ERROR };

static bool first_part(const struct vmdk_checker *k)
{
	return !k->used.first;
}

static uint64_t table_bytes(const struct vmdk_checker *k)
{
	return k->per_table * sizeof(le32);
}

static int area_use(
	struct vmdk_checker *k, const char *what, uint64_t off, uint64_t len, struct error *e)
{
	uint64_t first = off / VMDK_SECTOR, end = div_up(off + len, VMDK_SECTOR);

	if (!len || !bitmap_set(&k->used, first, end - first))
		return 0;
	return check_lost(k->check, &fault_overlap, off, e,
		"%s, %" PRIu64 " bytes, lies over something else", what, len);
}

/* What an extent has once. */
static int areas_use(struct vmdk_checker *k, struct error *e)
{
	uint64_t directory = k->tables * sizeof(le32);
	int rc = area_use(k, "the header", 0, VMDK_SECTOR, e);

	if (!rc && k->stream)
		rc = area_use(k, "the footer", k->file->size - 3 * VMDK_SECTOR, 3 * VMDK_SECTOR, e);
	if (!rc)
		rc = area_use(k, "the descriptor", k->descriptor_off, k->descriptor_len, e);
	if (!rc && k->directory)
		rc = area_use(k, "the directory", k->directory * VMDK_SECTOR, directory, e);
	if (!rc && k->redundant)
		rc = area_use(
			k, "the redundant directory", k->redundant * VMDK_SECTOR, directory, e);
	return rc;
}

/* The sectors of a compressed grain, by the marker in front of it; 0 when it is wrong. */
static int packed_sectors(struct vmdk_checker *k, uint64_t grain, uint64_t off, uint64_t at,
	uint64_t *out, struct error *e)
{
	uint64_t max = 2 * (uint64_t)k->grain * VMDK_SECTOR, sector = grain * k->grain;
	struct vmdk_mark m;
	uint32_t size;
	int rc;

	*out = 0;
	if (!range_fits(off, sizeof(m), k->file->size))
		return check_lost(k->check, &fault_packed, at, e,
			"the grain at %" PRIu64 " is cut inside its marker", off);
	rc = disk_read(k->file, off, &m, sizeof(m), e);
	if (rc)
		return rc;
	size = get_le32(m.size);
	if (get_le64(m.value) != sector)
		return first_part(k) ? check_lost(k->check, &fault_sector, off, e,
					       "the marker is of sector %" PRIu64 ", not %" PRIu64,
					       get_le64(m.value), sector)
				     : 0;
	if (!size || size > max || !range_fits(off + VMDK_GRAIN_MARKER, size, k->file->size))
		return first_part(k) ? check_lost(k->check, &fault_packed, off, e,
					       "grain of %u compressed bytes, more than %" PRIu64
					       " or past the end of the file at %" PRIu64,
					       size, max, k->file->size)
				     : 0;
	*out = div_up(VMDK_GRAIN_MARKER + size, VMDK_SECTOR);
	return 0;
}

/* Entry of a grain, at file offset `at`. */
static int grain_check(
	struct vmdk_checker *k, uint64_t grain, uint32_t entry, uint64_t at, struct error *e)
{
	uint64_t off = (uint64_t)entry * VMDK_SECTOR, sectors = k->grain;
	int rc = 0;

	if (!entry || (entry == ENTRY_ZEROED && k->zeroed))
		return 0;
	/* The last grain of a file may be cut short. */
	if (off >= k->file->size)
		return first_part(k) ? check_lost(k->check, &fault_range, at, e,
					       "grain %" PRIu64 " is at %" PRIu64
					       ", past the end of the file at %" PRIu64,
					       grain, off, k->file->size)
				     : 0;
	if (k->compressed && k->markers)
		rc = packed_sectors(k, grain, off, at, &sectors, e);
	else if (k->compressed)
		sectors = 1;
	if (rc || !sectors || !bitmap_set(&k->used, entry, sectors))
		return rc;
	return check_lost(k->check, &fault_grain_twice, at, e,
		"grain %" PRIu64 " at %" PRIu64 " lies over another grain, or over what is none",
		grain, off);
}

static int table_read(
	struct vmdk_checker *k, uint32_t sector, le32 *out, bool *zero, struct error *e)
{
	return hole_read(&k->hole, k->file, (uint64_t)sector * VMDK_SECTOR, out,
		(size_t)table_bytes(k), zero, e);
}

/* Both copies of a table have to say the same. */
static int redundant_check(
	struct vmdk_checker *k, uint32_t sector, uint32_t other, uint64_t at, struct error *e)
{
	bool zero;
	int rc;

	if (!first_part(k) || !k->directory || !k->redundant)
		return 0;
	if (!sector != !other)
		return check_lost(k->check, &fault_redundant, at, e,
			"a grain table is at sector %u, its copy at %u: one is missing", sector,
			other);
	if (!other || !range_fits((uint64_t)other * VMDK_SECTOR, table_bytes(k), k->file->size))
		return 0;
	rc = table_read(k, other, k->other_table, &zero, e);
	if (rc || !memcmp(k->table, k->other_table, (size_t)table_bytes(k)))
		return rc;
	return check_lost(k->check, &fault_redundant, (uint64_t)other * VMDK_SECTOR, e,
		"the redundant grain table differs from the one at sector %u", sector);
}

static int table_walk(struct vmdk_checker *k, uint64_t n, uint32_t sector, struct error *e)
{
	uint64_t at = (uint64_t)sector * VMDK_SECTOR, first = n * k->per_table;
	uint64_t grains = div_up(k->capacity, k->grain);
	uint64_t count = min_u64(k->per_table, grains - first);
	int rc = 0;

	for (uint64_t i = 0; i < count && !rc; i++)
		rc = grain_check(k, first + i, get_le32(k->table[i]), at + i * sizeof(le32), e);
	return rc;
}

/* Notes the sectors of a grain table; *sound is false when it is not to be read. */
static int table_use(
	struct vmdk_checker *k, uint32_t sector, uint64_t at, bool *sound, struct error *e)
{
	uint64_t off = (uint64_t)sector * VMDK_SECTOR, len = table_bytes(k);

	*sound = sector && range_fits(off, len, k->file->size);
	if (!sector || (!*sound && !first_part(k)))
		return 0;
	if (!*sound)
		return check_lost(k->check, &fault_table, at, e,
			"grain table at %" PRIu64 " is past the end of the file at %" PRIu64, off,
			k->file->size);
	/* Tables that lie over each other could be more than there is room for: not without end. */
	*sound = k->walked++ <= k->file->size / len;
	if (*sound && !bitmap_set(&k->used, sector, div_up(len, VMDK_SECTOR)))
		return 0;
	*sound = false;
	return check_lost(k->check, &fault_table_twice, at, e,
		"grain table at %" PRIu64 " lies over something else", off);
}

static int table_check(
	struct vmdk_checker *k, uint64_t n, uint32_t sector, uint32_t other, struct error *e)
{
	uint64_t directory = k->directory ? k->directory : k->redundant;
	uint64_t at = directory * VMDK_SECTOR + n * sizeof(le32);
	bool sound, other_sound, zero;
	int rc = table_use(k, sector, at, &sound, e);

	if (!rc && k->directory && k->redundant)
		rc = table_use(
			k, other, k->redundant * VMDK_SECTOR + n * sizeof(le32), &other_sound, e);
	if (!rc && sound)
		rc = table_read(k, sector, k->table, &zero, e);
	if (!rc && (sound || !sector))
		rc = redundant_check(k, sector, other, at, e);
	return rc || !sound ? rc : table_walk(k, n, sector, e);
}

/* Reads `len` bytes at `off` of both directories; the first is the redundant one when there is no
 * other. */
static int pages_read(struct vmdk_checker *k, uint64_t off, size_t len, bool *zero, struct error *e)
{
	uint64_t directory = k->directory ? k->directory : k->redundant;
	bool other_zero = true;
	int rc = hole_read(&k->hole, k->file, directory * VMDK_SECTOR + off, k->page, len, zero, e);

	if (!rc && k->directory && k->redundant)
		rc = hole_read(&k->hole, k->file, k->redundant * VMDK_SECTOR + off, k->other_page,
			len, &other_zero, e);
	*zero &= other_zero;
	return rc;
}

static int directory_walk(struct vmdk_checker *k, struct error *e)
{
	uint64_t end = k->tables * sizeof(le32);
	bool zero;

	for (uint64_t off = 0; off < end; off += VMDK_DIRECTORY_PAGE) {
		size_t len = (size_t)min_u64(end - off, VMDK_DIRECTORY_PAGE);
		int rc = pages_read(k, off, len, &zero, e);

		if (!rc)
			rc = check_progress(k->check, off, end, e);
		for (size_t i = 0; i < len / sizeof(le32) && !rc && !zero; i++)
			rc = table_check(k, off / sizeof(le32) + i, get_le32(k->page[i]),
				get_le32(k->other_page[i]), e);
		if (rc)
			return rc;
	}
	return 0;
}

int vmdk_check_grains(struct vmdk_checker *k, struct error *e)
{
	/* No entry names a sector further on; the last grain may reach past the end of the file. */
	uint64_t sectors = min_u64(div_up(k->file->size, VMDK_SECTOR), UINT32_MAX);
	int rc = bitmap_open(&k->used, sectors + k->grain, e);

	if (!k->directory && !k->redundant)
		return rc;
	do {
		k->walked = 0;
		if (!rc)
			rc = areas_use(k, e);
		if (!rc)
			rc = directory_walk(k, e);
	} while (!rc && bitmap_next(&k->used));
	return rc;
}
