/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_TARGET_H
#define LIBIMG_GUEST_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strings.h"

/* What a hypervisor needs of a guest, read from recipes/targets/NAME.xml and what that uses of
 * recipes/targets/shared. */

enum module_need {
	NEED_BOOT, /* before the root file system: built in, or in the initramfs */
	NEED_LATER, /* after it: anywhere in the guest */
	NEED_OPTIONAL, /* never missed */
};

struct target_module {
	char *name; /* as modprobe names it, "hv_storvsc" */
	char *role; /* "bus", "storage", "network", "input", ... */
	char *config; /* kernel option when built in, "CONFIG_HYPERV_STORAGE"; may be NULL */
	enum module_need need;
	bool initramfs; /* what is put into an initramfs takes it along (always for NEED_BOOT) */
	struct strings alternatives; /* modules that serve as well */
};

/* A service of the guest that the hypervisor works with. */
struct target_service {
	char *name; /* what it is for, "hyperv-kvp" */
	struct strings units; /* systemd units that are it, as distributions call them */
	struct strings packages; /* that bring one, for the finding */
};

enum argument_action {
	ARGUMENT_ADD, /* there, beside others of that name ("console=ttyS0") */
	ARGUMENT_SET, /* the one value of that name */
	ARGUMENT_REMOVE, /* none of that name, or of that name and value */
};

/* A word of the kernel command line. */
struct target_argument {
	enum argument_action action;
	char *name; /* "console" */
	char *value; /* "ttyS0,115200n8", NULL: none */
};

struct target_property {
	char *name, *value;
	char *when; /* NULL, or a condition on the guest: "linux", "windows" */
};

/* What the boot loader of Windows 8 and later looks a device up by, in the registry's
 * DriverDatabase.
 */
struct target_install {
	char *device; /* hardware id: "ACPI\\VMBus" */
	char *configuration; /* install section of the inbox INF: "VMBus_Device_Child.NT" */
	bool support; /* without a service: there only so that the device counts as installed */
	char *description; /* of the device, for people; NULL: none */
};

/* A value below a service's key. */
struct target_parameter {
	char *key; /* "Parameters\\Device"; "" the service's own */
	char *name;
	uint32_t value; /* a DWORD */
};

enum { TARGET_AS_FOUND = 5 }; /* one more than any start type */

/* A driver or service of Windows, by the name of its key; for one build there is one of a name. */
struct target_driver {
	char *service; /* "storvsc" */
	char *role; /* "bus", "storage", "network", ... */
	enum module_need need; /* NEED_BOOT: Windows does not start without it */
	char *file; /* of System32\\drivers, "storvsc.sys"; NULL: a service of user mode */
	struct strings files; /* of the same folder, that it does not work without */
	/* Windows builds that have it by themselves; in others it comes from a package.  0, 0: none
	 * has it.  Last 0: every later one. */
	uint32_t inbox_first, inbox_last;
	/* Builds for which it is needed at all; 0: no bound. */
	uint32_t first, last;
	char *inf; /* inbox, "wstorvsc.inf"; NULL: its key is never made anew */
	/* How it has to be started at the latest, TARGET_AS_FOUND: no matter. */
	uint32_t start;
	/* Further values of the service's key when it has to be made anew; group NULL: none. */
	uint32_t error;
	char *group;
	struct target_parameter *parameter;
	size_t parameter_count;
	char *class_guid; /* of its devices, "{4d36e97b-e325-11ce-bfc1-08002be10318}" */
	/* Hardware ids: "VMBUS\\{ba6163d9-...}"; with "*" at its end how they begin. */
	struct strings devices;
	/* Of these and further ones what DriverDatabase has to have. */
	struct target_install *install;
	size_t install_count;
	struct strings alternatives; /* services that do as well */
};

/* A service of another hypervisor's, which is switched off and taken out of class filters. */
struct target_foreign {
	char *service;
	struct strings keys; /* below the control set, removed: "Services\\XEN\\Unplug" */
};

/* A registry value of Windows that the hypervisor wants. */
struct target_setting {
	char *hive; /* "SYSTEM": in every control set; "SOFTWARE" */
	char *key; /* below the control set, or the hive's root */
	char *name;
	uint32_t value; /* a DWORD */
	bool present; /* set only where the value is there already */
	/* Only these are replaced; none: any other. */
	uint32_t *instead;
	size_t instead_count;
	char *finding; /* its code, "san-policy" */
	char *why;
};

/* A disk image as Glance calls it. */
struct target_disk {
	char *format; /* "vhdx" */
	bool usual; /* one of this format is for the target when nobody says otherwise */
};

struct target {
	char *name; /* "hyperv-gen2" */
	char *family; /* "hyperv", what several are asked for by together */
	bool by_family; /* asked for by its family's name: see below */
	char *title; /* for people */
	char *evidence; /* "tested" on that hypervisor, or "inferred" */
	char *disks; /* what its disks are called in /dev, less the letter: "sd", "vd" */
	char *firmware; /* "bios", "uefi", or "any": what the disk allows */
	char *hypervisor; /* Glance's hypervisor_type, NULL: no OpenStack cloud runs on it */
	struct target_module *module;
	size_t module_count;
	struct target_property *property; /* image properties */
	size_t property_count;
	struct target_service *service;
	size_t service_count;
	struct target_argument *argument;
	size_t argument_count;
	struct target_driver *driver;
	size_t driver_count;
	struct target_foreign *foreign;
	size_t foreign_count;
	struct target_setting *setting;
	size_t setting_count;
	/* The first build of Windows that starts there, 0: any; and whether only 64-bit ones do. */
	uint32_t windows_first;
	bool windows_64;
	struct strings datasources; /* of cloud-init, in the order to be tried */
	struct target_disk *disk; /* those that its clouds take; none: every one */
	size_t disk_count;
	uint64_t min_ram; /* MiB, 0: not said */
};

/*
 * A target that was asked for by its own name must be met.  Those with `by_family` are
 * alternatives: of each family at least one must be met, and the modules of all of them are put
 * into the guest.
 */
struct target_list {
	struct target *target;
	size_t count;
};

/*
 * Loads the targets that `names` (comma separated) means, in that order, none twice; a name that is
 * a family ("hyperv") gives all its members with `by_family`.  An unknown name is ERR_USAGE with
 * the known ones.  `recipes` is the directory that holds targets/ and target.rng.  Files are
 * checked against that schema; errors name file and line.
 */
int targets_load(const char *recipes, const char *names, struct target_list *out, struct error *e);
/* All shipped targets, sorted by name; `by_family` is false. */
int targets_load_all(const char *recipes, struct target_list *out, struct error *e);
void targets_free(struct target_list *l);
/* NULL: no such. */
const struct target *target_by_name(const struct target_list *l, const char *name);
/* Whether the driver is for that build of Windows; and whether that has it by itself. */
bool target_driver_fits(const struct target_driver *d, uint32_t build);
bool target_driver_is_inbox(const struct target_driver *d, uint32_t build);
/* NULL: there is none of that service for the build. */
const struct target_driver *target_driver_by_service(
	const struct target *t, const char *service, uint32_t build);
/* Whether the target gives disks names like that of the device; with several of them not always the
 * same one. */
bool target_has_disk(const struct target *t, const char *device);

#endif
