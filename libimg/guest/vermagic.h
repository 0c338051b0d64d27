/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_VERMAGIC_H
#define LIBIMG_GUEST_VERMAGIC_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/strings.h"

/* What a kernel module says of itself, in its section .modinfo and its table of symbols. */
struct module_info {
	char *name; /* NULL: it does not say, as before Linux 4.15 */
	char *vermagic; /* the kernel it was built for, and how; blanks at the end removed */
	uint16_t machine; /* e_machine */
	struct strings depends, aliases, softdeps;
	struct strings exports; /* symbols that it has for other modules */
};

enum { MODULE_LIMIT = 64 << 20 }; /* bytes of a module, plain */

/* `bytes` may be compressed.  ERR_UNSUPPORTED when it is no 64-bit little-endian ELF, ERR_CORRUPT
 * when it contradicts itself or has no vermagic. */
int module_info_read(const void *bytes, size_t len, struct module_info *out, struct error *e);
void module_info_free(struct module_info *m);

#endif
