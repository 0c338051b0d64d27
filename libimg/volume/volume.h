/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_VOLUME_H
#define LIBIMG_VOLUME_VOLUME_H

#include "base/report.h"
#include "disk/disk.h"
#include "disk/ranges.h"

enum { VOLUME_ID_SIZE = 264 }; /* two names of LVM with a slash between */

/* A part of a disk that may hold a file system. */
struct volume {
	/* "disk", "p1", "p2", ...: as the guest's kernel numbers them; "group/volume" for LVM. */
	char id[VOLUME_ID_SIZE];
	/* Id of what it was cut from, "" for the whole disk; a logical volume's is that of its
	 * first byte. */
	char parent[VOLUME_ID_SIZE];
	const char *type; /* static: "gpt", "mbr", "whole", "lvm" */
	char type_id[40]; /* GPT type GUID in text, or MBR type as "0x83" */
	char part_id[40]; /* PARTUUID as Linux names it */
	char name[128]; /* GPT partition name in UTF-8, may be empty */
	char dm_uuid[80]; /* of a logical volume, as the kernel's device mapper names it */
	uint64_t off; /* bytes in the whole disk; of a logical volume, its first byte */
	uint64_t size; /* bytes */
	bool bios_boot; /* GRUB's BIOS boot partition */
	bool esp; /* EFI system partition */
	bool active; /* MBR boot flag */
	bool mapped; /* it lies in other volumes, in pieces: see volume_places */
	bool pool; /* it holds logical volumes, all of which are known; `unused` is left */
	struct ranges unused; /* bytes of the whole disk, when it is a pool */
	struct disk *disk; /* slice or map, owned by the list */
};

struct volume_list {
	const char *table; /* static: "gpt", "mbr" or "none" */
	char disk_id[40]; /* GPT disk GUID, or MBR signature as 8 hex digits */
	bool boot_code; /* the first sector holds code that a BIOS can start */
	bool backup_damaged; /* GPT: one copy was bad, the other was used */
	struct volume *volume;
	size_t count;
};

/*
 * Reads GPT (either copy, both CRCs) or MBR with logical partitions, and LVM2's linear and striped
 * logical volumes in them, which follow behind.  A disk without a table gives one volume of type
 * "whole".  What can't be opened is a finding.  `d` is not owned and must outlive the list.
 * UEFI 2.10, 5.
 */
int volumes_open(struct disk *d, struct volume_list *out, struct report *report, struct error *e);
void volumes_close(struct volume_list *l);

/* Calls back for each run of the whole disk that off..off+len of a volume lies in; a non-zero
 * answer ends it and is returned. */
int volume_places(const struct volume *v, uint64_t off, uint64_t len,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);
/* Whether a guest's path means a logical volume: "/dev/group/volume", "/dev/mapper/group-volume",
 * "/dev/disk/by-id/dm-name-..." or "dm-uuid-...". */
bool volume_is_path(const struct volume *v, const char *path);

#endif
