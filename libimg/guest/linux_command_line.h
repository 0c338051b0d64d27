/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_COMMAND_LINE_H
#define LIBIMG_GUEST_LINUX_COMMAND_LINE_H

#include "base/buffer.h"
#include "guest/target.h"

/* The words of a kernel command line, and what targets want of them. */

enum { ARGUMENT_LIMIT = 64 };

/* What several targets want together: none twice, and nothing removed that one of them wants.  The
 * targets stay the caller's. */
struct argument_list {
	const struct target_argument *item[ARGUMENT_LIMIT];
	size_t count;
};
int arguments_merge(const struct target_list *targets, struct argument_list *out, struct error *e);

/* A piece of text that is a command line, and words elsewhere that end up on the same one. */
struct command_line {
	const char *text;
	size_t len;
	const char *context;
};

/* What has to be done to the line, for people: "console=ttyS0", "no quiet". */
int command_line_lacks(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e);
/* The words that are only to be added, in order. */
int command_line_adds(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e);
/* Appends the line as the targets want it.  Added words come in front of others of their name, so
 * that the last console, which is the guest's main one, stays; else at the end. */
int command_line_edit(const struct command_line *line, const struct argument_list *wanted,
	struct buffer *out, struct error *e);
/* Adds what follows `prefix` in each word that begins with it. */
int command_line_find(
	const struct command_line *line, const char *prefix, struct strings *out, struct error *e);

#endif
