/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_H
#define LIBIMG_GUEST_WINDOWS_H

#include "guest/guest_image.h"
#include "guest/hive.h"
#include "guest/inf.h"
#include "guest/windows_info.h"

/* What the parts of the Windows guest share. */

enum windows_hive_name { WINDOWS_SYSTEM, WINDOWS_SOFTWARE, WINDOWS_HIVES };

struct windows_hive {
	char *path; /* guest path, as spelled: "/Windows/System32/config/SYSTEM" */
	char *log1, *log2; /* guest paths of its logs, NULL: there is none */
	struct hive *hive; /* NULL: not there, or not readable */
	char *problem; /* why it is not open, or can only be read; NULL: all is well */
	int problem_code; /* an error code with it: ERR_REFUSED for one that must not be edited */
};

/* g->state */
struct windows_guest {
	char *root; /* "/Windows", as spelled */
	char *system32; /* "/Windows/System32" */
	struct windows_hive hive[WINDOWS_HIVES];
	struct strings control_sets; /* all that exist, the current one first: "ControlSet001" */
	struct inf_platform platform; /* build 0: not known */
};

static inline struct windows_guest *windows_of(const struct guest_image *g)
{
	return g->state;
}

/* The hive, or NULL when it could not be opened. */
static inline struct hive *windows_hive(const struct guest_image *g, enum windows_hive_name n)
{
	return windows_of(g)->hive[n].hive;
}

/* windows_load.c: root folder, hives, control sets; fills g->guest.windows. */
int windows_is_root(struct guest_image *g, size_t index, bool *answer, struct error *e);
int windows_load(struct guest_image *g, size_t index, struct error *e);
void windows_forget(struct guest_image *g);

/* windows_hive.c: opens a hive file of the guest, with its logs; `out` may have a problem instead
 * of a hive. */
int windows_hive_open(
	struct guest_image *g, const char *path, struct windows_hive *out, struct error *e);
/* Likewise for one on another volume, of which `t` is a tree; `volume`, its id, lives as long as
 * the hive. */
int windows_hive_open_on(struct guest_image *g, struct tree *t, const char *volume,
	const char *path, struct windows_hive *out, struct error *e);
/* Writes the hive back if it changed, in place, and empties its logs. */
int windows_hive_write(struct guest_image *g, struct windows_hive *h, struct error *e);
int windows_hive_write_on(struct tree *t, struct windows_hive *h, struct error *e);
void windows_hive_close(struct windows_hive *h);

/* windows_value.c: values that may be missing, or of another type than Windows gives them: then
 * *out is NULL, or `otherwise`.  `h` NULL: all are missing.  Fails only when the host does. */
int windows_text(struct hive *h, const char *key, const char *name, char **out, struct error *e);
int windows_number(struct hive *h, const char *key, const char *name, uint32_t otherwise,
	uint32_t *out, struct error *e);
/* "ControlSet001\\Services" for "Services"; of the current control set, which there is. */
int windows_set_text(
	struct guest_image *g, const char *key, const char *name, char **out, struct error *e);
int windows_set_number(struct guest_image *g, const char *key, const char *name, uint32_t otherwise,
	uint32_t *out, struct error *e);

/* windows_version.c: which Windows it is. */
int windows_version_load(struct guest_image *g, struct error *e);

/* windows_service.c: what is shown of services that targets name. */
int windows_services_load(struct guest_image *g, struct error *e);
/* File and version of a service, whatever the form of its ImagePath.  *path is NULL when the file
 * is not there. */
int windows_service_file(struct guest_image *g, const char *control_set, const char *service,
	char **path, struct error *e);
/* The guest path that an ImagePath means ("\\SystemRoot\\System32\\drivers\\x.sys"), as spelled;
 * *path NULL: nothing is there. */
int windows_image_path(struct guest_image *g, const char *image, char **path, struct error *e);

/* windows_file.c: PE files.  The file version in the resources, "10.0.19041.1"; NULL when it has
 * none. */
int windows_file_version(struct guest_image *g, const char *path, char **version, struct error *e);
/* PE_MACHINE_..., 0 when it is no PE image that can be read. */
int windows_file_machine(struct guest_image *g, const char *path, uint16_t *out, struct error *e);

/* windows_bcd.c: the BCD stores of the image, into g->guest.windows. */
int windows_bcd_load(struct guest_image *g, struct error *e);
/* Whether an entry needs another device to start after the disk has moved; and setting it so. */
int windows_bcd_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);
int windows_bcd_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);
/* bootx64.efi beside bootmgfw.efi, where firmware without a boot entry looks. */
int windows_loader_places(struct guest_image *g, bool *answer, struct error *e);
int windows_loader_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);

/* windows_enable.c: the drivers that Windows has itself, and what stands in their way. */
int windows_enable_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);
int windows_enable_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);

/* windows_state.c: whether it runs, sleeps or waits for something. */
int windows_state_load(struct guest_image *g, struct error *e);
/* windows_readiness.c: what makes the guest unfit for any edit: hibernated, pending updates, ...;
 * and for that target.  `t` NULL: for none. */
int windows_state_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);

/* windows_inject.c: driver packages from the host, and their installation at first boot. */
int windows_inject_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);
/* Whether a package with that file is laid down in the guest, for Windows to install. */
int windows_is_staged(struct guest_image *g, const char *file, bool *answer, struct error *e);

/* windows_first_boot.c: commands that Windows runs once, by itself, at its next start; each is
 * logged, tried a bounded number of times, and a failing one does not keep the next from running.
 * `name` orders and names them, "10-drivers"; `commands` are lines of cmd.exe. */
int windows_first_boot_add(
	struct guest_image *g, const char *name, const struct strings *commands, struct error *e);

/* windows_edit.c: does what a recipe asks for. */
int windows_edit(struct edit_work *w, struct error *e);

/* windows_setting.c: the OpenStack side and the named options, see struct windows_wishes. */
int windows_settings_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);

#endif
