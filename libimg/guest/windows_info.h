/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_INFO_H
#define LIBIMG_GUEST_WINDOWS_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strings.h"

/* What is shown of a Windows guest. */

/* A service of the current control set that a shipped target names; what others have is not shown.
 */
struct windows_service {
	char *name; /* as the target spells it */
	bool present; /* there is a key */
	bool has_start;
	uint32_t start; /* 0 boot, 1 system, 2 automatic, 3 on demand, 4 disabled */
	bool has_override; /* a StartOverride key with at least one value */
	uint32_t override; /* its highest value: how the worst of them starts it */
	char *file; /* guest path of its binary, NULL: none found */
	char *version; /* file version of that, "10.0.19041.1", or NULL */
};

/* One boot entry of a BCD store. */
struct windows_boot_entry {
	char *guid; /* "{...}" */
	char *kind; /* "bootmgr", "loader", "resume", "memtest", "other" */
	char *description, *path; /* or NULL */
	char *device; /* "partition 2", "locate", "boot", "missing partition GUID", "unknown" */
	bool is_default;
	bool found; /* the partition that it names is on this disk, or it needs none */
};

struct windows_bcd {
	char *volume, *path;
	const char *firmware; /* static: "bios" or "uefi" */
	char *problem; /* why it can't be read, or NULL */
	struct windows_boot_entry *entry;
	size_t entry_count;
};

struct windows_info {
	char *product, *version, *edition, *install_type; /* or NULL; version "10.0.19045.1" */
	char *release; /* "22H2", or NULL */
	uint32_t major, minor, build;
	char *arch; /* "x86_64", "i386", "arm64" */
	char *language; /* "0409", or NULL */
	char *hostname; /* or NULL */
	char *image_state; /* "IMAGE_STATE_COMPLETE", or NULL */
	char *system_root; /* guest path, "/Windows" */
	uint8_t product_type; /* 1 workstation, 2 domain controller, 3 server, 0 not known */
	bool evaluation, generalized;
	struct strings control_sets; /* "ControlSet001" */
	char *current; /* control set, or NULL */
	bool hive_dirty; /* a hive was not written back by Windows */
	bool hibernated, bitlocker;
	struct strings pending_reboot; /* what says that one is pending; empty: none */
	struct windows_service *service;
	size_t service_count;
	struct windows_bcd *bcd;
	size_t bcd_count;
};

/* With what it holds; NULL is none. */
void windows_info_free(struct windows_info *w);

#endif
