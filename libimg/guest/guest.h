/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_GUEST_H
#define LIBIMG_GUEST_GUEST_H

#include "base/journal.h"
#include "base/report.h"
#include "fs/tree.h"
#include "guest/target.h"
#include "guest/windows_info.h"
#include "volume/volume.h"

/* What runs inside an image.  A further type is a file and a line in guest/list.def. */

enum module_place {
	MODULE_MISSING,
	MODULE_FILE, /* a file in /lib/modules only */
	MODULE_INITRAMFS,
	MODULE_BUILTIN,
};
const char *module_place_name(enum module_place p); /* "missing" "module" "initramfs" "builtin" */

struct kernel_module {
	char *name;
	enum module_place place;
	char *lacks; /* of what it depends on, a module that its initramfs has not; else NULL */
};

struct kernel {
	char *version;
	char *image; /* guest path of vmlinuz, NULL when there is none */
	char *config; /* guest path of its config, or NULL */
	char *initramfs; /* guest path, or NULL */
	char *generator; /* "initramfs-tools", "dracut", "mkinitcpio" or NULL when not known */
	char *compression; /* of the main segment: "none" "gzip" "zstd" "xz" "lz4" ..., or NULL */
	char *problem; /* why the initramfs could not be read, or NULL */
	struct kernel_module *module; /* all modules that any shipped target names */
	size_t module_count;
};

/* A name in a configuration file that only one hypervisor gives a disk. */
struct device_name {
	char *path; /* guest path */
	uint64_t line; /* from 1 */
	char *device; /* "/dev/vda3" */
	char *stable; /* "UUID=..." that means the same, NULL when it can't be found */
	bool required; /* the guest does not start when the name means nothing */
};

/* What firmware would start, or a loader that lies there. */
struct bootloader {
	const char *kind; /* static: "shim", "grub", "systemd-boot", "uki", "extlinux", "bootmgr",
			     "ntldr", "other" */
	const char *firmware; /* static: "bios" or "uefi" */
	char *volume; /* id of the volume that has it */
	char *path; /* on that volume, "/EFI/BOOT/BOOTX64.EFI"; NULL: in sectors of its own */
	bool fallback; /* firmware without a boot entry starts it */
	bool is_signed; /* it carries an Authenticode signature */
	char *issuer; /* of the first signer's certificate, "Microsoft Corporation UEFI CA 2011" */
};

struct guest {
	const char *type; /* static: "linux", "windows", "unknown" */
	char *distro, *version, *name,
		*arch; /* from os-release and the guest's own ELF files; may be NULL */
	char root[VOLUME_ID_SIZE]; /* volume id */
	char *initramfs_tool; /* what the installed system would use next */
	char *init; /* "systemd", "openrc", "sysvinit", or NULL when not known */
	char *package_manager; /* "dpkg" "rpm" "pacman" "apk", or NULL */
	bool has_package_count;
	uint64_t package_count; /* installed packages, when has_package_count */
	char *selinux; /* "enforcing" "permissive" "disabled", or NULL without SELinux */
	struct bootloader *bootloader;
	size_t bootloader_count;
	struct kernel *kernel;
	size_t kernel_count;
	struct device_name *device_name;
	size_t device_name_count;
	struct windows_info *windows; /* NULL: no Windows */
};

struct readiness {
	const struct target *target; /* of the list given to image_readiness */
	bool ready;
	bool fixable; /* inject would make it ready */
	const char
		*evidence; /* static or the target's: "tested" with such a guest, or "inferred" */
	struct report findings;
};

/* An image opened for looking or editing: volumes, file systems, guest.  Needs one thread. */
struct guest_image;

struct guest_options {
	bool write; /* file systems are opened for editing */
	/* Hives and NTFS volumes that Windows did not leave clean are edited as they are, where
	 * that is safe. */
	bool force_dirty;
	struct journal *journal; /* may be NULL */
	const struct target_list *known; /* every target that readiness may be asked for */
	const char *tmpdir; /* as in fs_options */
	/* Asked before what takes long; true ends it with ERR_CANCELLED.  May be NULL. */
	bool (*cancelled)(void *arg);
	void *cancelled_arg;
};

/*
 * Opens what is on `d`.  That and what the options point to stay the caller's.  An image without a
 * guest that hvimg knows is no error: see guest_image_guest.
 */
int guest_image_open(
	struct disk *d, const struct guest_options *o, struct guest_image **out, struct error *e);
const struct volume_list *guest_image_volumes(const struct guest_image *g);
/* Same order as the volumes. */
const struct fs_id *guest_image_filesystems(const struct guest_image *g);
/* NULL when no guest was recognised. */
const struct guest *guest_image_guest(const struct guest_image *g);
bool guest_image_boots(const struct guest_image *g, const char *firmware); /* "bios" or "uefi" */
/* Findings about the image as a whole, e.g. a damaged backup GPT or a volume that can't be read. */
const struct report *guest_image_report(const struct guest_image *g);
int guest_image_readiness(
	struct guest_image *g, const struct target *t, struct readiness *out, struct error *e);
/* What is asked of a Windows guest beside drivers.  NULL and 0: left as it is. */
struct windows_wishes {
	const char *rtc; /* "utc" or "local": what its hardware clock shows */
	const char
		*san_policy; /* "online-all", "offline-shared", "offline-all", "offline-internal" */
	const char *rdp; /* "on" or "off" */
	const char *firewall; /* "rdp" lets it in, "winrm", "icmp"; comma separated */
	const char *unattend; /* "auto" makes an answer file; else a path of the host */
	const char *cloudbase_init; /* path of the installer (MSI) on the host */
	const char *cloudbase_init_sha256; /* what its digest must be */
	/* Path of a configuration on the host; NULL: made, or that of the image is edited. */
	const char *cloudbase_init_conf;
	bool ems; /* the text console on the serial port */
};
/* ERR_USAGE for a value that none of them has; no file is looked at. */
int windows_wishes_check(const struct windows_wishes *w, struct error *e);
/* Whether anything is asked for; `w` may be NULL. */
bool windows_wishes_any(const struct windows_wishes *w);

struct guest_edits; /* guest_edit.h */

/* What is to be done to a guest. */
struct guest_changes {
	const struct target_list *targets;
	/* Paths of the host.  Linux: kernel modules, or packages and folders that hold some.
	 * Windows: driver packages, or media and folders that hold some.  NULL: none. */
	const struct strings *drivers;
	bool allow_unsigned; /* driver packages of Windows */
	const struct windows_wishes *windows; /* NULL: none */
	/* Operations of --seal, by virt-sysprep's names: see guest_seal_select.  NULL: none. */
	const struct strings *seal;
	/* What a recipe asks for, in its order, after all else.  NULL: none. */
	const struct guest_edits *edits;
	/* What is worth knowing of how it was done is added here.  NULL: nobody asks. */
	struct report *notes;
};

/*
 * Adds the operations that the words mean, as those of virt-sysprep --operations: "defaults",
 * "all", a name, and any of these with "-" in front to take it out again.  No words mean none.
 * ERR_USAGE for an unknown one, for one that can't be done to an image, and when none is left.
 */
int guest_seal_select(const struct strings *words, struct strings *out, struct error *e);

/*
 * Makes the guest ready for the targets: all of them, and of those with `by_family` at least one of
 * each family. ERR_NOTREADY, with the first reason and nothing written, when that cannot be.  Doing
 * it twice changes nothing the second time.  A file that is replaced keeps its time of
 * modification, a new one gets that of os-release, so that the result depends on the image and the
 * targets alone.  Afterwards guest, report and readiness show the new state.
 */
int guest_image_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);
/* Writes edits to the disk; then the image must be closed before the disk is frozen. */
int guest_image_sync(struct guest_image *g, struct error *e);
void guest_image_close(struct guest_image *g);
void readiness_free(struct readiness *r);

#endif
