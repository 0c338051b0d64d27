/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TARGET_H
#define LIBIMG_GUEST_TARGET_H

#include <stdint.h>

#include "base/error.h"
#include "base/strings.h"

/* What a hypervisor needs of a guest, read from recipes/targets/NAME.xml. */

enum module_need {
	NEED_BOOT,	/* before the root file system: built in, or in the initramfs */
	NEED_LATER,	/* after it: anywhere in the guest */
	NEED_OPTIONAL,	/* put into the initramfs when the guest has it, never missed */
};

struct target_module {
	char *name;			/* as modprobe names it, "hv_storvsc" */
	char *role;			/* "bus", "storage", "network", "input", ... */
	char *config;			/* kernel option when built in, "CONFIG_HYPERV_STORAGE"; may be NULL */
	enum module_need need;
	struct strings alternatives;	/* modules that serve as well */
};

struct target_property {
	char *name, *value;
	char *when;	/* NULL, or a condition on the guest: "linux", "windows" */
};

struct target {
	char *name;			/* "hyperv-gen2" */
	char *title;			/* for people */
	char *firmware;			/* "bios" or "uefi" */
	char *hypervisor;		/* Glance's hypervisor_type */
	struct target_module *module;
	size_t module_count;
	struct target_property *property;	/* image properties */
	size_t property_count;
	uint64_t min_ram;		/* MiB, 0: not said */
};

struct target_list {
	struct target *target;
	size_t count;
};

/*
 * Loads the targets that `names` (comma separated) means; a name that is a family ("hyperv") gives all its
 * members.  `recipes` is the directory that holds targets/.  Files are checked against their schema; errors
 * name file and line.
 */
int targets_load(const char *recipes, const char *names, struct target_list *out, struct error *e);
/* All shipped targets. */
int targets_load_all(const char *recipes, struct target_list *out, struct error *e);
void targets_free(struct target_list *l);

#endif
