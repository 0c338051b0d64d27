/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A partition that takes what is free behind it. */
#include "volume/partition_grow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "base/zero.h"
#include "volume/gpt.h"
#include "volume/resize.h"
#include "volume/table.h"

enum {
	GRAIN = 1 << 20, /* bytes that partitions are aligned to since disks have large blocks */
	CHS_HEADS = 255,
	CHS_SECTORS = 63,
	CHS_CYLINDERS = 1024,
};

/* In sectors. */
struct span {
	uint64_t sector; /* bytes */
	uint64_t first, end;
	unsigned number; /* of the partition */
};

static int behind(const struct volume *v, const char *what, unsigned number, struct error *e)
{
	return error_set(e, ERR_REFUSED, "partition %s can't be grown: %s %u lies behind it", v->id,
		what, number);
}

static struct span span_of(const struct disk *d, const struct volume *v)
{
	struct span s = { .sector = d->logical_sector ? d->logical_sector : 512 };

	s.first = v->off / s.sector;
	s.end = s.first + v->size / s.sector;
	(void)sscanf(v->id, "p%u", &s.number);
	return s;
}

/* The end it may have when sectors up to `limit` are free. */
static uint64_t end_aligned(const struct span *s, uint64_t limit)
{
	uint64_t grain = GRAIN / s->sector;

	if (s->first % grain == 0)
		limit -= limit % grain;
	return max_u64(limit, s->end);
}

static int gpt_check(
	const struct gpt *g, const struct volume *v, const struct span *s, struct error *e)
{
	uint32_t size = get_le32(g->header.entry_size);

	for (unsigned i = 0; i < get_le32(g->header.count); i++) {
		struct gpt_entry entry;

		memcpy(&entry, g->table + (size_t)i * size, sizeof(entry));
		if (i + 1 == s->number || bytes_are_zero(&entry.type, sizeof(entry.type)))
			continue;
		if (get_le64(entry.last) >= s->first)
			return behind(v, "partition", i + 1, e);
	}
	return 0;
}

/* Entries of a hybrid MBR repeat those of the GPT, and would no longer. */
static int hybrid_check(const struct mbr *m, const struct volume *v, struct error *e)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++)
		if (m->entry[i].type && m->entry[i].type != MBR_PROTECTIVE)
			return error_set(e, ERR_REFUSED,
				"partition %s can't be grown: the disk has a hybrid MBR, whose "
				"entry %u tells of partitions too",
				v->id, i + 1);
	return 0;
}

static int gpt_end_write(struct disk *d, struct gpt *g, const struct span *s, struct error *e)
{
	uint32_t size = get_le32(g->header.entry_size), count = get_le32(g->header.count);
	uint64_t last_usable = get_le64(g->header.last_usable);
	uint8_t *at = g->table + (size_t)(s->number - 1) * size;
	struct gpt_entry entry;

	memcpy(&entry, at, sizeof(entry));
	entry.last = put_le64(end_aligned(s, last_usable + 1) - 1);
	memcpy(at, &entry, sizeof(entry));
	g->header.table_crc = put_le32(crc32_of(g->table, (size_t)count * size));
	return gpt_store(d, g, last_usable, e);
}

static int gpt_grow(struct disk *d, const struct mbr *m, const struct volume *v, struct span *s,
	struct error *e)
{
	struct gpt g;
	int rc = hybrid_check(m, v, e);

	/* The backup may be missing, or not be at the end. */
	if (!rc)
		rc = volumes_follow_size(d, d->size, e);
	if (!rc)
		rc = gpt_load(d, 1, &g, e);
	if (rc)
		return rc;
	if (!s->number || s->number > get_le32(g.header.count))
		rc = error_set(e, ERR_CORRUPT, "no partition %s in the GPT", v->id);
	if (!rc)
		rc = gpt_check(&g, v, s, e);
	if (!rc)
		rc = gpt_end_write(d, &g, s, e);
	if (!rc)
		s->end = max_u64(s->end, end_aligned(s, get_le64(g.header.last_usable) + 1));
	free(g.table);
	return rc;
}

/* Where a BIOS of the last century finds a sector; past what it can say there is a fixed value. */
static void chs_put(uint8_t chs[3], uint64_t sector)
{
	uint64_t track = sector / CHS_SECTORS, cylinder = track / CHS_HEADS;

	if (cylinder >= CHS_CYLINDERS) {
		memcpy(chs, (const uint8_t[]){ 0xfe, 0xff, 0xff }, 3);
		return;
	}
	chs[0] = (uint8_t)(track % CHS_HEADS);
	chs[1] = (uint8_t)((sector % CHS_SECTORS + 1) | (cylinder >> 2 & 0xc0));
	chs[2] = (uint8_t)cylinder;
}

static int mbr_check(
	const struct mbr *m, const struct volume *v, const struct span *s, struct error *e)
{
	if (!s->number || s->number > MBR_ENTRIES)
		return error_set(e, ERR_REFUSED,
			"partition %s can't be grown: it lies in an extended one", v->id);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *entry = &m->entry[i];

		if (i + 1 == s->number || !entry->type || !get_le32(entry->count))
			continue;
		if ((uint64_t)get_le32(entry->start) + get_le32(entry->count) > s->first)
			return behind(v,
				mbr_is_extended(entry->type) ? "extended partition" : "partition",
				i + 1, e);
	}
	return 0;
}

static int mbr_grow(
	struct disk *d, struct mbr *m, const struct volume *v, struct span *s, struct error *e)
{
	struct mbr_entry *entry;
	uint64_t end;
	int rc = mbr_check(m, v, s, e);

	if (rc)
		return rc;
	end = end_aligned(s, d->size / s->sector);
	if (end > UINT32_MAX)
		return error_set(e, ERR_REFUSED,
			"partition %s can't be grown to %" PRIu64
			": an MBR tells of %u sectors, use a GPT",
			v->id, end * s->sector, UINT32_MAX);
	s->end = end;
	entry = &m->entry[s->number - 1];
	entry->count = put_le32((uint32_t)(end - s->first));
	chs_put(entry->last_chs, end - 1);
	return disk_write(d, 0, m, sizeof(*m), e);
}

int partition_grow(struct disk *d, const struct volume *v, uint64_t *size, struct error *e)
{
	struct span s = span_of(d, v);
	struct mbr m;
	int rc = 0;

	if (!strcmp(v->type, "whole")) {
		*size = d->size;
		return 0;
	}
	rc = disk_read(d, 0, &m, sizeof(m), e);
	if (!rc && !strcmp(v->type, "gpt"))
		rc = gpt_grow(d, &m, v, &s, e);
	else if (!rc && !strcmp(v->type, "mbr"))
		rc = mbr_grow(d, &m, v, &s, e);
	else if (!rc)
		rc = error_set(e, ERR_UNSUPPORTED, "%s is no partition", v->id);
	if (!rc)
		*size = (s.end - s.first) * s.sector;
	return rc;
}
