/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UEFI 2.10, 5.2.3 and 5.3. */
#include "volume/gpt_make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "volume/gpt.h"
#include "volume/table.h"

enum { SECTOR_MAX = 4096 };

static uint32_t sector_of(const struct disk *d)
{
	return d->logical_sector ? d->logical_sector : 512;
}

uint64_t gpt_make_tail(const struct disk *d)
{
	return GPT_MAKE_TABLE + sector_of(d);
}

uint64_t gpt_make_head(const struct disk *d)
{
	return GPT_MAKE_TABLE + 2 * (uint64_t)sector_of(d);
}

static int partition_check(
	const struct disk *d, const struct gpt_partition *p, size_t at, struct error *e)
{
	const struct gpt_partition *one = &p[at];
	const uint64_t head = gpt_make_head(d);

	if (!one->number || one->number > GPT_MAKE_ENTRIES)
		return error_set(e, ERR_USAGE, "partition %u of %u", one->number, GPT_MAKE_ENTRIES);
	if (!one->size || one->off % sector_of(d) || one->size % sector_of(d) || one->off < head ||
		!range_fits(one->off, one->size, d->size - gpt_make_tail(d)))
		return error_set(e, ERR_USAGE,
			"partition %u, %" PRIu64 " bytes from %" PRIu64 ", on a disk of %" PRIu64
			" bytes",
			one->number, one->size, one->off, d->size);
	for (size_t i = 0; i < at; i++)
		if (p[i].number == one->number ||
			(p[i].off < one->off + one->size && one->off < p[i].off + p[i].size))
			return error_set(e, ERR_USAGE, "partitions %u and %u overlap", p[i].number,
				one->number);
	return 0;
}

static int entry_fill(
	struct gpt_entry *entry, const struct gpt_partition *p, uint32_t sector, struct error *e)
{
	if (!guid_parse(p->type, &entry->type))
		return error_set(e, ERR_USAGE, "%s is no type of a partition", p->type);
	entry->id = p->id;
	entry->first = put_le64(p->off / sector);
	entry->last = put_le64((p->off + p->size) / sector - 1);
	for (size_t i = 0; i < GPT_NAME_UNITS && p->name[i]; i++)
		entry->name[i] = put_le16((uint8_t)p->name[i]);
	return 0;
}

/* The entry covers the disk, or as much as it can say. */
static int protective_write(struct disk *d, struct error *e)
{
	const uint64_t sectors = d->size / sector_of(d);
	struct mbr m = { .magic = { 0x55, 0xaa } };

	m.entry[0] = (struct mbr_entry){ .first_chs = { 0x00, 0x02, 0x00 },
		.type = MBR_PROTECTIVE,
		.last_chs = { 0xff, 0xff, 0xff },
		.start = put_le32(1),
		.count = put_le32((uint32_t)min_u64(sectors - 1, UINT32_MAX)) };
	return disk_write(d, 0, &m, sizeof(m), e);
}

static int copy_write(struct disk *d, struct gpt_header h, const struct gpt_entry *entries,
	uint64_t self, uint64_t other, uint64_t table, struct error *e)
{
	const uint32_t sector = sector_of(d);
	uint8_t bytes[SECTOR_MAX] = { 0 };
	int rc;

	h.self = put_le64(self);
	h.other = put_le64(other);
	h.table = put_le64(table);
	h.crc = put_le32(crc32_of(&h, sizeof(h)));
	memcpy(bytes, &h, sizeof(h));
	rc = disk_write(d, self * sector, bytes, sector, e);
	return rc ? rc : disk_write(d, table * sector, entries, GPT_MAKE_TABLE, e);
}

static int copies_write(
	struct disk *d, struct guid id, const struct gpt_entry *entries, struct error *e)
{
	const uint32_t sector = sector_of(d);
	const uint64_t last = d->size / sector - 1;
	const uint64_t usable_end = last - GPT_MAKE_TABLE / sector - 1;
	const struct gpt_header h = { .signature = "EFI PART",
		.revision = put_le32(0x00010000),
		.size = put_le32(GPT_HEADER_SIZE),
		.first_usable = put_le64(gpt_make_head(d) / sector),
		.last_usable = put_le64(usable_end),
		.disk = id,
		.count = put_le32(GPT_MAKE_ENTRIES),
		.entry_size = put_le32(GPT_ENTRY_SIZE),
		.table_crc = put_le32(crc32_of(entries, GPT_MAKE_TABLE)) };
	int rc = copy_write(d, h, entries, 1, last, 2, e);

	return rc ? rc : copy_write(d, h, entries, last, 1, usable_end + 1, e);
}

int gpt_make(struct disk *d, struct guid id, const struct gpt_partition *p, size_t count,
	struct error *e)
{
	struct gpt_entry *entries;
	int rc = 0;

	if (d->size % sector_of(d) || d->size < gpt_make_head(d) + gpt_make_tail(d))
		return error_set(e, ERR_USAGE, "a GPT on a disk of %" PRIu64 " bytes", d->size);
	entries = calloc(GPT_MAKE_ENTRIES, sizeof(*entries));
	if (!entries)
		return error_nomem(e, "a partition table");
	for (size_t i = 0; i < count && !rc; i++) {
		rc = partition_check(d, p, i, e);
		if (!rc)
			rc = entry_fill(&entries[p[i].number - 1], &p[i], sector_of(d), e);
	}
	if (!rc)
		rc = protective_write(d, e);
	if (!rc)
		rc = copies_write(d, id, entries, e);
	free(entries);
	return rc;
}
