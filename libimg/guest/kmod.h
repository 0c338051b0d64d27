/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_H
#define LIBIMG_GUEST_KMOD_H

#include "base/buffer.h"
#include "base/strings.h"

/*
 * The module indexes of one kernel, from the text files that depmod left in the guest: no module is
 * parsed, so that any compression of modules works.  Names are compared with '-' and '_' alike, as
 * modprobe does.
 */
struct kmod;

/* The guest's own texts; NULL where a file is missing (only `dep` is needed). */
struct kmod_texts {
	const char *dep; /* modules.dep */
	const char *alias; /* modules.alias */
	const char *symbols; /* modules.symbols */
	const char *softdep; /* modules.softdep */
	const char *builtin; /* modules.builtin */
	const char *builtin_modinfo; /* modules.builtin.modinfo: strings that each end in NUL */
	size_t builtin_modinfo_len;
	const char *devname; /* modules.devname */
	const char *order; /* modules.order */
};

enum { KMOD_TEXT_LIMIT = 8 << 20 }; /* bytes of one text; the largest seen are about 2 MiB */

/* Copies what it needs of the texts. */
int kmod_open(const struct kmod_texts *texts, struct kmod **out, struct error *e);
void kmod_close(struct kmod *k);

/* Path of a module below /lib/modules/V ("kernel/drivers/scsi/hv_storvsc.ko"), NULL: no such
 * module. */
const char *kmod_path(const struct kmod *k, const char *name);
bool kmod_builtin(const struct kmod *k, const char *name);
/*
 * Appends the paths, as far as not there yet, of the module and all it needs: dependencies, and
 * soft dependencies (names or plain aliases) that exist.  A module comes after those it depends on.
 * What is built in has no path; ERR_NOTFOUND when the kernel has no such module.
 */
int kmod_closure(const struct kmod *k, const char *name, struct strings *paths, struct error *e);

/* One finished index file: "modules.dep.bin" and its bytes. */
struct kmod_file {
	char *name;
	struct buffer bytes;
};

/*
 * Writes the indexes for the given subset of modules, as depmod would have written them for a tree
 * that holds only these: modules.dep, .alias, .symbols, .softdep, .devname and their .bin tries;
 * where the guest has the text, also modules.builtin, .builtin.bin, .builtin.alias.bin and .order.
 * A path may differ from the guest's in the suffix of its compression (".ko" for ".ko.xz") and in
 * its directory, as generators put it; the indexes get it as given.  ERR_NOTFOUND names a path
 * whose module modules.dep does not have.  The caller frees with kmod_files_free.
 */
int kmod_indexes(const struct kmod *k, const struct strings *paths, struct kmod_file **out,
	size_t *count, struct error *e);
void kmod_files_free(struct kmod_file *files, size_t count);

#endif
