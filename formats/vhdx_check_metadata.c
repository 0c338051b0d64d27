/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHDX's metadata region: the table, and the values that it leads to (2.6). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

static const struct fault no_signature = { "vhdx-metadata-signature", SEVERITY_ERROR, NULL };
static const struct fault table_count = { "vhdx-metadata-count", SEVERITY_ERROR, NULL };
static const struct fault item_place = { "vhdx-metadata-place", SEVERITY_ERROR, NULL };
static const struct fault item_length = { "vhdx-metadata-length", SEVERITY_ERROR, NULL };
static const struct fault item_overlap = { "vhdx-metadata-overlap", SEVERITY_ERROR, NULL };
static const struct fault item_twice = { "vhdx-metadata-duplicate", SEVERITY_ERROR, NULL };
static const struct fault item_unknown = { "vhdx-metadata-unknown", SEVERITY_ERROR, NULL };
static const struct fault item_missing = { "vhdx-metadata-missing", SEVERITY_ERROR, NULL };
static const struct fault item_flags = { "vhdx-metadata-flags", SEVERITY_WARNING,
	"hvimg check --repair writes a copy with the flags set" };
static const struct fault item_order = { "vhdx-metadata-order", SEVERITY_WARNING,
	"os-win, which OpenStack uses on Hyper-V, goes by the order; hvimg check --repair writes a "
	"copy that it reads" };
static const struct fault block_size = { "vhdx-block-size", SEVERITY_ERROR, NULL };
static const struct fault file_flags = { "vhdx-file-flags", SEVERITY_WARNING, NULL };
static const struct fault sector_size = { "vhdx-sector-size", SEVERITY_ERROR, NULL };
static const struct fault disk_size = { "vhdx-disk-size", SEVERITY_ERROR, NULL };
static const struct fault bat_short = { "vhdx-bat-short", SEVERITY_ERROR, NULL };
static const struct fault locator_missing = { "vhdx-locator-missing", SEVERITY_ERROR, NULL };
static const struct fault locator_unused = { "vhdx-locator-unused", SEVERITY_WARNING, NULL };

enum item { PARAMETERS, DISK_SIZE, DISK_ID, LOGICAL, PHYSICAL, LOCATOR, ITEMS };

static const struct {
	const struct guid *id;
	const char *name;
	uint32_t length; /* 0: any */
	uint32_t flags;
} known[ITEMS] = {
	[PARAMETERS] = { &vhdx_item_file_parameters, "file parameters", 8, VHDX_ITEM_REQUIRED },
	[DISK_SIZE] = { &vhdx_item_disk_size, "virtual disk size", 8,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[DISK_ID] = { &vhdx_item_disk_id, "virtual disk ID", 16,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[LOGICAL] = { &vhdx_item_logical_sector, "logical sector size", 4,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[PHYSICAL] = { &vhdx_item_physical_sector, "physical sector size", 4,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[LOCATOR] = { &vhdx_item_parent_locator, "parent locator", 0, VHDX_ITEM_REQUIRED },
};

/* The table, and which of its entries are the known items; NULL: not there, or not usable. */
struct metadata {
	struct vhdx_metadata_table table;
	const struct vhdx_metadata_entry *item[ITEMS];
};

static enum item item_of(const struct vhdx_metadata_entry *entry)
{
	/* A user's item may have any GUID without meaning what a system item means. */
	if (get_le32(entry->flags) & VHDX_ITEM_USER)
		return ITEMS;
	for (unsigned i = 0; i < ITEMS; i++)
		if (guid_equal(entry->id, *known[i].id))
			return (enum item)i;
	return ITEMS;
}

static bool items_overlap(const struct vhdx_metadata_entry *a, const struct vhdx_metadata_entry *b)
{
	uint64_t off = get_le32(a->offset), other = get_le32(b->offset);

	return off < other + get_le32(b->length) && other < off + get_le32(a->length);
}

/* Against the entries in front of it. */
static int pairs_check(struct vhdx_check *v, const struct metadata *m, unsigned i, const char *guid,
	uint64_t at, struct error *e)
{
	const struct vhdx_metadata_entry *entry = &m->table.entry[i];
	int rc = 0;

	for (unsigned n = 0; n < i && !rc; n++) {
		const struct vhdx_metadata_entry *other = &m->table.entry[n];
		uint32_t flags = get_le32(entry->flags) ^ get_le32(other->flags);

		if (guid_equal(entry->id, other->id) && !(flags & VHDX_ITEM_USER))
			return check_lost(
				v->c, &item_twice, at, e, "metadata item %s is listed twice", guid);
		if (items_overlap(entry, other))
			rc = check_lost(v->c, &item_overlap, at, e,
				"metadata item %s overlaps item %u", guid, n);
	}
	return rc;
}

static int known_check(struct vhdx_check *v, struct metadata *m, unsigned n, enum item i,
	uint64_t at, struct error *e)
{
	const struct vhdx_metadata_entry *entry = &m->table.entry[n];
	uint32_t len = get_le32(entry->length);
	uint32_t flags = get_le32(entry->flags) & (VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK);

	if (known[i].length && len != known[i].length)
		return check_lost(v->c, &item_length, at + 20, e,
			"metadata item %s has %u bytes instead of %u", known[i].name, len,
			known[i].length);
	if (!m->item[i])
		m->item[i] = entry;
	if (flags == known[i].flags)
		return 0;
	return check_find(v->c, &item_flags, at + 24, e,
		"metadata item %s has flags %#x instead of %#x", known[i].name, flags,
		known[i].flags);
}

static int entry_check(struct vhdx_check *v, struct metadata *m, unsigned n, struct error *e)
{
	const struct vhdx_metadata_entry *entry = &m->table.entry[n];
	uint64_t at = v->image.metadata.offset + 32 + (uint64_t)n * sizeof(*entry);
	uint32_t off = get_le32(entry->offset), len = get_le32(entry->length);
	enum item i = item_of(entry);
	char guid[GUID_TEXT_SIZE];
	int rc;

	guid_text(entry->id, guid);
	if (i == ITEMS && get_le32(entry->flags) & VHDX_ITEM_REQUIRED)
		return check_lost(v->c, &item_unknown, at, e,
			"metadata item %s is marked as required and is not known", guid);
	if (len > VHDX_MIB || (len && off < VHDX_TABLE_SIZE) || (!len && off) ||
		!range_fits(off, len, v->image.metadata.length))
		return check_lost(v->c, &item_place, at + 16, e,
			"metadata item %s, %u bytes at %u, is not behind the table inside the "
			"region of %" PRIu64 " bytes",
			guid, len, off, v->image.metadata.length);
	rc = pairs_check(v, m, n, i == ITEMS ? guid : known[i].name, at, e);
	return rc || i == ITEMS ? rc : known_check(v, m, n, i, at, e);
}

static int table_check(struct vhdx_check *v, struct metadata *m, bool *good, struct error *e)
{
	uint64_t off = v->image.metadata.offset;
	int rc = disk_read(v->view, off, &m->table, sizeof(m->table), e);
	unsigned count = get_le16(m->table.count);

	*good = false;
	if (rc)
		return rc;
	if (memcmp(m->table.signature, "metadata", sizeof(m->table.signature)) != 0)
		return check_lost(
			v->c, &no_signature, off, e, "the metadata table has no signature");
	if (count > VHDX_MAX_ENTRIES)
		return check_lost(v->c, &table_count, off + 10, e,
			"metadata table of %u entries, at most %u", count,
			(unsigned)VHDX_MAX_ENTRIES);
	for (unsigned i = 0; i < count && !rc; i++)
		rc = entry_check(v, m, i, e);
	*good = true;
	for (unsigned i = 0; i < LOCATOR && !rc; i++) {
		bool listed = false;

		for (unsigned n = 0; n < count; n++)
			listed = listed || item_of(&m->table.entry[n]) == (enum item)i;
		*good = *good && m->item[i];
		if (!listed)
			rc = check_lost(v->c, &item_missing, off, e, "metadata item %s is missing",
				known[i].name);
	}
	if (!rc && *good && m->item[PARAMETERS] != &m->table.entry[0])
		rc = check_find(v->c, &item_order, off + 32, e,
			"the first metadata item is not the file parameters");
	return rc;
}

static uint64_t item_off(const struct vhdx_check *v, const struct metadata *m, enum item i)
{
	return v->image.metadata.offset + get_le32(m->item[i]->offset);
}

static int parameters_check(
	struct vhdx_check *v, const struct metadata *m, bool *good, struct error *e)
{
	uint64_t off = item_off(v, m, PARAMETERS);
	struct vhdx_file_parameters p;
	int rc = disk_read(v->view, off, &p, sizeof(p), e);
	uint32_t flags;

	if (rc)
		return rc;
	v->image.block_size = get_le32(p.block_size);
	if (v->image.block_size < VHDX_MIB || v->image.block_size > 256 * VHDX_MIB ||
		!is_power_of_two(v->image.block_size)) {
		*good = false;
		return check_lost(v->c, &block_size, off, e,
			"block size %u is not a power of two from 1 MiB to 256 MiB",
			v->image.block_size);
	}
	flags = get_le32(p.flags);
	v->image.has_parent = flags & VHDX_FILE_PARENT;
	v->image.fixed = !v->image.has_parent && flags & VHDX_FILE_FIXED;
	if (!(flags & ~(uint32_t)(VHDX_FILE_FIXED | VHDX_FILE_PARENT)))
		return 0;
	return check_find(
		v->c, &file_flags, off + 4, e, "file parameters have unknown flags: %#x", flags);
}

static int sector_check(struct vhdx_check *v, const struct metadata *m, enum item i, uint32_t *out,
	bool *good, struct error *e)
{
	le32 value;
	int rc = disk_read(v->view, item_off(v, m, i), &value, sizeof(value), e);

	if (rc)
		return rc;
	*out = get_le32(value);
	if (*out == 512 || *out == 4096)
		return 0;
	*good = false;
	return check_lost(v->c, &sector_size, item_off(v, m, i), e, "%s %u is neither 512 nor 4096",
		known[i].name, *out);
}

static int size_check(struct vhdx_check *v, const struct metadata *m, bool *good, struct error *e)
{
	le64 value;
	int rc = disk_read(v->view, item_off(v, m, DISK_SIZE), &value, sizeof(value), e);

	if (rc)
		return rc;
	v->image.size = get_le64(value);
	if (v->image.size <= VHDX_MAX_SIZE && *good && v->image.size % v->image.logical_sector == 0)
		return 0;
	if (v->image.size <= VHDX_MAX_SIZE && !*good)
		return 0;
	*good = false;
	return check_lost(v->c, &disk_size, item_off(v, m, DISK_SIZE), e,
		"virtual disk size %" PRIu64 " is over 64 TiB or no multiple of the sector size %u",
		v->image.size, v->image.logical_sector);
}

/* Whether the BAT region has room for every entry (2.5); with a parent the last chunk has its
 * sector bitmap too. */
static int bat_size_check(struct vhdx_check *v, bool *good, struct error *e)
{
	struct vhdx_image *m = &v->image;
	uint64_t blocks = vhdx_block_count(m->size, m->block_size), entries;

	m->chunk_ratio = (uint32_t)((uint64_t)VHDX_CHUNK_SECTORS * m->logical_sector /
		m->block_size);
	entries = blocks ? vhdx_bat_index(blocks - 1, m->chunk_ratio) + 1 : 0;
	if (m->has_parent)
		entries = div_up(blocks, m->chunk_ratio) * (m->chunk_ratio + UINT64_C(1));
	*good = entries <= m->bat.length / sizeof(le64);
	if (*good)
		return 0;
	return check_lost(v->c, &bat_short, m->bat.offset, e,
		"a disk of %" PRIu64 " bytes needs %" PRIu64 " BAT entries, the BAT has %" PRIu64,
		m->size, entries, m->bat.length / sizeof(le64));
}

static int locator_read(struct vhdx_check *v, const struct metadata *m, struct error *e)
{
	size_t len = get_le32(m->item[LOCATOR]->length);
	uint8_t *item = malloc(len ? len : 1);
	int rc = item ? 0 : error_nomem(e, "a parent locator");

	if (!rc)
		rc = disk_read(v->view, item_off(v, m, LOCATOR), item, len, e);
	if (!rc)
		rc = vhdx_check_locator(v, item, len, item_off(v, m, LOCATOR), e);
	free(item);
	return rc;
}

/* HasParent decides (2.6.2.1): a locator without it means nothing. */
static int parent_check(struct vhdx_check *v, const struct metadata *m, struct error *e)
{
	if (!v->image.has_parent && m->item[LOCATOR])
		return check_find(v->c, &locator_unused, item_off(v, m, LOCATOR), e,
			"there is a parent locator, but the disk has no parent");
	if (!v->image.has_parent)
		return 0;
	if (!m->item[LOCATOR])
		return check_find(v->c, &locator_missing, v->image.metadata.offset, e,
			"the disk has a parent, but there is no parent locator");
	return locator_read(v, m, e);
}

static int values_check(struct vhdx_check *v, const struct metadata *m, bool *good, struct error *e)
{
	int rc = parameters_check(v, m, good, e);

	if (!rc)
		rc = sector_check(v, m, LOGICAL, &v->image.logical_sector, good, e);
	if (!rc)
		rc = sector_check(v, m, PHYSICAL, &v->image.physical_sector, good, e);
	if (!rc)
		rc = size_check(v, m, good, e);
	if (!rc && *good)
		rc = bat_size_check(v, good, e);
	return rc ? rc : parent_check(v, m, e);
}

int vhdx_check_metadata(struct vhdx_check *v, bool *good, struct error *e)
{
	struct metadata *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(e, "a metadata table");
	rc = table_check(v, m, good, e);
	if (!rc && *good)
		rc = values_check(v, m, good, e);
	free(m);
	return rc;
}
