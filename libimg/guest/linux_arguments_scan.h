/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_ARGUMENTS_SCAN_H
#define LIBIMG_GUEST_LINUX_ARGUMENTS_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Where the kernel command lines are in the text of a file. */

enum argument_syntax {
	SYNTAX_GRUB, /* grub.cfg, menu.lst: "linux PATH words" */
	SYNTAX_ENTRY, /* boot loader entry: "options words", which may be several lines */
	SYNTAX_PLAIN, /* /etc/kernel/cmdline: the words alone */
	SYNTAX_EXTLINUX, /* "append words" */
	SYNTAX_GRUBENV, /* "kernelopts=words" in a block of fixed size */
	SYNTAX_EXTLINUX_CONF, /* Alpine's settings: default_kernel_opts="words" */
};

/* Of the bytes text[start .. start + len); may begin with the keyword or the kernel's path. */
struct argument_line {
	size_t start, len;
};

enum { ARGUMENT_LINES_LIMIT = 512 };

struct argument_lines {
	struct argument_line line[ARGUMENT_LINES_LIMIT];
	size_t count;
	struct buffer context; /* other words of the same command line */
};

int arguments_scan(
	enum argument_syntax syntax, const char *text, struct argument_lines *out, struct error *e);

#endif
