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

/* How an initramfs is told to load modules by name, before it looks for the root file system. */
enum linux_load {
	LOAD_UNKNOWN,
	LOAD_CONF_MODULES, /* initramfs-tools: conf/modules */
	LOAD_MODULES_LOAD, /* systemd: modules-load.d(5) */
	LOAD_CMDLINE, /* dracut: rd.driver.pre= in etc/cmdline.d */
	LOAD_CONFIG, /* mkinitcpio: MODULES= in config */
};

/* A small file of an initramfs; of several of that path the last one, which is what counts. */
struct linux_initramfs_text {
	char *path;
	struct buffer bytes;
};

/* What the initramfs of a kernel holds of that kernel's modules. */
struct linux_initramfs {
	struct initramfs_layout layout;
	const char *generator; /* static, NULL: not known */
	enum linux_load load;
	unsigned marks; /* see linux_initramfs_kind.c */
	char *root; /* where its modules are: "usr/lib/modules/6.1.0" */
	struct strings modules; /* module files, paths below `root` */
	struct strings directories; /* those near files that are added, whole paths; links to one
				       as well */
	struct linux_initramfs_text *text; /* those that name modules to load, or devices */
	size_t text_count;
};

/* A unified kernel image, in whose file the initramfs is. */
struct linux_uki {
	bool present;
	bool is_signed;
	uint64_t offset, size; /* of its initramfs, in the file */
};

/* An initramfs that a boot loader's menu names and that is not there. */
struct linux_missing {
	char *menu, *path;
	char *version; /* of the kernel that it is for */
	bool first; /* of the menu: what is started unless somebody chooses */
};

/* Beside struct kernel, of the same index. */
struct linux_kernel {
	struct linux_uki uki;
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
	struct linux_missing *missing;
	size_t missing_count;
	/* The guest's generator takes in what hypervisors need without being told. */
	bool builds_all;
};

/* linux_release.c: os-release and architecture. */
int linux_release_load(struct guest_image *g, struct error *e);
/* The processor, as uname -m names it (static), by a program that every guest has: that tells more
 * of it than any configuration.  NULL: not known. */
int linux_machine(struct tree *t, const char **out, struct error *e);

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

/* linux_index.c: the module indexes of one kernel, as texts that depmod left ... */
enum linux_index {
	INDEX_DEP,
	INDEX_ALIAS,
	INDEX_SYMBOLS,
	INDEX_SOFTDEP,
	INDEX_BUILTIN,
	INDEX_MODINFO,
	INDEX_DEVNAME,
	INDEX_ORDER,
	INDEX_TEXTS,
};

struct linux_index_texts {
	struct buffer text[INDEX_TEXTS];
	bool has[INDEX_TEXTS]; /* whether there is such a file */
};
/* `modules` is the guest's folder of them.  Free the texts after a failure, too. */
int linux_index_texts_read(
	struct tree *t, const char *modules, struct linux_index_texts *out, struct error *e);
/* kmod_open of them. */
int linux_index_texts_open(const struct linux_index_texts *t, struct kmod **out, struct error *e);
void linux_index_texts_free(struct linux_index_texts *t);

/* ... and as what they say. */
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
struct linux_file;
int linux_initramfs_read(const struct linux_file *file, uint64_t size, const char *version,
	struct linux_initramfs *out, struct error *e);
void linux_initramfs_free(struct linux_initramfs *i);
/* Bytes of that file of the archive; NULL: it has none that was kept. */
const struct buffer *linux_initramfs_text(const struct linux_initramfs *i, const char *path);

/* linux_initramfs_kind.c: who made it, and what its own programs can do. */
void linux_initramfs_mark(struct linux_initramfs *i, const char *name);
void linux_initramfs_judge(struct linux_initramfs *i);
/* Whether it holds the module, by name or path, wherever and however packed. */
bool linux_initramfs_has(const struct linux_initramfs *i, const char *module);
/* Whether its modprobe reads modules packed like this one ("x.ko.xz"). */
bool linux_initramfs_unpacks(const struct linux_initramfs *i, const char *module);
/* '-' and '_' are one in module names; a path stands for the module in it. */
bool linux_same_module(const char *a, const char *b);

/* linux_initramfs_names.c: names in an initramfs that only one hypervisor gives a disk. */
int linux_initramfs_names_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);
/* The text with names that hold everywhere, when some can be replaced. */
int linux_initramfs_names_text(struct guest_image *g, const struct linux_initramfs_text *text,
	struct buffer *out, bool *changed, struct error *e);
/* Whether any text can be bettered so. */
int linux_initramfs_names_wrong(
	struct guest_image *g, const struct linux_initramfs *i, bool *answer, struct error *e);

/* linux_load.c: the text that names modules to load. */
const char *linux_load_path(enum linux_load l);
/* The old text and what it lacks of `names`. */
int linux_load_text(const struct linux_initramfs *i, const struct strings *names,
	struct buffer *out, struct error *e);

int linux_tree_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
struct linux_file {
	struct tree *tree;
	const char *path;
	uint64_t offset; /* where the part begins that is meant */
};

/* linux_segment*.c: archives that are put behind the initramfs of kernels that lack modules.
 * ERR_NOTREADY, with nothing written, when there is no room for them. */
int linux_segments_apply(struct guest_image *g, const struct target_list *targets, struct error *e);
/* Whether the kernel lacks a module that the target needs before the root file system. */
bool linux_needs_segment(const struct kernel *k, const struct target *t);

/* linux_names.c: names in configuration files that only one hypervisor gives a disk. */
int linux_names_load(struct guest_image *g, struct error *e);
int linux_names_apply(struct guest_image *g, struct error *e);
/* linux_names_resume.c: words that say where a suspended system is, on a volume that is not there.
 */
int linux_resume_check(struct guest_image *g, struct report *r, struct error *e);
int linux_resume_apply(struct guest_image *g, struct error *e);
/* linux_names_settings.c: settings that would name disks again, or that keep a program to some. */
int linux_disk_settings_check(struct guest_image *g, struct report *r, struct error *e);
int linux_disk_settings_apply(struct guest_image *g, struct error *e);

/* linux_names_unified.c: names of disks in the command lines inside unified kernels. */
int linux_unified_names_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);

/* linux_loader.c: what UEFI firmware without a boot entry starts. */
int linux_loader_possible(struct guest_image *g, bool *answer, struct error *e);
int linux_loader_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* linux_persist.c: what the installed initramfs generator is told, for the next kernel. */
int linux_persist_load(struct guest_image *g, struct error *e);
/* *missing: the next initramfs would lack modules that the target needs. */
int linux_persist_missing(
	struct guest_image *g, const struct target *t, bool *missing, struct error *e);
int linux_persist_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* linux_arguments.c: words of the kernel command line, everywhere the guest keeps one. */
int linux_arguments_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);
int linux_arguments_apply(
	struct guest_image *g, const struct target_list *targets, struct error *e);
/* Adds what follows each `prefix` ("ds=") that begins a word of some command line. */
int linux_arguments_find(
	struct guest_image *g, const char *prefix, struct strings *out, struct error *e);

/* linux_service.c: services that work with the hypervisor are started where they are installed. */
int linux_service_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);
int linux_service_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* linux_cloud.c: cloud-init looks where the target's clouds keep what they say of an instance. */
int linux_cloud_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);
int linux_cloud_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* The datasources that cloud-init shall ask, in that order.  ERR_NOTREADY when it is not there, or
 * something else decides. */
int linux_cloud_set(
	struct guest_image *g, const struct strings *list, const char *why, struct error *e);

/* linux_edit.c: does what a recipe asks for. */
int linux_edit(struct edit_work *w, struct error *e);

/* linux_package.c: what starts the guest, and its packages. */
int linux_packages_load(struct guest_image *g, struct error *e);

/* linux_label.c: guest.selinux. */
int linux_selinux_load(struct guest_image *g, struct error *e);
/* A new file has its directory's label.  When that has none, neither, the guest is told to label
 * all its files. */
int linux_labels_apply(struct guest_image *g, struct error *e);

/* linux_driver.c: puts kernel modules beside those of every kernel that they were built for. */
int linux_drivers_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);

/* linux_network.c: configuration that means an interface which the target does not have. */
int linux_network_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e);
int linux_network_apply(struct guest_image *g, const struct target_list *targets, struct error *e);

/* linux_seal.c: takes out what makes the guest one of its kind; `selection` as guest_seal_select
 * has it. */
int linux_seal_apply(struct guest_image *g, const struct strings *selection, struct error *e);

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
