/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_PERSIST_H
#define LIBIMG_GUEST_LINUX_PERSIST_H

#include "guest/linux.h"

/* How one generator is told of modules.  Private to linux_persist*.c. */

struct persist_file {
	char path[128];
	/* Of a line of names; `before` NULL: each name has a line of its own. */
	const char *before, *after;
};

struct persist_tool {
	const char *name;
	const char *programs[3]; /* any of them: it is installed; the rest is NULL */
	/* *all: it takes in what hypervisors need without being told. */
	int (*builds_all)(struct tree *t, bool *all, struct error *e);
	/* Names of modules that its settings have. */
	int (*listed)(struct tree *t, struct strings *out, struct error *e);
	/* Where to put more. */
	int (*place)(struct tree *t, struct persist_file *out, struct error *e);
};

extern const struct persist_tool persist_initramfs_tools, persist_dracut, persist_mkinitcpio;

/* Appends the text of a file, or of all files of a directory whose name has that ending, a line end
 * after each.  What is not there has no text. */
int persist_text(struct tree *t, const char *path, struct buffer *out, struct error *e);
int persist_texts(struct tree *t, const char *directory, const char *ending, struct buffer *out,
	struct error *e);
/* Adds the words of the lines that have one of the names, ended by NULL, in them. */
int persist_words(const char *text, const char *const *names, struct strings *out, struct error *e);

#endif
