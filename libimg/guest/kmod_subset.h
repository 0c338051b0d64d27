/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_SUBSET_H
#define LIBIMG_GUEST_KMOD_SUBSET_H

#include <stdint.h>

#include "guest/kmod_private.h"

/* The modules that the written indexes are about, and the writers of the files.  Private to
 * kmod*.c. */
struct subset {
	const struct kmod *k;
	const char **path; /* by module number, NULL when the subset is without it */
	uint32_t *rank; /* by module number: depmod's number of the module within the subset */
};

/* The name as libkmod looks for it: '-' becomes '_'.  Replaces what is in `out`. */
int name_normalize(struct span name, struct buffer *out, struct error *e);
/* As name_normalize, but what is in brackets stays; *fits is false when they don't pair, then there
 * is no key. */
int alias_normalize(struct span alias, struct buffer *out, bool *fits, struct error *e);

int write_dep(const struct subset *s, struct buffer *out, struct error *e);
int write_dep_bin(const struct subset *s, struct buffer *out, struct error *e);
int write_alias(const struct subset *s, struct buffer *out, struct error *e);
int write_alias_bin(const struct subset *s, struct buffer *out, struct error *e);
int write_symbols(const struct subset *s, struct buffer *out, struct error *e);
int write_symbols_bin(const struct subset *s, struct buffer *out, struct error *e);
int write_softdep(const struct subset *s, struct buffer *out, struct error *e);
int write_devname(const struct subset *s, struct buffer *out, struct error *e);

#endif
