/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a VHDX's metadata region (2.6). */
#include "formats/vhdx.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* The known system items; the order is that of `known`. */
enum item {
	ITEM_FILE_PARAMETERS,
	ITEM_DISK_SIZE,
	ITEM_DISK_ID,
	ITEM_LOGICAL_SECTOR,
	ITEM_PHYSICAL_SECTOR,
	ITEM_PARENT_LOCATOR,
	ITEM_COUNT,
};

static const struct {
	const struct guid *id;
	const char *name;
	uint32_t length; /* 0: any */
} known[ITEM_COUNT] = {
	[ITEM_FILE_PARAMETERS] = { &vhdx_item_file_parameters, "file parameters", 8 },
	[ITEM_DISK_SIZE] = { &vhdx_item_disk_size, "virtual disk size", 8 },
	[ITEM_DISK_ID] = { &vhdx_item_disk_id, "virtual disk ID", 16 },
	[ITEM_LOGICAL_SECTOR] = { &vhdx_item_logical_sector, "logical sector size", 4 },
	[ITEM_PHYSICAL_SECTOR] = { &vhdx_item_physical_sector, "physical sector size", 4 },
	[ITEM_PARENT_LOCATOR] = { &vhdx_item_parent_locator, "parent locator", 0 },
};

/* Where the known items lie in the file; `present` false: not listed. */
struct items {
	struct {
		bool present;
		uint64_t offset;
		uint32_t length;
	} at[ITEM_COUNT];
};

static enum item item_find(const struct vhdx_metadata_entry *entry)
{
	/* A user's item may have any GUID without meaning what a system item means. */
	if (get_le32(entry->flags) & VHDX_ITEM_USER)
		return ITEM_COUNT;
	for (unsigned i = 0; i < ITEM_COUNT; i++)
		if (guid_equal(entry->id, *known[i].id))
			return (enum item)i;
	return ITEM_COUNT;
}

static int item_place_check(const struct vhdx_image *image, const char *name, uint32_t off,
	uint32_t len, struct error *e)
{
	if (len && off < VHDX_TABLE_SIZE)
		return error_set(
			e, ERR_CORRUPT, "metadata item %s at %u lies in the table", name, off);
	if (len > VHDX_MIB || !range_fits(off, len, image->metadata.length))
		return error_set(e, ERR_CORRUPT,
			"metadata item %s of %u bytes at %u does not fit a region of %llu bytes",
			name, len, off, (unsigned long long)image->metadata.length);
	return 0;
}

static int item_note(const struct vhdx_image *image, const struct vhdx_metadata_entry *entry,
	struct items *items, struct error *e)
{
	uint32_t off = get_le32(entry->offset), len = get_le32(entry->length);
	enum item i = item_find(entry);
	char guid[GUID_TEXT_SIZE];
	int rc;

	guid_text(entry->id, guid);
	if (i == ITEM_COUNT && get_le32(entry->flags) & VHDX_ITEM_REQUIRED)
		return error_set(e, ERR_UNSUPPORTED,
			"metadata item %s is marked as required and hvimg does not know it", guid);
	if (i == ITEM_COUNT)
		return 0;
	if (items->at[i].present)
		return error_set(e, ERR_CORRUPT, "metadata item %s is listed twice", known[i].name);
	rc = item_place_check(image, known[i].name, off, len, e);
	if (rc)
		return rc;
	if (known[i].length && len != known[i].length)
		return error_set(e, ERR_CORRUPT, "metadata item %s has %u bytes instead of %u",
			known[i].name, len, known[i].length);
	items->at[i].present = true;
	items->at[i].offset = image->metadata.offset + off;
	items->at[i].length = len;
	return 0;
}

static int table_load(
	struct disk *file, const struct vhdx_image *image, struct items *items, struct error *e)
{
	struct vhdx_metadata_table *t = malloc(sizeof(*t));
	unsigned count = 0;
	int rc;

	if (!t)
		return error_nomem(e, "a metadata table");
	rc = disk_read(file, image->metadata.offset, t, sizeof(*t), e);
	if (!rc && memcmp(t->signature, "metadata", sizeof(t->signature)) != 0)
		rc = error_set(e, ERR_CORRUPT, "no metadata signature at %llu",
			(unsigned long long)image->metadata.offset);
	if (!rc) {
		count = get_le16(t->count);
		if (count > VHDX_MAX_ENTRIES)
			rc = error_set(e, ERR_CORRUPT, "metadata table of %u entries, at most %u",
				count, (unsigned)VHDX_MAX_ENTRIES);
	}
	for (unsigned i = 0; !rc && i < count; i++)
		rc = item_note(image, &t->entry[i], items, e);
	free(t);
	return rc;
}

/* Reads one of the items of fixed length; all of them have to be there. */
static int item_read(
	struct disk *file, const struct items *items, enum item i, void *out, struct error *e)
{
	int rc;

	if (!items->at[i].present)
		return error_set(e, ERR_CORRUPT, "metadata item %s is missing", known[i].name);
	rc = disk_read(file, items->at[i].offset, out, items->at[i].length, e);
	return rc ? error_prefix(e, "metadata item %s", known[i].name) : 0;
}

static int parameters_load(
	struct disk *file, const struct items *items, struct vhdx_image *image, struct error *e)
{
	struct vhdx_file_parameters p;
	uint32_t flags;
	int rc = item_read(file, items, ITEM_FILE_PARAMETERS, &p, e);

	if (rc)
		return rc;
	image->block_size = get_le32(p.block_size);
	if (image->block_size < VHDX_MIB || image->block_size > 256 * VHDX_MIB ||
		!is_power_of_two(image->block_size))
		return error_set(e, ERR_CORRUPT,
			"block size %u is not a power of two from 1 MiB to 256 MiB",
			image->block_size);
	flags = get_le32(p.flags);
	image->has_parent = flags & VHDX_FILE_PARENT;
	image->fixed = !image->has_parent && flags & VHDX_FILE_FIXED;
	return 0;
}

static int sector_load(
	struct disk *file, const struct items *items, enum item i, uint32_t *out, struct error *e)
{
	le32 value;
	int rc = item_read(file, items, i, &value, e);

	if (rc)
		return rc;
	*out = get_le32(value);
	if (*out != 512 && *out != 4096)
		return error_set(
			e, ERR_CORRUPT, "%s %u is neither 512 nor 4096", known[i].name, *out);
	return 0;
}

static int size_load(
	struct disk *file, const struct items *items, struct vhdx_image *image, struct error *e)
{
	le64 value;
	int rc = item_read(file, items, ITEM_DISK_SIZE, &value, e);

	if (rc)
		return rc;
	image->size = get_le64(value);
	if (image->size > VHDX_MAX_SIZE)
		return error_set(e, ERR_CORRUPT, "virtual disk size %llu is over 64 TiB",
			(unsigned long long)image->size);
	if (!image->size || image->size % image->logical_sector)
		return error_set(e, ERR_CORRUPT,
			"virtual disk size %llu is no multiple of the sector size %u, or zero",
			(unsigned long long)image->size, image->logical_sector);
	return 0;
}

/* Whether the BAT region has room for every payload block (2.5). */
static int bat_size_check(const struct vhdx_image *image, struct error *e)
{
	uint64_t entries = vhdx_bat_entries(image);

	if (entries <= image->bat.length / sizeof(le64))
		return 0;
	return error_set(e, ERR_CORRUPT,
		"a disk of %llu bytes needs %llu BAT entries, the BAT has %llu",
		(unsigned long long)image->size, (unsigned long long)entries,
		(unsigned long long)(image->bat.length / sizeof(le64)));
}

static int parent_load(
	struct disk *file, const struct items *items, struct vhdx_image *image, struct error *e)
{
	uint32_t len = items->at[ITEM_PARENT_LOCATOR].length;
	struct buffer *item = &image->locator;
	int rc;

	if (!items->at[ITEM_PARENT_LOCATOR].present || !len)
		return 0;
	rc = buffer_zeros(item, len, e);
	if (!rc)
		rc = item_read(file, items, ITEM_PARENT_LOCATOR, item->data, e);
	if (!rc)
		rc = vhdx_parent_names(item->data, len, &image->parents, e);
	if (!rc)
		vhdx_parent_ids(item->data, len, image);
	else
		buffer_free(item);
	return rc;
}

int vhdx_load_metadata(struct disk *file, struct vhdx_image *image, struct error *e)
{
	struct items items = { 0 };
	int rc = table_load(file, image, &items, e);

	if (!rc)
		rc = parameters_load(file, &items, image, e);
	if (!rc)
		rc = sector_load(file, &items, ITEM_LOGICAL_SECTOR, &image->logical_sector, e);
	if (!rc)
		rc = sector_load(file, &items, ITEM_PHYSICAL_SECTOR, &image->physical_sector, e);
	if (!rc)
		rc = size_load(file, &items, image, e);
	if (!rc)
		rc = item_read(file, &items, ITEM_DISK_ID, &image->disk_id, e);
	if (rc)
		return rc;
	image->chunk_ratio = (uint32_t)((uint64_t)VHDX_CHUNK_SECTORS * image->logical_sector /
		image->block_size);
	rc = bat_size_check(image, e);
	/* HasParent decides (2.6.2.1): a locator without it means nothing. */
	if (!rc && image->has_parent)
		rc = parent_load(file, &items, image, e);
	return rc;
}
