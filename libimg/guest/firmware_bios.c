/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a BIOS starts: the first sector, and what that goes on to load. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/zero.h"
#include "guest/firmware.h"

enum {
	SECTOR = 512, /* bytes of a boot sector, whatever the disk's sectors have */
	CODE_SIZE = 440,
	/* GRUB 2, include/grub/i386/pc/boot.h. */
	GRUB_KERNEL_SECTOR = 0x5c,
	GRUB_LIST_START = 0x1f4,
	GRUB_LIST_END = 0x148, /* behind the code of diskboot.img */
	GRUB_LIST_ENTRY = 12,
};

/* The boot code is judged only where it is known. */
struct bios {
	const struct guest_image *g;
	char *why;
	size_t size;
};

static int fault(const struct bios *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fault(const struct bios *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(b->why, b->size, format, args);
	va_end(args);
	return 0;
}

static bool holds(const uint8_t *sector, const void *text, size_t len)
{
	return memmem(sector, CODE_SIZE, text, len) != NULL;
}

static bool is_grub(const uint8_t *sector)
{
	static const char text[] = "GRUB \0Geom\0Hard Disk";

	return sector[0] == 0xeb && sector[1] == 0x63 && holds(sector, text, sizeof(text));
}

/* Code that starts the active partition's first sector: syslinux, Microsoft and others. */
static bool is_chain(const uint8_t *sector)
{
	return holds(sector, "Missing operating system", 24);
}

static uint64_t at64(const uint8_t *p)
{
	return get_le64((le64){ { p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7] } });
}

/* One run of core.img, `sectors` from `first`: inside the disk, and something written there. */
static int run_check(const struct bios *b, uint64_t first, uint64_t sectors, struct error *e)
{
	struct disk *d = b->g->disk;
	const uint32_t unit = d->logical_sector ? d->logical_sector : SECTOR;
	uint8_t bytes[SECTOR];
	int rc;

	if (!first || !range_fits(first, sectors, d->size / unit))
		return fault(b,
			"GRUB's core image would be %" PRIu64 " sectors at sector %" PRIu64
			", which is not inside the disk",
			sectors, first);
	rc = disk_read(d, first * unit, bytes, sizeof(bytes), e);
	if (!rc && bytes_are_zero(bytes, sizeof(bytes)))
		return fault(b, "sector %" PRIu64 ", where GRUB's core image should be, is empty",
			first);
	return rc;
}

/* The list of runs lies at the end of core.img's first sector, the first entry last. */
static int grub_check(const struct bios *b, const uint8_t *boot, struct error *e)
{
	static const char text[] = "Geom\0Read\0 Error";
	struct disk *d = b->g->disk;
	const uint32_t unit = d->logical_sector ? d->logical_sector : SECTOR;
	const uint64_t core = at64(boot + GRUB_KERNEL_SECTOR);
	uint8_t sector[SECTOR];
	int rc = run_check(b, core, 1, e);

	if (rc || *b->why)
		return rc;
	rc = disk_read(d, core * unit, sector, sizeof(sector), e);
	if (rc)
		return rc;
	if (!holds(sector, text, sizeof(text)))
		return fault(b, "sector %" PRIu64 " is not the start of GRUB's core image", core);
	for (size_t at = GRUB_LIST_START; at >= GRUB_LIST_END && !rc && !*b->why;
		at -= GRUB_LIST_ENTRY) {
		const uint64_t sectors = sector[at + 8] | (uint64_t)sector[at + 9] << 8;

		if (!sectors && at == GRUB_LIST_START)
			return fault(b, "GRUB's core image says that it has no sectors");
		if (!sectors)
			break;
		rc = run_check(b, at64(sector + at), sectors, e);
	}
	return rc;
}

/* Only an MBR has a flag for the partition that is started; a GPT's is not looked at. */
static int chain_check(const struct bios *b, struct error *e)
{
	const struct volume *active = NULL;
	uint8_t sector[SECTOR];
	int rc;

	if (strcmp(b->g->volumes.table, "mbr"))
		return 0;
	for (size_t i = 0; i < b->g->volumes.count && !active; i++)
		if (b->g->volumes.volume[i].active)
			active = &b->g->volumes.volume[i];
	if (!active)
		return fault(b, "the boot code starts the active partition, and none is active");
	if (active->size < SECTOR)
		return fault(b, "the active partition has %" PRIu64 " bytes", active->size);
	rc = disk_read(active->disk, 0, sector, sizeof(sector), e);
	if (rc)
		return rc;
	if (sector[510] != 0x55 || sector[511] != 0xaa || bytes_are_zero(sector, CODE_SIZE))
		return fault(b,
			"the boot code starts the active partition %s, whose first sector holds "
			"none",
			active->id);
	return is_grub(sector) ? grub_check(b, sector, e) : 0;
}

int firmware_bios_fault(const struct guest_image *g, char *why, size_t size, struct error *e)
{
	const struct bios b = { .g = g, .why = why, .size = size };
	uint8_t sector[SECTOR];
	int rc;

	*why = 0;
	if (!g->volumes.boot_code || g->disk->size < SECTOR)
		return fault(&b, "the first sector holds no boot code");
	rc = disk_read(g->disk, 0, sector, sizeof(sector), e);
	if (rc)
		return rc;
	if (is_grub(sector))
		return grub_check(&b, sector, e);
	/* Messages in the boot code of Windows are in its own language, so that it is not known by
	 * them. */
	if (guest_is_windows(g) || is_chain(sector))
		rc = chain_check(&b, e);
	if (rc || *why || !guest_is_windows(g))
		return rc;
	return firmware_windows_fault(g, why, size, e);
}

static int windows_kind(const struct guest_image *g, const char **out, struct error *e)
{
	struct buffer path = { 0 };
	size_t volume;
	int rc = firmware_windows_manager(g, out, &volume, &path, e);

	buffer_free(&path);
	return rc;
}

int firmware_bios_kind(const struct guest_image *g, const char **out, struct error *e)
{
	uint8_t sector[SECTOR];
	int rc;

	*out = NULL;
	if (!g->volumes.boot_code || g->disk->size < SECTOR)
		return 0;
	rc = disk_read(g->disk, 0, sector, sizeof(sector), e);
	for (size_t i = 0; !rc && is_chain(sector) && i < g->volumes.count; i++) {
		const struct volume *v = &g->volumes.volume[i];

		if (!v->active || v->size < SECTOR)
			continue;
		rc = disk_read(v->disk, 0, sector, sizeof(sector), e);
		if (!rc &&
			(memmem(sector, SECTOR, "EXTLINUX", 8) ||
				memmem(sector, SECTOR, "SYSLINUX", 8)))
			*out = "extlinux";
		break;
	}
	if (!rc && !*out && is_grub(sector))
		*out = "grub";
	if (!rc && !*out && guest_is_windows(g))
		rc = windows_kind(g, out, e);
	if (!rc && !*out)
		*out = "other";
	return rc;
}
