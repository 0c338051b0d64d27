/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "volume/resize.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "volume/gpt.h"
#include "volume/table.h"

enum { SECTOR_MAX = 4096 };

int volumes_fit(struct disk *d, uint64_t size, struct error *e)
{
	struct report report = { 0 };
	struct volume_list list;
	int rc = volumes_open(d, &list, &report, e);

	report_free(&report);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < list.count; i++) {
		const struct volume *v = &list.volume[i];

		if (!range_fits(v->off, v->size, size))
			rc = error_set(e, ERR_REFUSED,
				"%llu bytes would cut %s %s, which ends at %llu",
				(unsigned long long)size,
				v->parent[0] ? "partition" : "the file system on the whole", v->id,
				(unsigned long long)(v->off + v->size));
	}
	volumes_close(&list);
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

/* The old backup must not be found again by a tool that searches for one. */
static int backup_clear(struct disk *d, const struct gpt *g, uint64_t old_size, struct error *e)
{
	uint8_t zeros[SECTOR_MAX] = { 0 };
	uint64_t at = get_le64(g->header.last_usable) + 1;
	uint64_t end = min_u64(old_size, d->size) / g->sector;
	int rc = 0;

	/* Between the last usable sector and the end there is nothing but the backup: its table and
	 * its header. */
	if (at < end && end - at > table_sectors(g) + 1)
		at = end - table_sectors(g) - 1;
	for (; !rc && at < end; at++)
		rc = disk_write(d, at * g->sector, zeros, (size_t)g->sector, e);
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

static int copies_write(struct disk *d, const struct gpt *g, uint64_t last_usable, struct error *e)
{
	uint64_t last = g->sectors - 1;
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
		rc = header_write(d, g, rest, backup, e);
	if (!rc)
		rc = disk_write(d, (last_usable + 1) * g->sector, g->table,
			(size_t)get_le32(g->header.count) * get_le32(g->header.entry_size), e);
	return rc;
}

/* The protective entry covers the disk, or as much as it can say. */
static int protective_write(struct disk *d, struct mbr *m, uint64_t sectors, struct error *e)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++)
		if (m->entry[i].type == MBR_PROTECTIVE && get_le32(m->entry[i].start) == 1)
			m->entry[i].count = put_le32((uint32_t)min_u64(sectors - 1, UINT32_MAX));
	return disk_write(d, 0, m, sizeof(*m), e);
}

static int gpt_follow(struct disk *d, struct mbr *m, uint64_t old_size, struct error *e)
{
	struct gpt g;
	uint64_t used, last_usable;
	int rc = gpt_load(d, 1, &g, e);

	if (rc)
		return error_prefix(e, "the size cannot be changed before the GPT is repaired");
	used = table_sectors(&g) + 1;
	if (g.sectors < 2 * used + 2) {
		rc = error_set(e, ERR_REFUSED, "%llu sectors have no room for a GPT",
			(unsigned long long)g.sectors);
	} else {
		last_usable = g.sectors - 1 - used;
		rc = table_fits(&g, last_usable, e);
		if (!rc)
			rc = backup_clear(d, &g, old_size, e);
		if (!rc)
			rc = copies_write(d, &g, last_usable, e);
		if (!rc)
			rc = protective_write(d, m, g.sectors, e);
	}
	free(g.table);
	return rc;
}

int volumes_follow_size(struct disk *d, uint64_t old_size, struct error *e)
{
	struct mbr m;
	int rc;

	if (d->size < sizeof(m))
		return 0;
	rc = disk_read(d, 0, &m, sizeof(m), e);
	return rc || !mbr_has_protective(&m) ? rc : gpt_follow(d, &m, old_size, e);
}
