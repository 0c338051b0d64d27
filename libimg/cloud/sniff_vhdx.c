/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VHDX as oslo.utils walks it: first region table, metadata table, virtual disk size. */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "cloud/sniff_private.h"

enum {
	REGIONS_AT = 192 << 10,
	TABLE_SIZE = 64 << 10, /* of either table */
	ENTRY_SIZE = 32, /* of either table */
	REGION_HEAD = 16,
	METADATA_HEAD = 32,
	ENTRIES_MAX = 2047,
	HAS_PARENT = 2, /* flag of the file parameters */
	/* Where os-win reads the places of metadata region and file parameters, searching for
	 * neither. */
	OS_WIN_REGION = REGION_HEAD + ENTRY_SIZE,
	OS_WIN_ITEM = METADATA_HEAD,
};

struct region_entry {
	uint8_t guid[16]; /* +0x00 */
	le64 offset; /* +0x10 in the file */
	le32 length; /* +0x18 */
	le32 required; /* +0x1c */
};

struct metadata_entry {
	uint8_t guid[16]; /* +0x00 */
	le32 offset; /* +0x10 in the metadata region */
	le32 length; /* +0x14 */
	le32 flags; /* +0x18 */
	le32 reserved; /* +0x1c */
};

/* 8B7CA206-4790-4B9A-B8FE-575F050F886E */
static const uint8_t metadata_region[16] = { 0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8,
	0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e };
/* 2FA54224-CD1B-4876-B211-5DBED83BF4B8 */
static const uint8_t disk_size[16] = { 0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11,
	0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8 };
/* CAA16737-FA36-4D43-B3B6-33F0AA44E76B */
static const uint8_t file_parameters[16] = { 0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3,
	0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b };

struct tables {
	struct disk *file;
	struct sniff *sniff;
	uint8_t table[TABLE_SIZE];
	uint64_t metadata; /* place in the file */
};

static int give_up(struct tables *t, const char *why)
{
	sniff_fail(t->sniff, SNIFF_VHDX, "structure", why);
	return 0;
}

/* Place of an entry in the table by its GUID; 0: none. */
static size_t find(const struct tables *t, size_t head, size_t count, const uint8_t guid[16])
{
	for (size_t i = 0, at = head; i < count && at + ENTRY_SIZE <= TABLE_SIZE;
		i++, at += ENTRY_SIZE)
		if (!memcmp(t->table + at, guid, 16))
			return at;
	return 0;
}

static int read_item(
	struct tables *t, size_t at, size_t len, uint8_t *out, bool *there, struct error *e)
{
	struct metadata_entry entry;
	uint64_t off;

	memcpy(&entry, t->table + at, sizeof(entry));
	*there = get_le32(entry.length) == len &&
		add_fits(t->metadata, get_le32(entry.offset), &off) &&
		range_fits(off, len, t->file->size);
	return *there ? disk_read(t->file, off, out, len, e) : 0;
}

static int read_items(struct tables *t, size_t count, struct error *e)
{
	size_t size_at = find(t, METADATA_HEAD, count, disk_size);
	size_t parameters_at = find(t, METADATA_HEAD, count, file_parameters);
	bool there = true;
	le64 size;
	le32 parameters[2]; /* block size, flags */
	int rc = 0;

	if (parameters_at != OS_WIN_ITEM)
		t->sniff->vhdx.odd_order = true;
	if (parameters_at)
		rc = read_item(t, parameters_at, sizeof(parameters), parameters[0].b, &there, e);
	if (!rc && parameters_at && there)
		t->sniff->vhdx.has_parent = get_le32(parameters[1]) & HAS_PARENT;
	if (rc || !size_at)
		return rc;
	rc = read_item(t, size_at, sizeof(size), size.b, &there, e);
	if (!rc && !there)
		return give_up(t, "its virtual disk size is not 8 bytes in the file");
	if (!rc)
		t->sniff->virtual_size[SNIFF_VHDX] = get_le64(size);
	return rc;
}

static int read_metadata(struct tables *t, struct error *e)
{
	size_t len, count;
	int rc;

	/* A stream cannot be read backwards. */
	if (t->metadata < REGIONS_AT + TABLE_SIZE || !range_fits(t->metadata, 32, t->file->size))
		return give_up(t, "its metadata table is not behind its headers in the file");
	len = (size_t)min_u64(TABLE_SIZE, t->file->size - t->metadata);
	memset(t->table, 0, TABLE_SIZE);
	rc = disk_read(t->file, t->metadata, t->table, len, e);
	if (rc)
		return rc;
	count = (size_t)t->table[10] | (size_t)t->table[11] << 8;
	if (memcmp(t->table, "metadata", 8) != 0 || count > ENTRIES_MAX ||
		METADATA_HEAD + count * ENTRY_SIZE > len)
		return give_up(t, "its metadata table is damaged");
	return read_items(t, count, e);
}

static int read_regions(struct tables *t, struct error *e)
{
	struct region_entry entry;
	size_t at;
	uint32_t count;
	le32 entries;
	int rc;

	if (!range_fits(REGIONS_AT, TABLE_SIZE, t->file->size))
		return give_up(t, "the file ends before its first region table");
	rc = disk_read(t->file, REGIONS_AT, t->table, TABLE_SIZE, e);
	if (rc)
		return rc;
	memcpy(&entries, t->table + 8, sizeof(entries));
	count = get_le32(entries);
	if (memcmp(t->table, "regi", 4) != 0 || count > ENTRIES_MAX)
		return give_up(t, "its first region table is damaged");
	at = find(t, REGION_HEAD, count, metadata_region);
	/* oslo lets it pass, without a size. */
	if (!at)
		return 0;
	t->sniff->vhdx.odd_order = at != OS_WIN_REGION;
	memcpy(&entry, t->table + at, sizeof(entry));
	t->metadata = get_le64(entry.offset);
	return read_metadata(t, e);
}

int sniff_vhdx(struct disk *file, struct sniff *s, struct error *e)
{
	struct tables t = { .file = file, .sniff = s };

	s->match[SNIFF_VHDX] = true;
	return read_regions(&t, e);
}
