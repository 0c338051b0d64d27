/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks the table of a VHDX's metadata region (2.6.1). */
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

static const struct {
	const struct guid *id;
	const char *name;
	uint32_t length; /* 0: any */
	uint32_t flags;
} known[VHDX_CHECK_ITEMS] = {
	[VHDX_CHECK_PARAMETERS] = { &vhdx_item_file_parameters, "file parameters", 8,
		VHDX_ITEM_REQUIRED },
	[VHDX_CHECK_DISK_SIZE] = { &vhdx_item_disk_size, "virtual disk size", 8,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[VHDX_CHECK_DISK_ID] = { &vhdx_item_disk_id, "virtual disk ID", 16,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[VHDX_CHECK_LOGICAL] = { &vhdx_item_logical_sector, "logical sector size", 4,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[VHDX_CHECK_PHYSICAL] = { &vhdx_item_physical_sector, "physical sector size", 4,
		VHDX_ITEM_REQUIRED | VHDX_ITEM_VIRTUAL_DISK },
	[VHDX_CHECK_LOCATOR] = { &vhdx_item_parent_locator, "parent locator", 0,
		VHDX_ITEM_REQUIRED },
};

static enum vhdx_check_item item_of(const struct vhdx_metadata_entry *entry)
{
	/* A user's item may have any GUID without meaning what a system item means. */
	if (get_le32(entry->flags) & VHDX_ITEM_USER)
		return VHDX_CHECK_ITEMS;
	for (unsigned i = 0; i < VHDX_CHECK_ITEMS; i++)
		if (guid_equal(entry->id, *known[i].id))
			return (enum vhdx_check_item)i;
	return VHDX_CHECK_ITEMS;
}

static bool items_overlap(const struct vhdx_metadata_entry *a, const struct vhdx_metadata_entry *b)
{
	uint64_t off = get_le32(a->offset), other = get_le32(b->offset);

	return off < other + get_le32(b->length) && other < off + get_le32(a->length);
}

/* Against the entries in front of it. */
static int pairs_check(struct vhdx_check *v, const struct vhdx_check_table *m, unsigned i,
	const char *guid, uint64_t at, struct error *e)
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

static int known_check(struct vhdx_check *v, struct vhdx_check_table *m, unsigned n,
	enum vhdx_check_item i, uint64_t at, struct error *e)
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

static int entry_check(
	struct vhdx_check *v, struct vhdx_check_table *m, unsigned n, struct error *e)
{
	const struct vhdx_metadata_entry *entry = &m->table.entry[n];
	uint64_t at = v->image.metadata.offset + 32 + (uint64_t)n * sizeof(*entry);
	uint32_t off = get_le32(entry->offset), len = get_le32(entry->length);
	enum vhdx_check_item i = item_of(entry);
	char guid[GUID_TEXT_SIZE];
	int rc;

	guid_text(entry->id, guid);
	if (i == VHDX_CHECK_ITEMS && get_le32(entry->flags) & VHDX_ITEM_REQUIRED)
		return check_lost(v->c, &item_unknown, at, e,
			"metadata item %s is marked as required and is not known", guid);
	if (len > VHDX_MIB || (len && off < VHDX_TABLE_SIZE) || (!len && off) ||
		!range_fits(off, len, v->image.metadata.length))
		return check_lost(v->c, &item_place, at + 16, e,
			"metadata item %s, %u bytes at %u, is not behind the table inside the "
			"region of %" PRIu64 " bytes",
			guid, len, off, v->image.metadata.length);
	rc = pairs_check(v, m, n, i == VHDX_CHECK_ITEMS ? guid : known[i].name, at, e);
	return rc || i == VHDX_CHECK_ITEMS ? rc : known_check(v, m, n, i, at, e);
}

static int table_check(
	struct vhdx_check *v, struct vhdx_check_table *m, bool *good, struct error *e)
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
	for (unsigned i = 0; i < VHDX_CHECK_LOCATOR && !rc; i++) {
		bool listed = false;

		for (unsigned n = 0; n < count; n++)
			listed = listed || item_of(&m->table.entry[n]) == (enum vhdx_check_item)i;
		*good = *good && m->item[i];
		if (!listed)
			rc = check_lost(v->c, &item_missing, off, e, "metadata item %s is missing",
				known[i].name);
	}
	if (!rc && *good && m->item[VHDX_CHECK_PARAMETERS] != &m->table.entry[0])
		rc = check_find(v->c, &item_order, off + 32, e,
			"the first metadata item is not the file parameters");
	return rc;
}

int vhdx_check_metadata(struct vhdx_check *v, bool *good, struct error *e)
{
	struct vhdx_check_table *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(e, "a metadata table");
	rc = table_check(v, m, good, e);
	if (!rc && *good)
		rc = vhdx_check_values(v, m, good, e);
	free(m);
	return rc;
}
