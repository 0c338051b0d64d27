/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FAT and NTFS, whose label is a file of their own, and what has a boot sector like theirs. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"
#include "fs/identify.h"

enum {
	DIR_ENTRY = 32,
	DIR_STEP = 512,
	DIR_MAX = 64 << 10, /* bytes of a root directory that are searched */
	ATTR_VOLUME = 0x08,
	ATTR_LONG_NAME = 0x0f,
};

void label_utf16(struct fs_id *id, const uint8_t *text, size_t units)
{
	char out[FS_LABEL_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < units && used + UTF8_MAX < sizeof(out); i++) {
		uint32_t c = (uint32_t)(text[2 * i] | text[2 * i + 1] << 8);

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xe000)
			c = 0xfffd;
		used += utf8_write(out + used, c);
	}
	label_bytes(id, (const uint8_t *)out, used);
}

/* What the boot sector says about where things are; bytes.  Microsoft FAT specification, 3. */
struct fat {
	uint32_t sector, cluster;
	uint64_t root, root_len; /* of FAT12 and FAT16 */
	uint64_t data; /* of cluster 2 */
	uint32_t root_cluster; /* of FAT32, else 0 */
};

static bool fat_layout(const struct head *h, struct fat *out)
{
	uint32_t sector = head_u16(h, 11);
	uint32_t per_cluster = h->bytes[13];
	uint32_t reserved = head_u16(h, 14);
	uint32_t fats = h->bytes[16];
	uint32_t entries = head_u16(h, 17);
	uint32_t fat_len = head_u16(h, 22) ? head_u16(h, 22) : head_u32(h, 36);
	uint8_t media = h->bytes[21];

	if (!is_power_of_two(sector) || sector < 512 || sector > 4096)
		return false;
	if (!is_power_of_two(per_cluster) || !reserved || !fats || !fat_len)
		return false;
	if (media != 0xf0 && media < 0xf8)
		return false;
	if (h->bytes[510] != 0x55 || h->bytes[511] != 0xaa)
		return false;
	if (!head_u16(h, 19) && !head_u32(h, 32))
		return false;
	*out = (struct fat){ .sector = sector, .cluster = sector * per_cluster };
	out->root = ((uint64_t)reserved + (uint64_t)fats * fat_len) * sector;
	out->root_len = round_up((uint64_t)entries * DIR_ENTRY, sector);
	out->data = out->root + out->root_len;
	if (!head_u16(h, 22))
		out->root_cluster = head_u32(h, 44);
	return true;
}

/* Looks for the entry with the volume's name.  Whether the search is over. */
static bool scan_directory(struct disk *d, uint64_t off, uint64_t len, struct fs_id *id)
{
	uint8_t piece[DIR_STEP];
	struct error e;

	for (uint64_t at = 0; at + DIR_STEP <= len; at += DIR_STEP) {
		if (disk_read(d, off + at, piece, sizeof(piece), &e))
			return true;
		for (size_t i = 0; i < sizeof(piece); i += DIR_ENTRY) {
			const uint8_t *entry = piece + i;

			if (!entry[0])
				return true;
			if (entry[0] == 0xe5 || (entry[11] & 0x3f) == ATTR_LONG_NAME)
				continue;
			if ((entry[11] & (ATTR_VOLUME | 0x10)) != ATTR_VOLUME)
				continue;
			label_bytes(id, entry, 11);
			/* 0x05 stands for a first byte of 0xe5. */
			if (entry[0] == 0x05)
				id->label[0] = (char)0xe5;
			return true;
		}
	}
	return false;
}

static void find_label(const struct head *h, const struct fat *f, struct fs_id *id)
{
	uint64_t table = (uint64_t)head_u16(h, 14) * f->sector;
	uint32_t cluster = f->root_cluster;

	if (!cluster) {
		scan_directory(h->disk, f->root, min_u64(f->root_len, DIR_MAX), id);
		return;
	}
	for (uint64_t done = 0; done < DIR_MAX && cluster >= 2; done += f->cluster) {
		struct error e;
		le32 next;

		if (scan_directory(h->disk, f->data + (uint64_t)(cluster - 2) * f->cluster,
			    f->cluster, id))
			return;
		if (disk_read(h->disk, table + 4 * (uint64_t)cluster, &next, sizeof(next), &e))
			return;
		cluster = get_le32(next) & 0x0fffffff;
		if (cluster >= 0x0ffffff7)
			return;
	}
}

bool identify_fat(const struct head *h, struct fs_id *id)
{
	struct fat f;
	size_t tail;

	if (!fat_layout(h, &f))
		return false;
	/* The extended boot record: FAT32 has it further on. */
	tail = f.root_cluster ? 64 : 36;
	id->type = "vfat";
	if ((h->bytes[tail + 2] == 0x28 || h->bytes[tail + 2] == 0x29) && head_u32(h, tail + 3))
		(void)snprintf(id->uuid, sizeof(id->uuid), "%04X-%04X", head_u16(h, tail + 5),
			head_u16(h, tail + 3));
	find_label(h, &f, id);
	if (!id->label[0] && h->bytes[tail + 2] == 0x29 &&
		memcmp(h->bytes + tail + 7, "NO NAME    ", 11) != 0)
		label_bytes(id, h->bytes + tail + 7, 11);
	return true;
}

/* exFAT specification, 3.1: told by its name alone, as it is not read. */
bool identify_exfat(const struct head *h, struct fs_id *id)
{
	if (memcmp(h->bytes + 3, "EXFAT   ", 8) != 0)
		return false;
	id->type = "exfat";
	(void)snprintf(id->uuid, sizeof(id->uuid), "%04X-%04X", head_u16(h, 102), head_u16(h, 100));
	return true;
}

/*
 * BitLocker's boot sector has a name of its own, but for BitLocker To Go, which looks like FAT32 to
 * systems that do not know it: that has BitLocker's GUID behind the fields of FAT.  One that is
 * suspended looks the same, as its data stay encrypted.
 */
bool identify_bitlocker(const struct head *h, struct fs_id *id)
{
	enum { TO_GO_GUID = 424 };
	static const uint8_t guid[16] = { 0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83,
		0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01 };
	bool to_go = !memcmp(h->bytes + 3, "MSWIN4.1", 8) &&
		!memcmp(h->bytes + TO_GO_GUID, guid, sizeof(guid));

	if (memcmp(h->bytes + 3, "-FVE-FS-", 8) != 0 && !to_go)
		return false;
	id->type = "BitLocker";
	return true;
}

bool identify_refs(const struct head *h, struct fs_id *id)
{
	if (memcmp(h->bytes + 3, "ReFS\0\0\0\0", 8) != 0)
		return false;
	id->type = "ReFS";
	return true;
}

/* The name attribute (0x60) in the record of $Volume, the fourth of the master file table. */
static void ntfs_label(const struct head *h, uint64_t record, uint32_t size, struct fs_id *id)
{
	uint8_t bytes[4096];
	struct head r = { .disk = h->disk, .bytes = bytes };
	struct error e;
	size_t at;

	if (size < 512 || size > sizeof(bytes) || disk_read(h->disk, record, bytes, size, &e) ||
		memcmp(bytes, "FILE", 4) != 0)
		return;
	at = head_u16(&r, 20);
	while (at + 24 <= size && head_u32(&r, at) != 0xffffffff) {
		uint32_t len = head_u32(&r, at + 4);
		uint32_t value = head_u32(&r, at + 16);
		uint32_t from = head_u16(&r, at + 20);

		if (len < 24 || len > size - at)
			return;
		if (head_u32(&r, at) == 0x60) {
			if (!bytes[at + 8] && range_fits(from, value, len))
				label_utf16(id, bytes + at + from, value / 2);
			return;
		}
		at += len;
	}
}

bool identify_ntfs(const struct head *h, struct fs_id *id)
{
	uint32_t sector = head_u16(h, 11);
	uint32_t per_cluster = h->bytes[13];
	int8_t record = (int8_t)h->bytes[64];
	uint64_t cluster, mft, size;

	if (memcmp(h->bytes + 3, "NTFS    ", 8) != 0 || !is_power_of_two(sector) || sector < 256 ||
		sector > 4096 || !per_cluster)
		return false;
	/* Above 128 it is a negative power of two, as in the record size. */
	cluster = per_cluster > 128 ? UINT64_C(1) << ((256 - per_cluster) & 31) : per_cluster;
	cluster *= sector;
	size = record < 0 ? UINT64_C(1) << (-record & 31) : (uint64_t)record * cluster;
	id->type = "ntfs";
	(void)snprintf(id->uuid, sizeof(id->uuid), "%08X%08X", head_u32(h, 76), head_u32(h, 72));
	if (size <= 4096 && mul_fits(head_u64(h, 48), cluster, &mft) && mft < h->disk->size)
		ntfs_label(h, mft + 3 * size, (uint32_t)size, id);
	return true;
}
