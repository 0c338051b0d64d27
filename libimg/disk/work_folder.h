/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_WORK_FOLDER_H
#define LIBIMG_DISK_WORK_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strings.h"

/*
 * A hidden folder beside a destination, for what is not finished.  It is locked: another run at the
 * same destination is told from one that was killed, whose folder is taken over.  It holds no
 * folders.
 */
struct work_folder {
	int parent; /* the folder of the destination */
	int folder; /* itself */
	char *name; /* of the destination, in the parent */
	char *temporary; /* its own there; NULL once it has another */
};

#define WORK_FOLDER_NONE ((struct work_folder){ .parent = -1, .folder = -1 })

/*
 * Makes ".NAME.ENDING" beside the destination NAME, of `mode`, or takes over the user's own that is
 * there, with its files.  ERR_REFUSED when it is another user's, who may have put anything into it;
 * ERR_EXISTS when there is something at the destination, or another run holds the folder.  To be
 * closed after a failure, too.
 */
int work_folder_open(const char *destination, const char *ending, unsigned mode,
	struct work_folder *w, struct error *e);
/* Removes all of its files but those named; NULL: all. */
void work_folder_empty(const struct work_folder *w, const struct strings *kept);
/* The folder goes when it is empty. */
void work_folder_close(struct work_folder *w);

#endif
