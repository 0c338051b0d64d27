/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_ARGUMENTS_FILES_H
#define LIBIMG_GUEST_LINUX_ARGUMENTS_FILES_H

#include "guest/guest_image.h"
#include "guest/linux_arguments_scan.h"
#include "guest/linux_command_line.h"

/* A file with its command lines. */
struct argument_file {
	const char *path;
	enum argument_syntax syntax;
	struct buffer text;
	struct argument_lines *lines;
};

struct command_line argument_line_of(const struct argument_file *f, size_t i);
/* Calls `take` for each file of the guest that has command lines. */
int argument_files_each(struct guest_image *g,
	int (*take)(void *arg, const struct argument_file *f, struct error *e), void *arg,
	struct error *e);

#endif
