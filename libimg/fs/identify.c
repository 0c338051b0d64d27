/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File systems and containers known by their superblock, named as blkid(8) names them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ext2fs/ext2_fs.h>

#include "base/checked.h"
#include "base/zero.h"
#include "fs/identify.h"
#include "volume/raid.h"

void label_bytes(struct fs_id *id, const uint8_t *text, size_t len)
{
	len = strnlen((const char *)text, min_u64(len, sizeof(id->label) - 1));
	while (len && text[len - 1] == ' ')
		len--;
	memcpy(id->label, text, len);
	id->label[len] = '\0';
}

void uuid_bytes(struct fs_id *id, const uint8_t *uuid)
{
	char *to = id->uuid;

	if (bytes_are_zero(uuid, 16))
		return;
	for (int i = 0; i < 16; i++)
		to += sprintf(
			to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static bool has(const struct head *h, size_t at, const char *magic, size_t len)
{
	return !memcmp(h->bytes + at, magic, len);
}

static bool identify_luks(const struct head *h, struct fs_id *id)
{
	if (!has(h, 0, "LUKS\xba\xbe", 6))
		return false;
	id->type = "crypto_LUKS";
	(void)snprintf(id->uuid, sizeof(id->uuid), "%.36s", (const char *)h->bytes + 168);
	if (h->bytes[7] == 2)
		label_bytes(id, h->bytes + 24, 48);
	return true;
}

/* The label is in one of the first four sectors; the PV's id follows where the label says. */
static bool identify_lvm(const struct head *h, struct fs_id *id)
{
	static const int groups[] = { 6, 4, 4, 4, 4, 4, 6 };

	for (size_t at = 0; at < 4 * 512; at += 512) {
		size_t from = at + head_u32(h, at + 20) % 512;
		char *to = id->uuid;

		if (!has(h, at, "LABELONE", 8) || !has(h, at + 24, "LVM2 001", 8))
			continue;
		id->type = "LVM2_member";
		for (size_t i = 0; i < 7; i++) {
			to += sprintf(to, "%s%.*s", i ? "-" : "", groups[i],
				(const char *)h->bytes + from);
			from += (size_t)groups[i];
		}
		return true;
	}
	return false;
}

static bool identify_raid(const struct head *h, struct fs_id *id)
{
	struct raid_member member;
	struct error e = { 0 };
	bool found;

	if (raid_find(h->disk, &member, &found, &e) || !found)
		return false;
	id->type = "linux_raid_member";
	uuid_bytes(id, member.uuid);
	label_bytes(id, (const uint8_t *)member.name, sizeof(member.name));
	return true;
}

/* A hibernated system has its own magic where that of swap space was.  swsuspend of blkid. */
static const char *swap_type(const struct head *h, size_t magic)
{
	static const struct {
		const char *magic;
		size_t len;
	} suspended[] = {
		{ "S1SUSPEND", 9 }, { "S2SUSPEND", 9 }, { "ULSUSPEND", 9 }, { "LINHIB0001", 10 },
		{ "\xed\xc3\x02\xe9\x98\x56\xe5\x0c", 8 }, /* TuxOnIce */
	};

	if (has(h, magic, "SWAPSPACE2", 10))
		return "swap";
	for (size_t i = 0; i < sizeof(suspended) / sizeof(*suspended); i++)
		if (has(h, magic, suspended[i].magic, suspended[i].len))
			return "swsuspend";
	return NULL;
}

static bool identify_swap(const struct head *h, struct fs_id *id)
{
	for (size_t page = 4096; page <= 65536; page *= 2) {
		id->type = swap_type(h, page - 10);
		if (!id->type)
			continue;
		uuid_bytes(id, h->bytes + 1036);
		label_bytes(id, h->bytes + 1052, 16);
		return true;
	}
	return false;
}

static bool identify_xfs(const struct head *h, struct fs_id *id)
{
	if (!has(h, 0, "XFSB", 4))
		return false;
	id->type = "xfs";
	uuid_bytes(id, h->bytes + 32);
	label_bytes(id, h->bytes + 108, 12);
	return true;
}

static bool identify_btrfs(const struct head *h, struct fs_id *id)
{
	enum { SUPERBLOCK = 64 << 10 };

	if (!has(h, SUPERBLOCK + 0x40, "_BHRfS_M", 8))
		return false;
	id->type = "btrfs";
	uuid_bytes(id, h->bytes + SUPERBLOCK + 0x20);
	label_bytes(id, h->bytes + SUPERBLOCK + 0x12b, 256);
	return true;
}

/* The features that a driver for the older kind does not know decide, as in blkid. */
static const char *ext_type(uint32_t compat, uint32_t incompat, uint32_t ro)
{
	const uint32_t ext2_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE |
		EXT2_FEATURE_INCOMPAT_META_BG;
	const uint32_t ext3_incompat = ext2_incompat | EXT3_FEATURE_INCOMPAT_RECOVER;
	const uint32_t ext3_ro = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER |
		EXT2_FEATURE_RO_COMPAT_LARGE_FILE | 0x0004u; /* B-tree directories */

	if (ro & ~ext3_ro || incompat & ~ext3_incompat)
		return "ext4";
	return compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
}

static bool identify_ext(const struct head *h, struct fs_id *id)
{
	enum { SUPERBLOCK = 1024 };
	uint32_t incompat = head_u32(h, SUPERBLOCK + 0x60);

	/* A journal on a device of its own has the same superblock, and no files. */
	if (head_u16(h, SUPERBLOCK + 0x38) != EXT2_SUPER_MAGIC ||
		incompat & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV)
		return false;
	id->type = ext_type(
		head_u32(h, SUPERBLOCK + 0x5c), incompat, head_u32(h, SUPERBLOCK + 0x64));
	uuid_bytes(id, h->bytes + SUPERBLOCK + 0x68);
	label_bytes(id, h->bytes + SUPERBLOCK + 0x78, 16);
	return true;
}

/* ECMA-119, 8.4: the primary volume descriptor; the date of the last change, else of creation, is
 * the id. */
static bool identify_iso9660(const struct head *h, struct fs_id *id)
{
	enum { DESCRIPTOR = 32768 };
	const char *date = (const char *)h->bytes + DESCRIPTOR + 830;

	if (!has(h, DESCRIPTOR + 1, "CD001", 5))
		return false;
	id->type = "iso9660";
	if (strspn(date, "0") >= 16 || !date[0])
		date = (const char *)h->bytes + DESCRIPTOR + 813;
	if (strspn(date, "0123456789") >= 16 && strspn(date, "0") < 16)
		(void)snprintf(id->uuid, sizeof(id->uuid), "%.4s-%.2s-%.2s-%.2s-%.2s-%.2s-%.2s",
			date, date + 4, date + 6, date + 8, date + 10, date + 12, date + 14);
	label_bytes(id, h->bytes + DESCRIPTOR + 40, 32);
	return true;
}

/* Containers first: a file system inside may show at the same place. */
static bool (*const probes[])(const struct head *h, struct fs_id *id) = {
	identify_luks,
	identify_raid,
	identify_lvm,
	identify_bitlocker,
	identify_xfs,
	identify_btrfs,
	identify_ext,
	identify_swap,
	identify_ntfs,
	identify_refs,
	identify_iso9660,
	identify_exfat,
	identify_fat,
};

int fs_identify(struct disk *d, struct fs_id *out, struct error *e)
{
	uint8_t *bytes = calloc(1, HEAD_SIZE);
	struct head h = { .disk = d, .bytes = bytes };
	struct fs_id id = { 0 };
	int rc;

	if (!bytes)
		return error_nomem(e, "superblocks");
	rc = disk_read(d, 0, bytes, (size_t)min_u64(HEAD_SIZE, d->size), e);
	for (size_t i = 0; !rc && !id.type && i < sizeof(probes) / sizeof(probes[0]); i++)
		probes[i](&h, &id);
	free(bytes);
	if (!rc)
		*out = id;
	return rc;
}
