/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_PACKAGE_PRIVATE_H
#define LIBIMG_JOB_PACKAGE_PRIVATE_H

#include "cloud/bundle.h"
#include "job/job.h"

struct packing {
	const struct package_job *job;
	const struct format *format;
	struct disk *disk;
	struct image_info info;
	struct guest_image *guest;
	const struct target *target; /* that is described; NULL: none */
	const char *firmware; /* that starts it there */
	struct package_result *result;
};

/* A warning, once. */
int package_note(
	struct packing *p, const char *code, const char *text, const char *fix, struct error *e);
/* Opens image and guest. */
int package_open(struct packing *p, struct error *e);
void package_close(struct packing *p);
/* The image file's name without folder, and without the ending of its format; for free(). */
const char *package_file_name(const struct packing *p);
char *package_stem(const struct packing *p);

/* Sets target and firmware: the best of `named` that the guest is ready for; NULL: one of the
 * job's known that fits, or none. */
int package_target_choose(struct packing *p, const struct target_list *named, struct error *e);

/* Adds a package_image to the result for every target that was asked for. */
int package_describe(struct packing *p, struct error *e);
/* Puts the image into the bundle, and its signature into every description, if one is wanted. */
int package_copy(struct packing *p, struct bundle *b, struct error *e);

/* An OVA of the disk; the result has no image. */
int package_ova(struct packing *p, struct error *e);

#endif
