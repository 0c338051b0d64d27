/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a VHDX's header section: who made it, which header counts, where the regions lie. */
#include "formats/vhdx.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/utf16.h"

static int identifier_load(struct disk *file, struct vhdx_image *image, struct error *e)
{
	struct vhdx_identifier id;
	int rc;

	if (file->size < VHDX_MIB)
		return error_set(e, ERR_CORRUPT,
			"the file has %llu bytes, fewer than a VHDX header section",
			(unsigned long long)file->size);
	rc = disk_read(file, 0, &id, sizeof(id), e);
	if (rc)
		return rc;
	if (memcmp(id.signature, "vhdxfile", sizeof(id.signature)) != 0)
		return error_set(e, ERR_CORRUPT, "no VHDX signature at offset 0");
	utf16_text(id.creator, VHDX_CREATOR_UNITS, image->creator);
	return 0;
}

/* Reads header `n`; *valid tells whether signature and checksum are right. */
static int header_read(
	struct disk *file, unsigned n, struct vhdx_header *h, bool *valid, struct error *e)
{
	int rc = disk_read(file, (n + UINT64_C(1)) * VHDX_HEADER_OFFSET, h, sizeof(*h), e);

	if (rc)
		return error_prefix(e, "header %u", n + 1);
	*valid = memcmp(h->signature, "head", sizeof(h->signature)) == 0 &&
		get_le32(h->checksum) == vhdx_checksum(h, sizeof(*h));
	return 0;
}

/* Leaves the current header (2.2.2) in h[0]. */
static int header_choose(struct disk *file, struct vhdx_header h[2], struct error *e)
{
	bool valid[2];
	uint64_t first, second;
	int rc = header_read(file, 0, &h[0], &valid[0], e);

	if (!rc)
		rc = header_read(file, 1, &h[1], &valid[1], e);
	if (rc)
		return rc;
	if (!valid[0] && !valid[1])
		return error_set(e, ERR_CORRUPT,
			"neither header, at 65536 and at 131072, has a valid signature and "
			"checksum");
	first = get_le64(h[0].sequence);
	second = get_le64(h[1].sequence);
	if (valid[0] && valid[1] && first == second && memcmp(&h[0], &h[1], sizeof(h[0])) != 0)
		return error_set(e, ERR_CORRUPT,
			"both headers have sequence number %llu and they differ",
			(unsigned long long)first);
	if (!valid[0] || (valid[1] && second > first))
		h[0] = h[1];
	return 0;
}

/* Whether a part of the file that a table names is in its place: 1 MiB alignment, behind the header
 * section, inside the file (2.1). */
static int range_check(struct disk *file, const char *what, struct vhdx_range r, struct error *e)
{
	if (r.offset % VHDX_MIB || r.length % VHDX_MIB)
		return error_set(e, ERR_CORRUPT, "%s of %llu bytes at %llu is not aligned to 1 MiB",
			what, (unsigned long long)r.length, (unsigned long long)r.offset);
	if (r.length && r.offset < VHDX_MIB)
		return error_set(e, ERR_CORRUPT, "%s at %llu lies in the header section", what,
			(unsigned long long)r.offset);
	if (r.length && !range_fits(r.offset, r.length, file->size))
		return error_set(e, ERR_CORRUPT,
			"%s of %llu bytes at %llu reaches past the end of the file at %llu", what,
			(unsigned long long)r.length, (unsigned long long)r.offset,
			(unsigned long long)file->size);
	return 0;
}

static bool guid_is_zero(struct guid g)
{
	return guid_equal(g, (struct guid){ { 0 } });
}

int vhdx_load_header(struct disk *file, struct vhdx_image *image, struct error *e)
{
	struct vhdx_header h[2];
	int rc;

	*image = (struct vhdx_image){ 0 };
	rc = identifier_load(file, image, e);
	if (!rc)
		rc = header_choose(file, h, e);
	if (rc)
		return rc;
	if (get_le16(h->version) != 1)
		return error_set(e, ERR_UNSUPPORTED, "VHDX version %u, only 1 is known",
			get_le16(h->version));
	image->file_write = h->file_write;
	image->data_write = h->data_write;
	image->log_guid = h->log;
	image->log_dirty = !guid_is_zero(h->log);
	if (image->log_dirty && get_le16(h->log_version))
		return error_set(e, ERR_UNSUPPORTED, "log of version %u, only 0 is known",
			get_le16(h->log_version));
	image->log = (struct vhdx_range){ get_le64(h->log_offset), get_le32(h->log_length) };
	return range_check(file, "the log", image->log, e);
}

/* Reads the first valid one of the two region tables (2.2.3); they are meant to be equal. */
static int regions_read(struct disk *file, struct vhdx_region_table *t, struct error *e)
{
	for (unsigned n = 0; n < 2; n++) {
		uint64_t off = VHDX_REGION_OFFSET + (uint64_t)n * VHDX_TABLE_SIZE;
		int rc = disk_read(file, off, t, sizeof(*t), e);

		if (rc)
			return error_prefix(e, "region table %u", n + 1);
		if (memcmp(t->signature, "regi", sizeof(t->signature)) == 0 &&
			get_le32(t->checksum) == vhdx_checksum(t, sizeof(*t)))
			return 0;
	}
	return error_set(e, ERR_CORRUPT,
		"neither region table, at 196608 and at 262144, has a valid signature and "
		"checksum");
}

/* Where the region goes in `image`; NULL for one that we do not know. */
static struct vhdx_range *region_place(struct vhdx_image *image, struct guid id)
{
	if (guid_equal(id, vhdx_region_bat))
		return &image->bat;
	if (guid_equal(id, vhdx_region_metadata))
		return &image->metadata;
	return NULL;
}

static int region_load(struct disk *file, struct vhdx_image *image,
	const struct vhdx_region_entry *entry, struct error *e)
{
	struct vhdx_range r = { get_le64(entry->offset), get_le32(entry->length) };
	struct vhdx_range *place = region_place(image, entry->id);
	char guid[GUID_TEXT_SIZE];
	int rc;

	guid_text(entry->id, guid);
	if (!place && get_le32(entry->required) & 1)
		return error_set(e, ERR_UNSUPPORTED,
			"region %s is marked as required and hvimg does not know it", guid);
	if (!place)
		return 0;
	if (place->length)
		return error_set(e, ERR_CORRUPT, "region %s is listed twice", guid);
	if (!r.length)
		return error_set(e, ERR_CORRUPT, "region %s is empty", guid);
	rc = range_check(file, place == &image->bat ? "the BAT" : "the metadata region", r, e);
	if (!rc)
		*place = r;
	return rc;
}

static bool ranges_overlap(struct vhdx_range a, struct vhdx_range b)
{
	return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

static int regions_check(const struct vhdx_image *image, struct error *e)
{
	if (!image->bat.length)
		return error_set(e, ERR_CORRUPT, "the region table lists no BAT");
	if (!image->metadata.length)
		return error_set(e, ERR_CORRUPT, "the region table lists no metadata region");
	if (ranges_overlap(image->bat, image->metadata))
		return error_set(e, ERR_CORRUPT, "the BAT at %llu overlaps the metadata at %llu",
			(unsigned long long)image->bat.offset,
			(unsigned long long)image->metadata.offset);
	if (image->log.length &&
		(ranges_overlap(image->log, image->bat) ||
			ranges_overlap(image->log, image->metadata)))
		return error_set(e, ERR_CORRUPT, "the log at %llu overlaps a region",
			(unsigned long long)image->log.offset);
	return 0;
}

static int regions_load(struct disk *file, struct vhdx_image *image, struct error *e)
{
	struct vhdx_region_table *t = malloc(sizeof(*t));
	uint32_t count = 0;
	int rc;

	if (!t)
		return error_nomem(e, "a region table");
	rc = regions_read(file, t, e);
	if (!rc) {
		count = get_le32(t->count);
		if (count > VHDX_MAX_ENTRIES)
			rc = error_set(e, ERR_CORRUPT, "region table of %u entries, at most %u",
				count, (unsigned)VHDX_MAX_ENTRIES);
	}
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = region_load(file, image, &t->entry[i], e);
	free(t);
	return rc ? rc : regions_check(image, e);
}

int vhdx_load_tables(struct disk *file, struct vhdx_image *image, struct error *e)
{
	int rc = regions_load(file, image, e);

	return rc ? rc : vhdx_load_metadata(file, image, e);
}
