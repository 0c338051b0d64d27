/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes what leads to a VHDX's content: metadata, region tables, headers, identifier.  The rest of
 * those 64 KiB fields reads as zeros already. */
#include "formats/vhdx.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LOCATOR_OFFSET = 4096 }; /* of the parent locator, from the first item */

/* The items in the order in which Hyper-V writes them; os-win takes the first for the file
 * parameters without looking at its GUID. */
struct items {
	struct vhdx_file_parameters parameters;
	le64 size;
	le32 logical_sector;
	le32 physical_sector;
	struct guid disk_id;
};

static struct vhdx_metadata_entry item_entry(struct guid id, size_t off, size_t len, uint32_t flags)
{
	return (struct vhdx_metadata_entry){
		.id = id,
		.offset = put_le32((uint32_t)(VHDX_TABLE_SIZE + off)),
		.length = put_le32((uint32_t)len),
		.flags = put_le32(flags | VHDX_ITEM_REQUIRED),
	};
}

#define ITEM(id, field, flags)                                                                     \
	item_entry(id, offsetof(struct items, field), sizeof(((struct items *)0)->field), flags)

/* Behind the others, the only one whose length is its own. */
static int locator_write(struct output *file, const struct vhdx_image *m,
	const struct buffer *locator, struct vhdx_metadata_table *t, struct error *e)
{
	if (VHDX_TABLE_SIZE + LOCATOR_OFFSET + locator->len > m->metadata.length)
		return error_set(e, ERR_USAGE, "the parent's path has %zu bytes", locator->len);
	t->entry[5] = item_entry(vhdx_item_parent_locator, LOCATOR_OFFSET, locator->len, 0);
	t->count = put_le16(6);
	return output_write(file, m->metadata.offset + VHDX_TABLE_SIZE + LOCATOR_OFFSET,
		locator->data, locator->len, e);
}

static uint32_t file_flags(const struct vhdx_image *m)
{
	if (m->has_parent)
		return VHDX_FILE_PARENT;
	return m->fixed ? VHDX_FILE_FIXED : 0;
}

static int metadata_write(struct output *file, const struct vhdx_image *m,
	const struct buffer *locator, struct error *e)
{
	struct items items = {
		.parameters = { put_le32(m->block_size), put_le32(file_flags(m)) },
		.size = put_le64(m->size),
		.logical_sector = put_le32(m->logical_sector),
		.physical_sector = put_le32(m->physical_sector),
		.disk_id = m->disk_id,
	};
	struct vhdx_metadata_table *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (!t)
		return error_nomem(e, "a metadata table");
	memcpy(t->signature, "metadata", sizeof(t->signature));
	t->count = put_le16(5);
	t->entry[0] = ITEM(vhdx_item_file_parameters, parameters, 0);
	t->entry[1] = ITEM(vhdx_item_disk_size, size, VHDX_ITEM_VIRTUAL_DISK);
	t->entry[2] = ITEM(vhdx_item_logical_sector, logical_sector, VHDX_ITEM_VIRTUAL_DISK);
	t->entry[3] = ITEM(vhdx_item_physical_sector, physical_sector, VHDX_ITEM_VIRTUAL_DISK);
	t->entry[4] = ITEM(vhdx_item_disk_id, disk_id, VHDX_ITEM_VIRTUAL_DISK);
	if (locator)
		rc = locator_write(file, m, locator, t, e);
	if (!rc)
		rc = output_write(file, m->metadata.offset, t, sizeof(*t), e);
	if (!rc)
		rc = output_write(
			file, m->metadata.offset + VHDX_TABLE_SIZE, &items, sizeof(items), e);
	free(t);
	return rc;
}

static struct vhdx_region_entry region_entry(struct guid id, struct vhdx_range r)
{
	return (struct vhdx_region_entry){
		.id = id,
		.offset = put_le64(r.offset),
		.length = put_le32((uint32_t)r.length),
		.required = put_le32(1),
	};
}

static int regions_write(struct output *file, const struct vhdx_image *m, struct error *e)
{
	struct vhdx_region_table *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (!t)
		return error_nomem(e, "a region table");
	memcpy(t->signature, "regi", sizeof(t->signature));
	t->count = put_le32(2);
	/* In this order: os-win takes the second for the metadata without looking at its GUID. */
	t->entry[0] = region_entry(vhdx_region_bat, m->bat);
	t->entry[1] = region_entry(vhdx_region_metadata, m->metadata);
	t->checksum = put_le32(vhdx_checksum(t, sizeof(*t)));
	for (unsigned n = 0; n < 2 && !rc; n++)
		rc = output_write(
			file, VHDX_REGION_OFFSET + (uint64_t)n * VHDX_TABLE_SIZE, t, sizeof(*t), e);
	free(t);
	return rc;
}

static int headers_write(struct output *file, const struct vhdx_image *m, struct error *e)
{
	struct vhdx_header h = {
		.signature = { 'h', 'e', 'a', 'd' },
		.file_write = m->file_write,
		.data_write = m->data_write,
		.version = put_le16(1),
		.log_length = put_le32((uint32_t)m->log.length),
		.log_offset = put_le64(m->log.offset),
	};
	int rc = 0;

	/* As after two updates (2.2.2.1): both hold the same, the second is current. */
	for (unsigned n = 1; n <= 2 && !rc; n++) {
		h.sequence = put_le64(n);
		h.checksum = put_le32(vhdx_checksum(&h, sizeof(h)));
		rc = output_write(file, (uint64_t)n * VHDX_HEADER_OFFSET, &h, sizeof(h), e);
	}
	return rc;
}

static int identifier_write(struct output *file, struct error *e)
{
	static const char creator[] = "hvimg";
	struct vhdx_identifier id = { .signature = { 'v', 'h', 'd', 'x', 'f', 'i', 'l', 'e' } };

	for (size_t i = 0; creator[i]; i++)
		id.creator[i] = put_le16((uint8_t)creator[i]);
	return output_write(file, 0, &id, sizeof(id), e);
}

int vhdx_write_head(struct output *file, const struct vhdx_image *image,
	const struct buffer *locator, struct error *e)
{
	int rc = metadata_write(file, image, locator, e);

	if (!rc)
		rc = regions_write(file, image, e);
	if (!rc)
		rc = headers_write(file, image, e);
	/* Last, so that what is cut short is no VHDX. */
	return rc ? rc : identifier_write(file, e);
}
