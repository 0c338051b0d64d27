/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_VOLUME_H
#define LIBIMG_VOLUME_VOLUME_H

#include "base/report.h"
#include "disk/disk.h"

/* A part of a disk that may hold a file system. */
struct volume {
	char id[32]; /* "disk", "p1", "p2", ...: as the guest's kernel numbers them */
	char parent[32]; /* id of what it was cut from, "" for the whole disk */
	const char *type; /* static: "gpt", "mbr", "whole" */
	char type_id[40]; /* GPT type GUID in text, or MBR type as "0x83" */
	char part_id[40]; /* PARTUUID as Linux names it */
	char name[128]; /* GPT partition name in UTF-8, may be empty */
	uint64_t off; /* bytes in the whole disk */
	uint64_t size; /* bytes */
	bool bios_boot; /* GRUB's BIOS boot partition */
	bool esp; /* EFI system partition */
	bool active; /* MBR boot flag */
	struct disk *disk; /* slice, owned by the list */
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
 * Reads GPT (either copy, both CRCs) or MBR with logical partitions.  A disk without a table gives
 * one volume of type "whole".  `d` is not owned and must outlive the list.  UEFI 2.10, 5.
 */
int volumes_open(struct disk *d, struct volume_list *out, struct report *report, struct error *e);
void volumes_close(struct volume_list *l);

#endif
