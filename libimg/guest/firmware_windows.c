/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a BIOS starts Windows: the first sector loads that of the active partition, and that a file
 * of its root. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/firmware.h"

/* Boot sector of NTFS and FAT: where the volume begins on the disk, in sectors.  The code there
 * adds it to what it reads. */
enum { SECTOR = 512, HIDDEN_SECTORS = 0x1c };

static size_t active_volume(const struct guest_image *g)
{
	for (size_t i = 0; i < g->volumes.count; i++)
		if (g->volumes.volume[i].active)
			return i;
	return SIZE_MAX;
}

int firmware_windows_manager(const struct guest_image *g, const char **out, size_t *volume,
	struct buffer *path, struct error *e)
{
	/* Vista and later, and before. */
	static const char *const names[] = { "bootmgr", "ntldr" };
	struct tree *t;
	int rc;

	*out = NULL;
	*volume = active_volume(g);
	if (*volume == SIZE_MAX || !g->volume[*volume].fs)
		return 0;
	rc = tree_open(g->volume[*volume].fs, g->volumes.volume[*volume].id, NULL, &t, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc && !*out; i++) {
		struct error why = { 0 };

		if (!firmware_path(t, names[i], path, &why))
			*out = names[i];
		else
			rc = error_of_host(&why, e);
	}
	tree_close(t);
	return rc;
}

static int start_check(const struct guest_image *g, const struct volume *v, char *why, size_t size,
	struct error *e)
{
	const uint32_t unit = g->disk->logical_sector ? g->disk->logical_sector : SECTOR;
	uint8_t sector[SECTOR];
	le32 hidden;
	int rc = disk_read(v->disk, 0, sector, sizeof(sector), e);

	if (rc)
		return rc;
	memcpy(&hidden, sector + HIDDEN_SECTORS, sizeof(hidden));
	if (get_le32(hidden) != v->off / unit)
		snprintf(why, size,
			"the boot sector of the active partition %s says that it begins at sector "
			"%" PRIu32 ", it begins at %" PRIu64,
			v->id, get_le32(hidden), v->off / unit);
	return 0;
}

int firmware_windows_fault(const struct guest_image *g, char *why, size_t size, struct error *e)
{
	struct buffer path = { 0 };
	const char *manager;
	size_t active;
	int rc;

	if (strcmp(g->volumes.table, "mbr") != 0) {
		snprintf(why, size, "a BIOS starts Windows from an MBR only, and the disk has %s",
			strcmp(g->volumes.table, "gpt") ? "no partition table" : "a GPT");
		return 0;
	}
	rc = firmware_windows_manager(g, &manager, &active, &path, e);
	buffer_free(&path);
	/* What is on a volume that is not open can't be told. */
	if (rc || active == SIZE_MAX || !g->volume[active].fs)
		return rc;
	if (manager)
		return start_check(g, &g->volumes.volume[active], why, size, e);
	snprintf(why, size, "the active partition %s has neither bootmgr nor ntldr",
		g->volumes.volume[active].id);
	return 0;
}
