/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "volume/resize.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "volume/gpt.h"
#include "volume/table.h"
#include "volume/windows.h"

enum { SECTOR_MAX = 4096 };

static int mbr_load(struct disk *d, struct mbr *m, struct error *e)
{
	memset(m, 0, sizeof(*m));
	return d->size < sizeof(*m) ? 0 : disk_read(d, 0, m, sizeof(*m), e);
}

/* Primary and extended partitions of an MBR, and the entries of a hybrid one, which repeat the
 * GPT's.
 */
static int mbr_fits(const struct mbr *m, uint64_t size, uint64_t sector, struct error *e)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *entry = &m->entry[i];
		uint64_t end = ((uint64_t)get_le32(entry->start) + get_le32(entry->count)) * sector;

		if (entry->type && entry->type != MBR_PROTECTIVE && get_le32(entry->count) &&
			end > size)
			return error_set(e, ERR_REFUSED,
				"%llu bytes would cut partition p%u (MBR type 0x%02x), which ends "
				"at %llu",
				(unsigned long long)size, i + 1, entry->type,
				(unsigned long long)end);
	}
	return 0;
}

/* Partitions that are not in the list can't be told to be spared. */
static int table_is_sound(const struct report *report, struct error *e)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->finding[i].severity == SEVERITY_ERROR)
			return error_set(e, ERR_REFUSED, "nothing is cut off a damaged table: %s",
				report->finding[i].text);
	return 0;
}

static int list_fits(const struct volume_list *l, uint64_t size, struct error *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct volume *v = &l->volume[i];

		/* What is in pieces lies in other volumes of the list. */
		if (v->mapped || range_fits(v->off, v->size, size))
			continue;
		if (!v->parent[0])
			return error_set(e, ERR_REFUSED,
				"%llu bytes would cut the disk of %llu, which has no partition "
				"table that tells what is free",
				(unsigned long long)size, (unsigned long long)v->size);
		return error_set(e, ERR_REFUSED,
			"%llu bytes would cut partition %s, which ends at %llu",
			(unsigned long long)size, v->id, (unsigned long long)(v->off + v->size));
	}
	return 0;
}

int volumes_fit(struct disk *d, uint64_t size, struct error *e)
{
	struct report report = { 0 };
	struct volume_list list;
	struct mbr m;
	int rc = volumes_open(d, &list, &report, e);

	if (!rc) {
		rc = list_fits(&list, size, e);
		if (!rc)
			rc = windows_managers_check(&list, e);
		if (!rc)
			rc = table_is_sound(&report, e);
		if (!rc && strcmp(list.table, "none") != 0) {
			rc = mbr_load(d, &m, e);
			if (!rc)
				rc = mbr_fits(
					&m, size, d->logical_sector ? d->logical_sector : 512, e);
		}
		volumes_close(&list);
	}
	report_free(&report);
	return rc;
}

/* Sectors that the entries take. */
static uint64_t table_sectors(const struct gpt *g)
{
	return div_up(
		(uint64_t)get_le32(g->header.count) * get_le32(g->header.entry_size), g->sector);
}

static int table_fits(const struct gpt *g, uint64_t last_usable, struct error *e)
{
	uint32_t entry_size = get_le32(g->header.entry_size);

	for (unsigned i = 0; i < get_le32(g->header.count); i++) {
		static const struct guid unused = { { 0 } };
		struct gpt_entry entry;

		memcpy(&entry, g->table + (size_t)i * entry_size, sizeof(entry));
		if (!guid_equal(entry.type, unused) && get_le64(entry.last) > last_usable)
			return error_set(e, ERR_REFUSED,
				"partition p%u ends at sector %llu, the last one with the new size "
				"is %llu",
				i + 1, (unsigned long long)get_le64(entry.last),
				(unsigned long long)last_usable);
	}
	return 0;
}

static int sectors_clear(
	struct disk *d, uint64_t sector, uint64_t at, uint64_t count, struct error *e)
{
	uint8_t zeros[SECTOR_MAX] = { 0 };
	int rc = 0;

	for (; !rc && count; at++, count--)
		rc = disk_write(d, at * sector, zeros, (size_t)sector, e);
	return rc;
}

/* An old backup must not be found again by a tool that searches for one.  Only one that is good is
 * taken for what it says it is. */
static int backup_clear(struct disk *d, const struct gpt *g, uint64_t at, struct error *e)
{
	uint64_t usable = get_le64(g->header.last_usable);
	struct error why = { 0 };
	struct gpt old;
	uint64_t table;
	int rc;

	if (at <= usable)
		return 0;
	rc = gpt_load(d, at, &old, &why);
	if (rc == -ERR_CORRUPT || rc == -ERR_NOTFOUND)
		return 0;
	if (rc) {
		*e = why;
		return rc;
	}
	table = get_le64(old.header.table);
	rc = sectors_clear(d, g->sector, at, 1, e);
	if (!rc && table > usable)
		rc = sectors_clear(d, g->sector, table, table_sectors(&old), e);
	free(old.table);
	return rc;
}

/* Writes one header, its sum included; the rest of its sector is kept. */
static int header_write(struct disk *d, const struct gpt *g, const uint8_t *rest,
	struct gpt_header h, struct error *e)
{
	uint8_t sector[SECTOR_MAX];
	uint64_t at = get_le64(h.self);

	memcpy(sector, rest, (size_t)g->sector);
	h.crc = put_le32(0);
	memcpy(sector, &h, sizeof(h));
	h.crc = put_le32(crc32_of(sector, get_le32(h.size)));
	memcpy(sector, &h, sizeof(h));
	return disk_write(d, at * g->sector, sector, (size_t)g->sector, e);
}

int gpt_store(struct disk *d, const struct gpt *g, uint64_t last_usable, struct error *e)
{
	uint64_t last = g->sectors - 1;
	size_t table = (size_t)get_le32(g->header.count) * get_le32(g->header.entry_size);
	struct gpt_header primary = g->header, backup;
	uint8_t rest[SECTOR_MAX];
	int rc = disk_read(d, g->sector, rest, (size_t)g->sector, e);

	primary.other = put_le64(last);
	primary.last_usable = put_le64(last_usable);
	backup = primary;
	backup.self = primary.other;
	backup.other = primary.self;
	backup.table = put_le64(last_usable + 1);
	if (!rc)
		rc = header_write(d, g, rest, primary, e);
	if (!rc)
		rc = disk_write(d, get_le64(primary.table) * g->sector, g->table, table, e);
	if (!rc)
		rc = header_write(d, g, rest, backup, e);
	if (!rc)
		rc = disk_write(d, (last_usable + 1) * g->sector, g->table, table, e);
	return rc;
}

/*
 * The protective entry covers the disk, or as much as it can say.  In a hybrid MBR it ends before
 * the first of the other partitions, and stays as it is unless it did cover the disk.
 */
static int protective_write(
	struct disk *d, struct mbr *m, uint64_t old_sectors, uint64_t sectors, struct error *e)
{
	uint32_t old_count = (uint32_t)min_u64(old_sectors - 1, UINT32_MAX);
	bool hybrid = false;

	for (size_t i = 0; i < MBR_ENTRIES; i++)
		hybrid = hybrid || (m->entry[i].type && m->entry[i].type != MBR_PROTECTIVE);
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		struct mbr_entry *entry = &m->entry[i];

		if (entry->type == MBR_PROTECTIVE && get_le32(entry->start) == 1 &&
			(!hybrid || get_le32(entry->count) >= old_count))
			entry->count = put_le32((uint32_t)min_u64(sectors - 1, UINT32_MAX));
	}
	return disk_write(d, 0, m, sizeof(*m), e);
}

/* The last usable sector when both copies have room and cut nothing. */
static int usable_end(const struct gpt *g, uint64_t *out, struct error *e)
{
	uint64_t used = table_sectors(g) + 1;
	uint64_t table_end = get_le64(g->header.table) + table_sectors(g);
	uint64_t first = max_u64(get_le64(g->header.first_usable), max_u64(table_end, 2));

	if (g->sectors <= used || g->sectors - used <= first)
		return error_set(e, ERR_REFUSED,
			"%llu sectors have no room for a GPT whose partitions begin at %llu",
			(unsigned long long)g->sectors, (unsigned long long)first);
	*out = g->sectors - 1 - used;
	return table_fits(g, *out, e);
}

static int gpt_follow(struct disk *d, struct mbr *m, uint64_t old_size, struct error *e)
{
	struct gpt g;
	uint64_t old_sectors, last_usable = 0;
	int rc = gpt_load(d, 1, &g, e);

	/* The backup may be good, and may be older than what is damaged: whoever mends it decides.
	 */
	if (rc)
		return error_prefix(e, "the size can't be changed before the GPT is repaired");
	old_sectors = old_size / g.sector;
	rc = usable_end(&g, &last_usable, e);
	if (!rc)
		rc = backup_clear(d, &g, old_sectors - 1, e);
	if (!rc && get_le64(g.header.other) != old_sectors - 1)
		rc = backup_clear(d, &g, get_le64(g.header.other), e);
	if (!rc)
		rc = gpt_store(d, &g, last_usable, e);
	if (!rc)
		rc = protective_write(d, m, old_sectors, g.sectors, e);
	free(g.table);
	return rc;
}

int volumes_follow_size(struct disk *d, uint64_t old_size, struct error *e)
{
	struct mbr m;
	int rc = mbr_load(d, &m, e);

	return rc || !mbr_has_protective(&m) ? rc : gpt_follow(d, &m, old_size, e);
}
