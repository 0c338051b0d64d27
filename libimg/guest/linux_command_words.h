/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_COMMAND_WORDS_H
#define LIBIMG_GUEST_LINUX_COMMAND_WORDS_H

#include "guest/linux_command_line.h"

/* One word of a command line beside one argument of a target. */

/* The next word at or behind *at, quotes and all; NULL: there is none. */
const char *argument_next(const char *text, size_t text_len, size_t *at, size_t *len);
/* "--" (of GRUB's installers "---"), behind which words are not the kernel's. */
bool argument_ends(const char *word, size_t len);
/* "tty0" and its like. */
bool argument_is_screen(const char *device, size_t len);
bool argument_same_console(const char *a, size_t a_len, const char *b);

typedef bool argument_match(const char *word, size_t len, const struct target_argument *a);
argument_match argument_is; /* the same name and value */
argument_match argument_has_name;
argument_match
	argument_removed; /* what ARGUMENT_REMOVE means: without a value every word of the name */

bool argument_in_text(
	const char *text, size_t text_len, const struct target_argument *a, argument_match *is);
/* Also in the line's context. */
bool argument_in_line(
	const struct command_line *l, const struct target_argument *a, argument_match *is);
/* The name is there once or more, and always with that value. */
bool argument_is_set(const struct command_line *l, const struct target_argument *a);
/* Adds "name=value" behind `before`. */
int argument_word(
	struct strings *out, const char *before, const struct target_argument *a, struct error *e);

#endif
