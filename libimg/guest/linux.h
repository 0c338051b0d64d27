/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_H
#define LIBIMG_GUEST_LINUX_H

#include "guest/guest_image.h"
#include "guest/initramfs.h"
#include "guest/kmod.h"

/* What the parts of the Linux guest share. */

enum {
	TEXT_LIMIT = 1 << 20, /* bytes of a configuration file */
};

/* What the initramfs of a kernel holds of that kernel's modules. */
struct linux_initramfs {
	struct initramfs_layout layout;
	const char *generator; /* static, NULL: not known */
	char *root; /* where its modules are: "usr/lib/modules/6.1.0" */
	struct strings modules; /* module files, paths below `root` */
	struct strings
		directories; /* those near modules and conf, whole paths; links to one as well */
	struct buffer load; /* conf/modules, which initramfs-tools loads first */
};

/* Beside struct kernel, of the same index. */
struct linux_kernel {
	char *modules; /* guest path of its module directory; NULL: none */
	bool indexed; /* it has module indexes that can be read */
	struct linux_initramfs initramfs;
	const char *obstacle_code; /* static; why no segment can be appended to its initramfs, NULL:
				      one can */
	char *obstacle; /* in words */
};

struct linux_guest {
	struct linux_kernel *kernel;
	size_t kernel_count;
	/* MODULES= of initramfs-tools puts all common drivers in. */
	bool builds_most;
};

/* linux_release.c: os-release and architecture. */
int linux_release_load(struct guest_image *g, struct error *e);

/* linux_mount.c: file systems of fstab, put where the guest would. */
int linux_mounts_load(struct guest_image *g, struct error *e);
/* Volume index for "UUID=", "LABEL=", "PARTUUID=", "/dev/disk/by-...", "/dev/vda3"; SIZE_MAX: not
 * found. */
size_t linux_volume_of(const struct guest_image *g, const char *spec);
/* As /dev/vda3 and its like name it; SIZE_MAX when it is no such name or not the first disk's. */
size_t linux_volume_of_name(const struct guest_image *g, const char *name);

/* linux_kernel.c: the kernels and their files. */
int linux_kernels_load(struct guest_image *g, struct error *e);
void linux_kernels_free(struct linux_guest *l);

/* linux_index.c: the module indexes of one kernel. */
struct linux_indexes {
	struct buffer dep; /* text of modules.dep */
	struct kmod *kmod;
};
int linux_indexes_open(
	struct tree *t, const char *modules, struct linux_indexes *out, struct error *e);
void linux_indexes_close(struct linux_indexes *x);

/* linux_module.c: where modules of one kernel are, and what is in the way of adding some to its
 * initramfs. */
int linux_modules_load(
	struct guest_image *g, struct kernel *k, struct linux_kernel *l, struct error *e);
/* NULL: that module was not looked at. */
const struct kernel_module *linux_module_of(const struct kernel *k, const char *name);
/* The alternative that serves best; NULL: none was looked at. */
const struct kernel_module *linux_best_module(
	const struct kernel *k, const struct target_module *m);

/* linux_initramfs.c */
int linux_initramfs_read(struct tree *t, const char *path, const char *version,
	struct linux_initramfs *out, struct error *e);
void linux_initramfs_free(struct linux_initramfs *i);
int linux_tree_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
struct linux_file {
	struct tree *tree;
	const char *path;
};

/* linux_segment.c: the archive that is put behind a kernel's initramfs.  Empty when nothing is
 * lacking. */
int linux_segment_apply(
	struct guest_image *g, size_t kernel, const struct target_list *targets, struct error *e);
/* Whether the kernel lacks a module that the target needs before the root file system. */
bool linux_needs_segment(const struct kernel *k, const struct target *t);

/* linux_names.c: names in configuration files that only one hypervisor gives a disk. */
int linux_names_load(struct guest_image *g, struct error *e);
int linux_names_apply(struct guest_image *g, struct error *e);
/* linux_names_resume.c: words that say where a suspended system is, on a volume that is not there. */
int linux_resume_check(struct guest_image *g, struct report *r, struct error *e);
int linux_resume_apply(struct guest_image *g, struct error *e);
/* linux_names_settings.c: settings that would name disks again, or that keep a program to some. */
int linux_disk_settings_check(struct guest_image *g, struct report *r, struct error *e);
int linux_disk_settings_apply(struct guest_image *g, struct error *e);

/* linux_persist.c: what the installed initramfs generator is told, for the next kernel. */
int linux_persist_load(struct guest_image *g, struct error *e);
/* *missing: the next initramfs would lack modules that the target needs. */
int linux_persist_missing(
	struct guest_image *g, const struct target *t, bool *missing, struct error *e);
int linux_persist_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* linux_readiness.c */
int linux_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e);

/* Writes `bytes` over `path`: an old file keeps its time, a new one gets that of os-release. */
int linux_put(struct guest_image *g, const char *path, const void *bytes, size_t len,
	const char *why, struct error *e);
int linux_file_time(struct guest_image *g, const char *path, int64_t *out, struct error *e);

/* A whole text file; a missing one is an empty text and *exists false.  NUL bytes end it. */
int linux_text(struct tree *t, const char *path, struct buffer *out, bool *exists, struct error *e);
/* The value of NAME=VALUE in a shell-like text, quotes removed; the last one wins.  *out NULL: not
 * set. */
int linux_shell_value(const char *text, const char *name, char **out, struct error *e);

#endif
