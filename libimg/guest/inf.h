/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_INF_H
#define LIBIMG_GUEST_INF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/strings.h"

/*
 * An INF of a driver package ("INF sections and directives" of the Windows driver documentation):
 * what it says for one Windows.  Nothing of it is run.
 */

enum inf_limits {
	INF_LIMIT = 8 << 20, /* bytes of a file */
	INF_LINE_LIMIT = 200000,
	INF_EXPANDED_LIMIT = 64 << 10, /* bytes of one value, strings put in */
	/* Bytes of all lines looked at, again for each section that names them, strings put in. */
	INF_WORK_LIMIT = 128 << 20,
};

enum inf_arch { INF_X86, INF_AMD64, INF_ARM64 };
const char *inf_arch_name(enum inf_arch a); /* "x86" "amd64" "arm64" */

/* The Windows that a package is asked for. */
struct inf_platform {
	enum inf_arch arch;
	uint32_t major, minor, build; /* 10.0.19045 */
	uint8_t product; /* 1 workstation, 2 domain controller, 3 server */
	uint16_t lcid; /* of [Strings.LCID], 0x0409 when not known */
};

/* Of the flags in an AddReg section (FLG_ADDREG_... of setupapi.h). */
enum inf_reg_flag {
	INF_REG_KEEP = 0x2, /* what is there stays */
	INF_REG_APPEND = 0x8, /* to a list, what it has not yet */
	INF_REG_KEY_ONLY = 0x10, /* no value: the key is made */
	INF_REG_OVERWRITE_ONLY = 0x20, /* only where there is one */
};

/* One entry of an AddReg section; those that delete are left out.  Root and key as the section's
 * purpose has them. */
struct inf_reg {
	char *root; /* "HKR", "HKLM", "HKCR", "HKU", "HKCU" */
	char *key; /* below the root, "" for itself; no "\\" at either end */
	char *name; /* "" the default value */
	uint32_t flags; /* enum inf_reg_flag and the others */
	uint32_t type; /* of enum hive_type, out of the flags */
	uint8_t *data; /* as the registry stores it */
	size_t len;
};

struct inf_regs {
	struct inf_reg *reg;
	size_t count;
};

/* One file to be copied. */
struct inf_file {
	char *name; /* on the guest */
	char *source; /* path in the package, "/" between folders; as the INF spells it */
	unsigned dirid; /* 11 System32, 12 System32\drivers, 13 the package's own folder, ... */
	char *subdirectory; /* below dirid, "/" between folders; "" */
};

struct inf_service {
	char *name;
	bool function; /* the driver of the device itself (flag 2) */
	uint32_t type, start, error;
	char *binary; /* file name of ServiceBinary */
	unsigned binary_dirid;
	char *binary_subdirectory;
	char *group, *display; /* NULL: none */
	struct strings dependencies;
	struct inf_regs registry; /* HKR: the service's key */
};

/* One line of a models section, with what its install section does.  An INF without models has one
 * such for its DefaultInstall section: no ids, and "" to describe it. */
struct inf_device {
	char *description;
	char *description_token; /* "%viostor.devicedesc%" as written, or NULL */
	char *manufacturer, *manufacturer_token;
	char *section; /* install section with its decoration, "viostor_inst.NT" */
	struct strings ids; /* hardware id first, then compatible ones, as spelled */
	bool compatible_only; /* all ids are compatible ones */
	/* What follows is that of an earlier device with the same section, and not to be freed. */
	bool shared;
	uint8_t feature_score; /* 0xff: not said */
	struct inf_file *file; /* those of co-installers too */
	size_t file_count;
	struct inf_service *service;
	size_t service_count;
	struct inf_regs registry; /* HKR: the driver's (class) key */
	struct inf_regs hardware; /* .HW section; HKR: the device's key */
	/* Of .HW, where they are among `hardware` as well, and of .Filters. */
	struct strings upper_filters, lower_filters;
};

struct inf {
	char *class_name; /* "SCSIAdapter"; "": none */
	char *class_guid; /* "{4d36e97b-e325-11ce-bfc1-08002be10318}", lower case; NULL: none */
	char *provider;
	char *catalog; /* file name for this platform, NULL: none named */
	bool has_version;
	uint16_t version[4]; /* highest first */
	uint16_t year;
	uint8_t month, day; /* 0: no date */
	/* [Strings] for the language, names in lower case, sorted. */
	struct strings string_names, string_values;
	struct strings included; /* INF files of Windows that it builds on: not read */
	/* Paths in the package of all that it lists for the architecture, copied or not. */
	struct strings sources;
	struct inf_device *device; /* those of the models section that fits the platform */
	size_t device_count;
};

/*
 * Reads UTF-16 with a byte order mark, UTF-8 with one, or 8-bit (Windows-1252) text.  ERR_CORRUPT
 * names the line.  ERR_UNSUPPORTED: nothing in it is for the platform, with what it is for.
 */
int inf_parse(const void *bytes, size_t len, const struct inf_platform *p, struct inf *out,
	struct error *e);
void inf_free(struct inf *inf);

/* Whether the device has an id that `pattern` means: equal in any case, or, where it ends in "*",
 * beginning so. */
bool inf_device_matches(const struct inf_device *d, const char *pattern);

#endif
