/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any sectors as a disk: its volumes, LVM's among them, and what is free in file systems that are
 * read for that alone.  Packed as for fuzz_image, so that little input can be a large disk:
 * "sectors\n", the number of sectors, and of those that hold something their number and bytes. Sums
 * are made right once, so that what is behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc.h"
#include "fs/fs.h"
#include "volume/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
	SECTOR = 512,
	SECTORS_MAX = 1 << 18,
	XFS_BLOCK = 4096,
	BTRFS_SUPER = 64 << 10,
	BTRFS_SUPER_SIZE = 4096,
	BTRFS_NODE = 16384,
};

struct flat {
	struct disk disk;
	uint8_t *bytes;
};

static int flat_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, ((struct flat *)d)->bytes + off, len);
	return 0;
}

static const struct disk_ops flat_ops = { .read = flat_read };

static uint32_t number_at(const uint8_t *at)
{
	le32 n;

	memcpy(&n, at, sizeof(n));
	return get_le32(n);
}

static void number_put(uint8_t *at, uint32_t n)
{
	le32 v = put_le32(n);

	memcpy(at, &v, sizeof(v));
}

static void sum_put(uint8_t *bytes, size_t len, size_t at)
{
	number_put(bytes + at, 0);
	number_put(bytes + at, crc32c(bytes, len));
}

/* The text of LVM metadata that does not go round the end of its area. */
static void lvm_mend(uint8_t *header, size_t room)
{
	uint32_t at = number_at(header + 40), len = number_at(header + 48);

	if (range_fits(at, len, room))
		number_put(header + 56, crc32_plain(0xf597a6cf, header + at, len));
	number_put(header, crc32_plain(0xf597a6cf, header + 4, SECTOR - 4));
}

static void mend(uint8_t *sector, size_t room)
{
	if (!memcmp(sector, "LABELONE", 8))
		number_put(sector + 16, crc32_plain(0xf597a6cf, sector + 20, SECTOR - 20));
	else if (!memcmp(sector + 4, " LVM2 x[5A%r0N*>", 16))
		lvm_mend(sector, room);
	else if (!memcmp(sector, "XFSB", 4))
		sum_put(sector, SECTOR, 224);
	else if (!memcmp(sector, "XAGF", 4))
		sum_put(sector, SECTOR, 216);
	else if (!memcmp(sector, "AB3B", 4) && room >= XFS_BLOCK)
		sum_put(sector, XFS_BLOCK, 52);
}

/* btrfs's sums are in front of what they are for; all its structures have its id. */
static void btrfs_mend(const uint8_t *disk, size_t off, uint8_t *sector, size_t room)
{
	size_t len = off == BTRFS_SUPER ? BTRFS_SUPER_SIZE : BTRFS_NODE;

	if (off + room >= BTRFS_SUPER + SECTOR && room >= len &&
		!memcmp(disk + BTRFS_SUPER + 64, "_BHRfS_M", 8) &&
		!memcmp(disk + BTRFS_SUPER + 32, sector + 32, 16))
		number_put(sector, crc32c(sector + 32, len - 32));
}

/* No byte twice: of a disk in two volumes of a group, or in two free runs. */
static int run_seen(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	struct ranges *seen = arg;
	uint64_t until;

	if (!len || off + len < off || ranges_hold(seen, off, &until) || until < off + len)
		abort();
	return ranges_add(seen, off, off + len, e);
}

/* Bytes of the volume that are free lie in it. */
static void free_use(struct volume *v)
{
	struct ranges seen = { 0 };
	struct fs_id id;
	struct error e;

	if (!fs_identify(v->disk, &id, &e))
		fs_free_runs(v->disk, &id, run_seen, &seen, &e);
	if (seen.count && seen.range[seen.count - 1].end > v->size)
		abort();
	ranges_free(&seen);
}

static bool is_same_group(const struct volume *a, const struct volume *b)
{
	size_t len = strcspn(a->id, "/");

	return !strncmp(a->id, b->id, len + 1);
}

static void disk_use(struct disk *d)
{
	struct volume_list list;
	struct ranges seen = { 0 };
	struct report report = { 0 };
	uint8_t sector[SECTOR];
	struct error e;

	if (volumes_open(d, &list, &report, &e)) {
		report_free(&report);
		return;
	}
	for (size_t i = 0; i < list.count && i < 16; i++) {
		struct volume *v = &list.volume[i];

		if (i && !is_same_group(v, v - 1))
			ranges_free(&seen);
		if (v->mapped)
			volume_places(v, 0, v->size, run_seen, &seen, &e);
		if (v->size >= SECTOR && disk_read(v->disk, v->size - SECTOR, sector, SECTOR, &e))
			abort();
		free_use(v);
	}
	volumes_close(&list);
	ranges_free(&seen);
	report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct flat flat = { .disk = { .ops = &flat_ops, .logical_sector = SECTOR } };
	uint32_t sectors;

	if (len < 12 || memcmp(bytes, "sectors\n", 8) != 0)
		return 0;
	sectors = number_at(bytes + 8) % SECTORS_MAX + 1;
	flat.disk.size = (uint64_t)sectors * SECTOR;
	flat.bytes = calloc(sectors, SECTOR);
	if (!flat.bytes)
		return 0;
	for (size_t at = 12; at + 4 + SECTOR <= len; at += 4 + SECTOR)
		memcpy(flat.bytes + (size_t)(number_at(bytes + at) % sectors) * SECTOR,
			bytes + at + 4, SECTOR);
	disk_use(&flat.disk);
	for (size_t at = 12; at + 4 + SECTOR <= len; at += 4 + SECTOR) {
		size_t off = (size_t)(number_at(bytes + at) % sectors) * SECTOR;

		mend(flat.bytes + off, (size_t)flat.disk.size - off);
		btrfs_mend(flat.bytes, off, flat.bytes + off, (size_t)flat.disk.size - off);
	}
	disk_use(&flat.disk);
	free(flat.bytes);
	return 0;
}
