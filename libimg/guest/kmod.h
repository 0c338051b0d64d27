/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_H
#define LIBIMG_GUEST_KMOD_H

#include "base/buffer.h"
#include "base/strings.h"

/*
 * The module indexes of one kernel, from the text files that depmod left in the guest: no module is parsed, so that
 * any compression of modules works.  Names are compared with '-' and '_' alike, as modprobe does.
 */
struct kmod;

/* The guest's own texts; NULL where a file is missing (only `dep` is needed). */
struct kmod_texts {
	const char *dep;		/* modules.dep */
	const char *alias;		/* modules.alias */
	const char *symbols;		/* modules.symbols */
	const char *softdep;		/* modules.softdep */
	const char *builtin;		/* modules.builtin */
	const char *builtin_alias;	/* modules.builtin.alias, or derived from modules.builtin.modinfo, may be NULL */
	const char *devname;		/* modules.devname */
	const char *order;		/* modules.order */
};

int kmod_open(const struct kmod_texts *texts, struct kmod **out, struct error *e);
void kmod_close(struct kmod *k);

/* Path of a module below /lib/modules/V ("kernel/drivers/scsi/hv_storvsc.ko"), NULL: no such module. */
const char *kmod_path(const struct kmod *k, const char *name);
bool kmod_builtin(const struct kmod *k, const char *name);
/* Appends the paths of the module and all it needs (dependencies, and soft dependencies that exist), needed ones first. */
int kmod_closure(const struct kmod *k, const char *name, struct strings *paths, struct error *e);

/* One finished index file: "modules.dep.bin" and its bytes. */
struct kmod_file {
	char *name;
	struct buffer bytes;
};

/*
 * Writes the indexes for the given subset of modules, as depmod would have written them for a tree that holds only
 * these: modules.dep, .alias, .symbols, .softdep, .devname and their .bin tries, modules.builtin.bin, .builtin.alias.bin.
 * The caller frees with kmod_files_free.
 */
int kmod_indexes(const struct kmod *k, const struct strings *paths, struct kmod_file **out,
	size_t *count, struct error *e);
void kmod_files_free(struct kmod_file *files, size_t count);

#endif
