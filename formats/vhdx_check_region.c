/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHDX's two region tables (2.2.3). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

#define REPAIR "hvimg check --repair writes a copy with two whole region tables"

static const struct fault table_signature = { "vhdx-region-signature", SEVERITY_ERROR, REPAIR };
static const struct fault table_checksum = { "vhdx-region-checksum", SEVERITY_ERROR, REPAIR };
static const struct fault tables_lost = { "vhdx-regions-lost", SEVERITY_ERROR, NULL };
static const struct fault tables_differ = { "vhdx-regions-differ", SEVERITY_ERROR, NULL };
static const struct fault table_count = { "vhdx-region-count", SEVERITY_ERROR, NULL };
static const struct fault region_place = { "vhdx-region-place", SEVERITY_ERROR, NULL };
static const struct fault region_twice = { "vhdx-region-duplicate", SEVERITY_ERROR, NULL };
static const struct fault region_unknown = { "vhdx-region-unknown", SEVERITY_ERROR, NULL };
static const struct fault region_overlap = { "vhdx-region-overlap", SEVERITY_ERROR, NULL };
static const struct fault region_missing = { "vhdx-region-missing", SEVERITY_ERROR, NULL };
static const struct fault region_order = { "vhdx-region-order", SEVERITY_WARNING,
	"os-win, which OpenStack uses on Hyper-V, goes by the order; hvimg check --repair writes a "
	"copy that it reads" };

static int table_read(
	struct vhdx_check *v, unsigned n, struct vhdx_region_table *t, bool *valid, struct error *e)
{
	uint64_t off = VHDX_REGION_OFFSET + (uint64_t)(n - 1) * VHDX_TABLE_SIZE;
	int rc = disk_read(v->view, off, t, sizeof(*t), e);

	*valid = false;
	if (rc)
		return rc;
	if (memcmp(t->signature, "regi", sizeof(t->signature)) != 0)
		return check_find(
			v->c, &table_signature, off, e, "region table %u has no signature", n);
	if (get_le32(t->checksum) != vhdx_checksum(t, sizeof(*t)))
		return check_find(v->c, &table_checksum, off, e,
			"region table %u has checksum %#x, not %#x", n,
			vhdx_checksum(t, sizeof(*t)), get_le32(t->checksum));
	*valid = true;
	return 0;
}

/* Leaves the table to go by in t[0]. */
static int table_choose(
	struct vhdx_check *v, struct vhdx_region_table t[2], bool *good, struct error *e)
{
	bool valid[2] = { false };
	int rc = table_read(v, 1, &t[0], &valid[0], e);

	if (!rc)
		rc = table_read(v, 2, &t[1], &valid[1], e);
	*good = valid[0] || valid[1];
	if (rc)
		return rc;
	if (!*good)
		return check_lost(
			v->c, &tables_lost, VHDX_REGION_OFFSET, e, "neither region table is whole");
	if (valid[0] && valid[1] && memcmp(&t[0], &t[1], sizeof(t[0])) != 0)
		rc = check_lost(v->c, &tables_differ, VHDX_REGION_OFFSET, e,
			"the two region tables are whole, and they differ");
	if (!valid[0])
		t[0] = t[1];
	if (rc || get_le32(t[0].count) <= VHDX_MAX_ENTRIES)
		return rc;
	*good = false;
	return check_lost(v->c, &table_count, VHDX_REGION_OFFSET + 8, e,
		"region table of %u entries, at most %u", get_le32(t[0].count),
		(unsigned)VHDX_MAX_ENTRIES);
}

/* Where the region goes in the image; NULL for one that we do not know. */
static struct vhdx_range *range_of(struct vhdx_image *m, struct guid id)
{
	if (guid_equal(id, vhdx_region_bat))
		return &m->bat;
	if (guid_equal(id, vhdx_region_metadata))
		return &m->metadata;
	return NULL;
}

static bool is_listed(const struct vhdx_region_table *t, uint32_t before, struct guid id)
{
	for (uint32_t i = 0; i < before; i++)
		if (guid_equal(t->entry[i].id, id))
			return true;
	return false;
}

static int entry_check(
	struct vhdx_check *v, const struct vhdx_region_table *t, uint32_t i, struct error *e)
{
	const struct vhdx_region_entry *entry = &t->entry[i];
	struct vhdx_range r = { get_le64(entry->offset), get_le32(entry->length) };
	struct vhdx_range *known = range_of(&v->image, entry->id);
	uint64_t at = VHDX_REGION_OFFSET + 16 + (uint64_t)i * sizeof(*entry);
	/* Of the known ones qemu does not say that they are. */
	bool required = get_le32(entry->required) & 1;
	char guid[GUID_TEXT_SIZE];
	int rc = 0;

	guid_text(entry->id, guid);
	if (is_listed(t, i, entry->id))
		return check_lost(v->c, &region_twice, at, e, "region %s is listed twice", guid);
	if (!known && required)
		rc = check_lost(v->c, &region_unknown, at, e,
			"region %s is marked as required and is not known", guid);
	if (rc)
		return rc;
	if (!vhdx_range_is_good(v, r))
		return check_lost(v->c, &region_place, at, e,
			"region %s, %" PRIu64 " bytes at %" PRIu64
			", is not aligned to 1 MiB behind the header section inside the file",
			guid, r.length, r.offset);
	if (known)
		*known = r;
	v->front = max_u64(v->front, r.offset + r.length);
	if (vhdx_units_take(v, r))
		return check_lost(v->c, &region_overlap, at, e,
			"region %s, %" PRIu64 " bytes at %" PRIu64
			", overlaps the log or another region",
			guid, r.length, r.offset);
	return 0;
}

static int order_check(struct vhdx_check *v, const struct vhdx_region_table *t, struct error *e)
{
	if (guid_equal(t->entry[0].id, vhdx_region_bat) &&
		guid_equal(t->entry[1].id, vhdx_region_metadata))
		return 0;
	return check_find(v->c, &region_order, VHDX_REGION_OFFSET + 16, e,
		"the first region listed is not the BAT, or the second not the metadata");
}

static int entries_check(
	struct vhdx_check *v, const struct vhdx_region_table *t, bool *good, struct error *e)
{
	uint32_t count = get_le32(t->count);
	int rc = 0;

	(void)vhdx_units_take(v, (struct vhdx_range){ 0, VHDX_MIB });
	(void)vhdx_units_take(v, v->image.log);
	v->front = max_u64(VHDX_MIB, v->image.log.offset + v->image.log.length);
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = entry_check(v, t, i, e);
	if (rc)
		return rc;
	*good = v->image.bat.length && v->image.metadata.length;
	if (!is_listed(t, count, vhdx_region_bat))
		rc = check_lost(v->c, &region_missing, VHDX_REGION_OFFSET, e,
			"the region table lists no BAT");
	if (!rc && !is_listed(t, count, vhdx_region_metadata))
		rc = check_lost(v->c, &region_missing, VHDX_REGION_OFFSET, e,
			"the region table lists no metadata region");
	return rc || !*good ? rc : order_check(v, t, e);
}

int vhdx_check_regions(struct vhdx_check *v, bool *good, struct error *e)
{
	struct vhdx_region_table *t = calloc(2, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(e, "region tables");
	rc = table_choose(v, t, good, e);
	if (!rc && *good)
		rc = entries_check(v, t, good, e);
	free(t);
	return rc;
}
