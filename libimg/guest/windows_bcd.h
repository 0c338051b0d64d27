/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_BCD_H
#define LIBIMG_GUEST_WINDOWS_BCD_H

#include "guest/windows.h"
#include "guest/windows_bcd_device.h"

/*
 * Boot configuration: what Windows' boot manager is told to start.  Since Vista it is a registry
 * hive on the partition that firmware starts from, Objects\{GUID}\Elements\NNNNNNNN; before that
 * the text file boot.ini.
 */

enum bcd_element {
	BCD_DEVICE = 0x11000001, /* where an entry's program is */
	BCD_PATH = 0x12000002,
	BCD_DESCRIPTION = 0x12000004,
	BCD_INHERIT = 0x14000006,
	BCD_EMS_PORT = 0x15000022,
	BCD_EMS_BAUD = 0x15000023,
	BCD_BOOT_EMS = 0x16000020,
	BCD_NO_GRAPHICS = 0x16000046,
	BCD_OS_DEVICE = 0x21000001, /* where the system that it starts is */
	BCD_SYSTEM_ROOT = 0x22000002,
	BCD_DEFAULT = 0x23000003, /* of the boot manager */
	BCD_RESUME = 0x23000003, /* of a loader */
	BCD_ORDER = 0x24000001,
	BCD_LOADER_EMS = 0x260000b0,
};

#define BCD_BOOTMGR "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
#define BCD_MEMTEST "{b2721d73-1db4-4c62-bf78-c548a880142d}"
#define BCD_EMS_SETTINGS "{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}"
#define BCD_GLOBAL_SETTINGS "{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}"

enum bcd_object {
	BCD_OBJECT_BOOTMGR = 0x10100002,
	BCD_OBJECT_LOADER = 0x10200003,
	BCD_OBJECT_RESUME = 0x10200004,
	BCD_OBJECT_MEMTEST = 0x10200005,
	BCD_OBJECT_SETTINGS = 0x20100000,
};

enum { BCD_OBJECT_LIMIT = 4096 };

/* windows_bcd_store.c: where a store is, and the store itself. */
struct bcd_place {
	size_t volume;
	const char *firmware; /* static: "bios" or "uefi" */
	bool is_text; /* boot.ini */
	struct tree *tree;
	bool own; /* the tree is closed with this */
	char *path; /* as spelled, in the tree */
};

/* Whether the volume has such a store; out->tree NULL: it has none. */
int bcd_place_find(struct guest_image *g, size_t volume, const char *firmware, bool is_text,
	struct bcd_place *out, struct error *e);
void bcd_place_close(struct bcd_place *p);
/* Whether that firmware reads the store on this volume. */
bool bcd_place_counts(const struct guest_image *g, const struct bcd_place *p);
/* Whether this Windows has boot.ini, not a store. */
bool bcd_is_text(const struct guest_image *g);
/* What firmware the disk is started by on that target. */
const char *bcd_firmware_of(const struct guest_image *g, const struct target *t);
/* Whether there is a partition that the firmware starts from, and it can be read. */
bool bcd_has_place(const struct guest_image *g, const char *firmware);
/* The one that the firmware reads; out->tree NULL: there is none. */
int bcd_place_of(
	struct guest_image *g, const char *firmware, struct bcd_place *out, struct error *e);
/* The time for a file of it that is written anew. */
int bcd_place_time(const struct bcd_place *p, int64_t *out, struct error *e);

struct bcd_store {
	struct bcd_place place;
	struct windows_hive file; /* its hive may be missing, with a problem */
};

/* Takes the place. */
int bcd_store_open(
	struct guest_image *g, struct bcd_place *place, struct bcd_store *out, struct error *e);
int bcd_store_write(struct bcd_store *s, struct error *e);
void bcd_store_close(struct bcd_store *s);

/* Elements of objects.  What is not there, or not of its type, is NULL, BCD_NONE or false. */
void bcd_element_key(char *key, size_t size, const char *object, unsigned id);
int bcd_text(struct hive *h, const char *object, unsigned id, char **out, struct error *e);
int bcd_device(
	struct hive *h, const char *object, unsigned id, struct bcd_device *out, struct error *e);
int bcd_flag(struct hive *h, const char *object, unsigned id, bool *out, struct error *e);
/* What the boot manager starts by itself; *out NULL: it names nothing that is there. */
int bcd_default(struct hive *h, char **out, struct error *e);

/* windows_bcd_plan.c: what has to be changed in a store so that the disk starts elsewhere. */
struct bcd_fix {
	char *object;
	unsigned element;
	const char *entry; /* static, in words: "the boot manager" */
	bool needed; /* the guest does not start without it */
	size_t volume; /* that it shall name; SIZE_MAX: that can't be told */
	char *now; /* what it names, in words */
};

struct bcd_plan {
	struct bcd_fix *fix;
	size_t count;
	char *lacks; /* why the store starts nothing, whatever its devices are; or NULL */
};

int bcd_plan_make(
	struct guest_image *g, struct bcd_store *s, struct bcd_plan *out, struct error *e);
void bcd_plan_free(struct bcd_plan *p);

/* windows_bcd_ems.c: the text console on the first serial port. */
int bcd_ems_set(struct hive *h, struct error *e);

/* windows_boot_ini.c */
int boot_ini_read(const struct bcd_place *p, struct buffer *out, struct error *e);
int boot_ini_entries(
	struct guest_image *g, const char *text, struct windows_bcd *out, struct error *e);
/* *now: what it starts instead of this Windows, NULL when it is right; `changed` then gets the text
 * as it should be, nothing when that can't be told. */
int boot_ini_plan(struct guest_image *g, const char *text, struct buffer *changed, char **now,
	struct error *e);

/* windows_loader.c: findings about what UEFI firmware starts by itself. */
int windows_loader_readiness(struct guest_image *g, struct report *out, struct error *e);

#endif
