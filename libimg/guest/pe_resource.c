/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The resources of a PE image: Microsoft, "PE Format", section ".rsrc". */
#include "guest/pe_resource.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	DIRECTORY_RESOURCE = 2,
	DIRECTORIES_32 = 96, /* of the optional header, where the data directories begin */
	DIRECTORIES_64 = 112,
	RT_VERSION = 16,
	LEVELS = 3, /* type, name, language */
	ENTRY_LIMIT = 4096,
};

static const uint32_t fixed_signature = 0xfeef04bd; /* of VS_FIXEDFILEINFO */

struct resource_directory {
	le32 flags, time;
	le16 major, minor;
	le16 named, numbered; /* +0xc: how many entries of each kind follow */
};
_Static_assert(sizeof(struct resource_directory) == 16, "resource directory");

struct resource_entry {
	le32 id; /* or a name, with the top bit */
	le32 offset; /* from the start of the resources; with the top bit: of a directory */
};
_Static_assert(sizeof(struct resource_entry) == 8, "resource entry");

struct resource_data {
	le32 address; /* where it is loaded, unlike all the offsets */
	le32 size, code_page, reserved;
};
_Static_assert(sizeof(struct resource_data) == 16, "resource data");

/* VS_VERSIONINFO up to the file version of its VS_FIXEDFILEINFO. */
struct version_resource {
	le16 length, value_length, type;
	uint8_t key[32]; /* "VS_VERSION_INFO" in UTF-16 */
	uint8_t padding[2];
	le32 signature; /* +0x28 */
	le32 structure;
	le32 file_high, file_low; /* +0x30 */
};
_Static_assert(sizeof(struct version_resource) == 56, "version resource");

struct resources {
	const struct initramfs_source *source;
	const struct pe *pe;
	uint32_t address, size;
};

/* Reads what is loaded at `address`, out of the section that has it. */
static int loaded_read(
	const struct resources *r, uint64_t address, void *buf, size_t len, struct error *e)
{
	for (size_t i = 0; i < r->pe->section_count; i++) {
		const struct pe_section *s = &r->pe->section[i];

		if (address >= s->address && range_fits(address - s->address, len, s->size))
			return r->source->read(
				r->source->arg, s->offset + (address - s->address), buf, len, e);
	}
	return error_set(e, ERR_CORRUPT,
		"PE resource of %zu bytes at 0x%" PRIx64 ", where no section is", len, address);
}

static int part_read(
	const struct resources *r, uint32_t offset, void *buf, size_t len, struct error *e)
{
	if (!range_fits(offset, len, r->size))
		return error_set(e, ERR_CORRUPT,
			"PE resource entry at offset %" PRIu32 " of %" PRIu32, offset, r->size);
	return loaded_read(r, (uint64_t)r->address + offset, buf, len, e);
}

static int resources_find(struct resources *r, struct error *e)
{
	const struct pe *pe = r->pe;
	const uint32_t first = pe->is_64 ? DIRECTORIES_64 : DIRECTORIES_32;
	const uint64_t at = (uint64_t)pe->optional + first + 8 * DIRECTORY_RESOURCE;
	le32 count, directory[2];
	int rc;

	if (at + sizeof(directory) > pe->table)
		return 0;
	rc = r->source->read(r->source->arg, pe->optional + first - 4, &count, sizeof(count), e);
	if (!rc)
		rc = r->source->read(r->source->arg, at, directory, sizeof(directory), e);
	if (rc || get_le32(count) <= DIRECTORY_RESOURCE)
		return rc;
	r->address = get_le32(directory[0]);
	r->size = get_le32(directory[1]);
	return 0;
}

/* The first entry of that number, of any with `id` 0.  *found false: there is none. */
static int entry_find(const struct resources *r, uint32_t directory, uint32_t id,
	struct resource_entry *out, bool *found, struct error *e)
{
	struct resource_directory d;
	size_t count = 0;
	int rc = part_read(r, directory, &d, sizeof(d), e);

	*found = false;
	if (!rc)
		count = (size_t)get_le16(d.named) + get_le16(d.numbered);
	if (count > ENTRY_LIMIT)
		return error_set(e, ERR_CORRUPT,
			"PE resource directory of %zu entries at offset %" PRIu32, count,
			directory);
	for (size_t i = 0; i < count && !rc && !*found; i++) {
		rc = part_read(r, directory + (uint32_t)(sizeof(d) + i * sizeof(*out)), out,
			sizeof(*out), e);
		*found = !rc && (!id || get_le32(out->id) == id);
	}
	return rc;
}

static int version_find(const struct resources *r, uint32_t *offset, bool *found, struct error *e)
{
	uint32_t directory = 0;

	for (int level = 1; level <= LEVELS; level++) {
		struct resource_entry entry;
		const uint32_t id = level == 1 ? RT_VERSION : 0;
		int rc = entry_find(r, directory, id, &entry, found, e);
		const uint32_t next = !rc && *found ? get_le32(entry.offset) : 0;

		if (rc || !*found)
			return rc;
		if ((next >> 31) != (level < LEVELS))
			return error_set(e, ERR_CORRUPT,
				"PE resource entry of level %d points to 0x%" PRIx32, level, next);
		directory = next & 0x7fffffff;
	}
	*offset = directory;
	return 0;
}

int pe_file_version(const struct initramfs_source *source, const struct pe *pe, uint16_t version[4],
	bool *found, struct error *e)
{
	struct resources r = { .source = source, .pe = pe };
	struct resource_data data = { 0 };
	struct version_resource v = { 0 };
	uint32_t offset = 0;
	int rc = resources_find(&r, e);

	*found = false;
	if (rc || !r.size)
		return rc;
	rc = version_find(&r, &offset, found, e);
	if (!rc && *found)
		rc = part_read(&r, offset, &data, sizeof(data), e);
	if (rc || !*found)
		return rc;
	*found = get_le32(data.size) >= sizeof(v);
	if (!*found)
		return 0;
	rc = loaded_read(&r, get_le32(data.address), &v, sizeof(v), e);
	*found = !rc && get_le32(v.signature) == fixed_signature;
	version[0] = (uint16_t)(get_le32(v.file_high) >> 16);
	version[1] = (uint16_t)get_le32(v.file_high);
	version[2] = (uint16_t)(get_le32(v.file_low) >> 16);
	version[3] = (uint16_t)get_le32(v.file_low);
	return rc;
}
