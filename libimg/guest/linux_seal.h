/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_SEAL_H
#define LIBIMG_GUEST_LINUX_SEAL_H

#include "guest/linux.h"

/* What makes a guest one of its kind is taken out by operations, each a row and some steps. */

enum seal_action {
	SEAL_REMOVE, /* what matches, directories with all that is in them */
	SEAL_UNLINK, /* the same, but no directory */
	SEAL_BELOW, /* all files in directories that match; the directories stay */
	SEAL_BACKUP, /* editors' backup files in directories that match */
	SEAL_EMPTY, /* files become empty */
	SEAL_SEQUENCE, /* the counter of at(1) starts anew */
	SEAL_LINES, /* lines that begin with one of the words are taken out */
	SEAL_UNBIND, /* systemd.network(5) that means an address means any card */
	SEAL_UNLINK_BOUND, /* systemd.link(5) files that mean an address are removed */
	SEAL_TOUCH, /* an empty file is put where there is none */
};

struct seal_step {
	const char *operation;
	enum seal_action action;
	/* Absolute; "*" and "?" stand for no leading dot and no slash. */
	const char *pattern;
	/* Names that stay (SEAL_REMOVE, SEAL_UNLINK, SEAL_BELOW), or beginnings of lines; parted by
	 * a blank.  May be NULL. */
	const char *words;
};

struct seal_operation {
	const char *name;
	bool by_default;
	const char *only_where; /* a path that the guests it is for have; NULL: all */
	const char *refusal; /* why it can't be done to an image; NULL: it can */
};

extern const struct seal_operation seal_operations[]; /* sorted, ended by a NULL name */
extern const struct seal_step seal_steps[]; /* ended by a NULL operation */

/* linux_seal_glob.c: adds what a pattern stands for in the guest, sorted by name at each level. */
int seal_glob(struct tree *t, const char *pattern, struct strings *out, struct error *e);
/* Adds all that is in the directory, a directory before what is in it. */
int seal_below(struct tree *t, const char *directory, struct strings *out, struct error *e);

#endif
