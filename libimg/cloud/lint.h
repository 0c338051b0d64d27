/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_LINT_H
#define LIBIMG_CLOUD_LINT_H

#include <jansson.h>

#include "base/report.h"
#include "disk/format.h"
#include "guest/target.h"

/* Would Glance, Nova and compute-hyperv take an image as it is described? */

struct lint_rules {
	unsigned glance; /* major version of the Glance asked about: 25 is Zed */
	const struct target_list *known; /* for what their clouds take */
};

/* What is known of an image's file. */
struct lint_file {
	struct disk *file; /* its bytes */
	const struct format *format; /* NULL: hvimg cannot open it */
	const struct error *why; /* then the reason */
	const struct image_info *info; /* with a format */
	uint64_t virtual_size; /* likewise */
	uint32_t logical_sector;
};

/* "25" or a release: "zed", "2023.1", "antelope". */
int lint_release(const char *text, unsigned *glance, struct error *e);
/* The newest Glance that the rules are known of. */
unsigned lint_newest(void);

/* Findings on the body of POST /v2/images; anything that JSON can hold may come. */
int lint_body(const json_t *body, const struct lint_rules *r, struct report *out, struct error *e);
/* Findings on the file under that body. */
int lint_file(const json_t *body, const struct lint_file *f, const struct lint_rules *r,
	struct report *out, struct error *e);
/*
 * Findings on the digest files of the bundle in `folder`; *image gets a copy of the name of its one
 * image, NULL when it is not plain which that is.  Reads all of it when `read` is set.
 */
int lint_sums(const char *folder, bool read, char **image, struct report *out, struct error *e);

#endif
