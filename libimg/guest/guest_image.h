/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_GUEST_IMAGE_H
#define LIBIMG_GUEST_GUEST_IMAGE_H

#include <string.h>

#include "guest/guest.h"

/* What the parts of guest/ share; for others guest.h is enough. */

struct edit_work; /* guest_edit_work.h */

/* One kind of guest.  Adding one is a file and a line in guest/list.def. */
struct guest_type {
	const char *name;
	/* Whether volume `index`, whose file system is open, is the root of such a guest. */
	int (*is_root)(struct guest_image *g, size_t index, bool *answer, struct error *e);
	/* Fills g->guest, g->tree and g->state from that volume; what went wrong is undone by
	 * forget. */
	int (*load)(struct guest_image *g, size_t index, struct error *e);
	/* Adds findings about what is inside; firmware and volumes are looked at elsewhere. */
	int (*readiness)(
		struct guest_image *g, const struct target *t, struct report *out, struct error *e);
	/* All targets given can be met.  Modules of a target that the guest can't have are left
	 * out. */
	int (*apply)(struct guest_image *g, const struct guest_changes *c, struct error *e);
	/* Whether apply can put what UEFI firmware starts by itself onto the EFI system partition.
	 * NULL: never. */
	int (*places_loader)(struct guest_image *g, bool *answer, struct error *e);

	/* Puts drivers from the host's files (c->drivers) into the guest, before readiness for
	 * c->targets is asked.  NULL: such a guest takes none. */
	int (*add_drivers)(struct guest_image *g, const struct guest_changes *c, struct error *e);
	/* Does one thing that a recipe asks for.  ERR_NOTREADY for what such a guest can't have.
	 * NULL: it can't be edited. */
	int (*edit)(struct edit_work *w, struct error *e);
	/* Frees what load left in g->state. */
	void (*forget)(struct guest_image *g);
};

/* Every type that this build knows, ended by NULL. */
extern const struct guest_type *const guest_type_list[];

/* What is known of one volume, beside struct volume. */
struct guest_volume {
	struct fs *fs; /* NULL: not opened */
	int open_error; /* an error code when opening failed */
	char *problem; /* why it is not open, or can't be edited; NULL: all is well */
	bool checked; /* whether it could be edited has been found out */
	bool used; /* a part of the guest's tree */
};

struct guest_image {
	struct disk *disk; /* owned, over the caller's: an appliance uses it from other threads */
	struct appliance *appliance; /* NULL: no volume needs it */
	bool write;
	bool force_dirty; /* as in guest_options */
	struct journal *journal;
	const struct target_list *known;
	struct fs_options fs_options;
	bool (*cancelled)(void *arg); /* as in guest_options */
	void *cancelled_arg;
	struct volume_list volumes;
	struct fs_id *id; /* volumes.count of them */
	struct guest_volume *volume; /* likewise */
	struct report volume_report; /* of the partition table */
	struct report report; /* what guest_image_report shows */
	const struct guest_type *type; /* NULL: no guest */
	size_t root; /* volume index */
	struct guest guest;
	struct tree *tree;
	struct fs **view; /* parts of the volumes' file systems that are in the tree */
	size_t view_count;
	void *state;
};

/* A part of a volume's file system, as fs_ops.view; closed with the tree. */
int guest_view_open(
	struct guest_image *g, size_t index, const char *option, struct fs **out, struct error *e);

static inline bool guest_is_windows(const struct guest_image *g)
{
	return g->type && !strcmp(g->type->name, "windows");
}

/* SIZE_MAX: no volume of that id. */
size_t guest_volume_index(const struct guest_image *g, const char *id);

/* Finds out whether the volume could be edited, for `problem`: an image that is only looked at is
 * asked what editing it would meet. */
int guest_volume_check(struct guest_image *g, size_t index, struct error *e);

struct finding_text {
	const char *code;
	enum severity severity;
	bool fixable;
	const char *path; /* may be NULL */
	const char *fix; /* may be NULL */
};
/* Adds a finding whose text is formatted. */
int finding_add(struct report *r, const struct finding_text *f, struct error *e, const char *format,
	...) __attribute__((format(printf, 4, 5)));

void guest_free(struct guest *g);
/* Looks for the guest, also anew after edits. */
int guest_find(struct guest_image *g, struct error *e);

enum { KERNEL_LIMIT = 64 }; /* kernels looked at */

#endif
