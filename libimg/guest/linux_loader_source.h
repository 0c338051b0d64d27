/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_LOADER_SOURCE_H
#define LIBIMG_GUEST_LINUX_LOADER_SOURCE_H

#include "guest/linux_loader.h"

/* What a plan is made with. */
struct planner {
	struct guest_image *g;
	struct loader_plan *plan;
	const char *suffix; /* "x64" */
	char fallback[32]; /* "/EFI/BOOT/BOOTX64.EFI" */
};

/* A directory with loaders, and how they are called in it. */
struct source {
	struct tree *tree;
	const char *directory;
	const char *ending; /* ".efi", ".efi.signed" */
};

/* Puts a file (its path is taken over) or a text into the plan. */
int plan_file(struct planner *p, struct tree *t, char *from, const char *to, struct error *e);
int plan_text(struct planner *p, const char *text, const char *to, struct error *e);
void plan_empty(struct loader_plan *plan);

/* Whether what loader_read says is for the guest's processor. */
bool source_fits(const struct planner *p, uint16_t machine);
/* *out: the path of a loader of that kind for the guest's processor; NULL: it is not there.
 * `kind` NULL: any. */
int source_find(struct planner *p, const struct source *s, const char *stem, const char *suffix,
	const char *kind, char **out, struct error *e);
/* GRUB, with shim and its key manager from `shims` where they are.  The plan stays empty when there
 * is no GRUB. */
int source_take_grub(
	struct planner *p, const struct source *s, const struct source *shims, struct error *e);

#endif
