/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Master boot record with logical partitions in a chain of extended boot records.  UEFI 2.10, 5.2.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "volume/table.h"

enum {
	FIRST_LOGICAL = 5, /* Linux numbers them from here, whatever the primary ones are */
	CHAIN_MAX = 128, /* extended boot records; a loop ends here */
};

struct mbr_reader {
	struct disk *disk;
	struct volume_list *list;
	struct report *report;
	uint64_t sector; /* bytes */
	uint64_t sectors; /* in the disk */
	uint32_t signature;
};

static bool in_use(const struct mbr_entry *entry)
{
	return entry->type && get_le32(entry->count);
}

/*
 * A boot sector of FAT or NTFS ends in 55 aa as well, with code or text where the entries would be.
 * It differs by the boot flag, which is 0 or 0x80 in every entry of a partition table.
 */
static bool is_table(const struct mbr *m, uint64_t sectors)
{
	bool any = false;

	if (!mbr_has_magic(m))
		return false;
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *entry = &m->entry[i];

		if (entry->boot & 0x7f)
			return false;
		if (in_use(entry) && get_le32(entry->start) < sectors)
			any = true;
	}
	return any;
}

static int add_partition(struct mbr_reader *r, const struct mbr_entry *entry, uint64_t base,
	unsigned number, struct error *e)
{
	uint64_t start = base + get_le32(entry->start);
	uint64_t count = get_le32(entry->count);
	struct volume v = { .parent = "disk",
		.type = "mbr",
		.active = entry->boot == 0x80,
		.esp = entry->type == MBR_ESP };

	if (!range_fits(start, count, r->sectors))
		return volume_finding(r->report, SEVERITY_ERROR, "partition-out-of-range",
			start * r->sector, e,
			"partition %u of %" PRIu64 " sectors at %" PRIu64
			" reaches past the end of the disk (%" PRIu64 " sectors)",
			number, count, start, r->sectors);
	v.off = start * r->sector;
	v.size = count * r->sector;
	(void)snprintf(v.id, sizeof(v.id), "p%u", number);
	(void)snprintf(v.type_id, sizeof(v.type_id), "0x%02x", entry->type);
	(void)snprintf(v.part_id, sizeof(v.part_id), "%08x-%02x", r->signature, number);
	return volume_add(r->list, r->disk, &v, e);
}

static int damaged_chain(struct mbr_reader *r, uint64_t sector, const char *what, struct error *e)
{
	return volume_finding(r->report, SEVERITY_ERROR, "mbr-chain-damaged", sector * r->sector, e,
		"the chain of logical partitions %s at sector %" PRIu64, what, sector);
}

static int find_link(const struct mbr *record)
{
	for (int i = 0; i < MBR_ENTRIES; i++)
		if (in_use(&record->entry[i]) && mbr_is_extended(record->entry[i].type))
			return i;
	return -1;
}

/* Logical partitions count from their own record, links from the start of the extended partition.
 */
static int read_logical(
	struct mbr_reader *r, const struct mbr_entry *extended, unsigned *number, struct error *e)
{
	uint64_t first = get_le32(extended->start);
	uint64_t count = get_le32(extended->count);
	uint64_t at = first;

	for (unsigned step = 0; step < CHAIN_MAX; step++) {
		struct mbr record;
		int next;
		int rc;

		if (at - first >= count || at >= r->sectors)
			return damaged_chain(r, at, "leaves the extended partition", e);
		rc = disk_read(r->disk, at * r->sector, &record, sizeof(record), e);
		if (rc)
			return error_prefix(e, "extended boot record");
		if (!mbr_has_magic(&record))
			return damaged_chain(r, at, "has no boot record", e);
		for (size_t i = 0; i < MBR_ENTRIES; i++) {
			if (!in_use(&record.entry[i]) || mbr_is_extended(record.entry[i].type))
				continue;
			rc = add_partition(r, &record.entry[i], at, (*number)++, e);
			if (rc)
				return rc;
		}
		next = find_link(&record);
		if (next < 0)
			return 0;
		at = first + get_le32(record.entry[next].start);
	}
	return damaged_chain(r, at, "does not end", e);
}

static int read_entries(struct mbr_reader *r, const struct mbr *m, struct error *e)
{
	unsigned logical = FIRST_LOGICAL;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *entry = &m->entry[i];
		int rc = 0;

		if (!in_use(entry) || mbr_is_extended(entry->type))
			continue;
		rc = add_partition(r, entry, 0, i + 1, e);
		if (rc)
			return rc;
	}
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *entry = &m->entry[i];
		int rc = 0;

		if (in_use(entry) && mbr_is_extended(entry->type))
			rc = read_logical(r, entry, &logical, e);
		if (rc)
			return rc;
	}
	return 0;
}

int mbr_read(struct disk *d, const struct mbr *m, struct volume_list *l, bool *found,
	struct report *report, struct error *e)
{
	uint64_t sector = d->logical_sector ? d->logical_sector : 512;
	struct mbr_reader r = { .disk = d,
		.list = l,
		.report = report,
		.sector = sector,
		.sectors = d->size / sector,
		.signature = get_le32(m->signature) };

	*found = is_table(m, r.sectors);
	if (!*found)
		return 0;
	l->table = "mbr";
	(void)snprintf(l->disk_id, sizeof(l->disk_id), "%08x", r.signature);
	return read_entries(&r, m, e);
}
