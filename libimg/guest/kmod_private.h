/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_PRIVATE_H
#define LIBIMG_GUEST_KMOD_PRIVATE_H

#include "guest/kmod.h"
#include "guest/kmod_text.h"

/* One line of modules.dep. */
struct kmod_module {
	char *path; /* in the text of modules.dep, where NUL has replaced the colon */
	struct span needs; /* the paths after the colon: all dependencies, not only direct ones */
	size_t need_count;
};

struct kmod {
	/* Own copies of the texts, NULL where the guest has none. */
	char *dep, *alias, *symbols, *softdep, *builtin, *builtin_modinfo, *devname, *order;
	size_t builtin_modinfo_len;

	struct kmod_module *module; /* in the order of modules.dep, which is depmod's numbering */
	size_t count;
	struct names by_name; /* all modules */
	struct names built_in;
	struct names by_alias; /* aliases without wildcards */
	struct names soft; /* module names of softdep lines; the rest of the line follows */
};

/* The number of the module that a path names, with or without a suffix of compression; false: none.
 */
bool kmod_find_path(const struct kmod *k, struct span path, size_t *module);
/* Likewise; when no module has that path, one that has the name. */
bool kmod_find_file(const struct kmod *k, struct span path, size_t *module);
/* Splits an "alias PATTERN MODULE" line; false when it is not one. */
bool kmod_alias_line(struct span line, struct span *pattern, struct span *module);

#endif
