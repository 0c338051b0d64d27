/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An empty FAT32 volume.  Microsoft FAT Specification, August 2005, sections 3 to 5. */
#include "fs/fat_make.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	SECTOR = 512,
	RESERVED = 32, /* sectors before the tables */
	INFO = 1, /* sectors of FSInfo and of the boot sector's copy */
	COPY = 6,
	TABLES = 2,
	FIXED_DISK = 0xf8,
	CLUSTERS_MIN = 65525, /* fewer are FAT16 by definition */
	ROOT_CLUSTER = 2,
	ENTRY = 4, /* bytes in a table */
};

/* Section 3.3 */
struct fat32_boot {
	uint8_t jump[3]; /* +0x00 */
	char oem[8]; /* +0x03 */
	le16 sector; /* +0x0b bytes */
	uint8_t per_cluster; /* +0x0d sectors */
	le16 reserved; /* +0x0e sectors */
	uint8_t tables; /* +0x10 */
	le16 root_entries; /* +0x11 0 */
	le16 sectors16; /* +0x13 0 */
	uint8_t media; /* +0x15 */
	le16 table16; /* +0x16 0 */
	le16 track, heads; /* +0x18 */
	le32 hidden; /* +0x1c sectors */
	le32 sectors; /* +0x20 */
	le32 table; /* +0x24 sectors */
	le16 flags, version; /* +0x28 */
	le32 root; /* +0x2c cluster */
	le16 info, copy; /* +0x30 sectors */
	uint8_t unused[12]; /* +0x34 */
	uint8_t drive; /* +0x40 */
	uint8_t dirty; /* +0x41 */
	uint8_t extended; /* +0x42 0x29: the next three are there */
	le32 id; /* +0x43 */
	char label[11]; /* +0x47 */
	char type[8]; /* +0x52 */
	uint8_t code[420]; /* +0x5a */
	uint8_t magic[2]; /* +0x1fe */
};
_Static_assert(sizeof(struct fat32_boot) == SECTOR, "FAT32 boot sector");

/* Section 5 */
struct fat32_info {
	char lead[4]; /* +0x000 */
	uint8_t unused[480]; /* +0x004 */
	char middle[4]; /* +0x1e4 */
	le32 free, next; /* +0x1e8 clusters */
	uint8_t unused2[12]; /* +0x1f0 */
	le32 trail; /* +0x1fc */
};
_Static_assert(sizeof(struct fat32_info) == SECTOR, "FSInfo");

/* The table of section 3.4. */
static uint32_t sectors_per_cluster(uint64_t size)
{
	const uint64_t gib = UINT64_C(1) << 30;

	if (size <= UINT64_C(260) << 20)
		return 1;
	if (size <= 8 * gib)
		return 8;
	if (size <= 16 * gib)
		return 16;
	return size <= 32 * gib ? 32 : 64;
}

struct shape {
	uint32_t sectors, per_cluster, table, clusters;
};

static int shape_choose(uint64_t size, struct shape *s, struct error *e)
{
	const uint64_t sectors = size / SECTOR;
	uint64_t room;

	s->per_cluster = sectors_per_cluster(size);
	if (sectors <= RESERVED || sectors > UINT32_MAX)
		return error_set(e, ERR_RANGE, "FAT32 of %" PRIu64 " bytes", size);
	s->sectors = (uint32_t)sectors;
	room = sectors - RESERVED;
	/* One table more entries than clusters at most, by counting its own sectors as data. */
	s->table = (uint32_t)div_up((room / s->per_cluster + ROOT_CLUSTER) * ENTRY, SECTOR);
	if (room < (uint64_t)TABLES * s->table)
		return error_set(e, ERR_RANGE, "FAT32 of %" PRIu64 " bytes", size);
	s->clusters = (uint32_t)((room - (uint64_t)TABLES * s->table) / s->per_cluster);
	if (s->clusters < CLUSTERS_MIN)
		return error_set(e, ERR_RANGE,
			"%" PRIu64 " bytes are %u clusters, FAT32 has %d at least", size,
			s->clusters, CLUSTERS_MIN);
	return 0;
}

static void boot_fill(struct fat32_boot *b, const struct shape *s, uint32_t id, uint32_t hidden)
{
	*b = (struct fat32_boot){
		/* A processor that is sent here stops. */
		.jump = { 0xeb, 0x58, 0x90 },
		.code = { 0xf4, 0xeb, 0xfd },
		.sector = put_le16(SECTOR),
		.per_cluster = (uint8_t)s->per_cluster,
		.reserved = put_le16(RESERVED),
		.tables = TABLES,
		.media = FIXED_DISK,
		.track = put_le16(63),
		.heads = put_le16(255),
		.hidden = put_le32(hidden),
		.sectors = put_le32(s->sectors),
		.table = put_le32(s->table),
		.root = put_le32(ROOT_CLUSTER),
		.info = put_le16(INFO),
		.copy = put_le16(COPY),
		.drive = 0x80,
		.extended = 0x29,
		.id = put_le32(id),
		.magic = { 0x55, 0xaa },
	};
	memcpy(b->oem, "MSWIN4.1", sizeof(b->oem)); /* what the specification recommends */
	memcpy(b->label, "NO NAME    ", sizeof(b->label));
	memcpy(b->type, "FAT32   ", sizeof(b->type));
}

static int boot_write(
	struct disk *d, const struct shape *s, uint32_t id, uint32_t hidden, struct error *e)
{
	struct fat32_info info = { .lead = { 'R', 'R', 'a', 'A' },
		.middle = { 'r', 'r', 'A', 'a' },
		.free = put_le32(s->clusters - 1), /* the root directory has one */
		.next = put_le32(ROOT_CLUSTER + 1),
		.trail = put_le32(0xaa550000) };
	struct fat32_boot boot;
	int rc;

	boot_fill(&boot, s, id, hidden);
	rc = disk_write(d, 0, &boot, sizeof(boot), e);
	if (!rc)
		rc = disk_write(d, INFO * SECTOR, &info, sizeof(info), e);
	if (!rc)
		rc = disk_write(d, COPY * SECTOR, &boot, sizeof(boot), e);
	return rc ? rc : disk_write(d, (COPY + INFO) * SECTOR, &info, sizeof(info), e);
}

int fat_make(struct disk *d, uint32_t id, uint32_t hidden, struct error *e)
{
	/* The first two are the medium and the mark of a volume that was unmounted; the third ends
	 * the root directory. */
	const le32 head[] = { put_le32(0x0fffff00 | FIXED_DISK), put_le32(0x0fffffff),
		put_le32(0x0ffffff8) };
	struct shape s;
	int rc = shape_choose(d->size, &s, e);

	if (!rc)
		rc = boot_write(d, &s, id, hidden, e);
	for (uint32_t i = 0; i < TABLES && !rc; i++)
		rc = disk_write(
			d, (RESERVED + (uint64_t)i * s.table) * SECTOR, head, sizeof(head), e);
	return rc;
}

void fat_make_id_text(uint32_t id, char text[FAT_MAKE_ID_SIZE])
{
	(void)snprintf(text, FAT_MAKE_ID_SIZE, "%04X-%04X", id >> 16, id & 0xffff);
}
