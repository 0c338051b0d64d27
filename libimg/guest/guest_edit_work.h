/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_GUEST_EDIT_WORK_H
#define LIBIMG_GUEST_GUEST_EDIT_WORK_H

#include "guest/guest_edit.h"
#include "guest/guest_image.h"

/* What the kinds of guests share of doing an edit. */

struct edit_work {
	struct guest_image *g;
	const struct guest_edit *edit;
	const char *path; /* of the edit, as the tree takes it; NULL: it has none */
	int64_t mtime; /* of new files */
	const char *why; /* for the journal */
	/* Asked before a file is put or removed, by its path.  NULL: all may be. */
	int (*check)(const struct edit_work *w, const char *path, struct error *e);
	bool crlf; /* how lines end in a new file */
	struct tree_looks looks; /* asked for; nothing: as it is, or root:root */
};

/* ERR_NOTREADY: such a guest can't have it. */
int edit_refuse(const char *guest, struct error *e);

/* A file with w->looks; one that is replaced keeps its time, and what else is not asked for. */
int edit_put(const struct edit_work *w, const char *path, const void *bytes, size_t len,
	struct error *e);
/* The same with looks of its own. */
int edit_put_as(const struct edit_work *w, const char *path, const void *bytes, size_t len,
	const struct tree_looks *looks, struct error *e);
int edit_put_link(const struct edit_work *w, const char *path, const char *target, struct error *e);

/* guest_edit_file.c */
int edit_write(const struct edit_work *w, struct error *e);
int edit_append(const struct edit_work *w, struct error *e);
int edit_remove(const struct edit_work *w, struct error *e);
int edit_make_directory(const struct edit_work *w, struct error *e);
/* guest_edit_copy.c */
int edit_copy(const struct edit_work *w, struct error *e);

#endif
