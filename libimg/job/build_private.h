/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BUILD_PRIVATE_H
#define LIBIMG_JOB_BUILD_PRIVATE_H

#include "cloud/bundle.h"
#include "job/build.h"
#include "job/grow.h"
#include "job/pieces.h"

/* One output of the recipe, on the way. */
struct build_output {
	const struct recipe_output *recipe;
	struct convert_job convert;
	struct target_list targets; /* of its own, or none */
	struct strings properties; /* "key=value", the recipe's and its own */
};

struct building {
	const struct build_job *job;
	struct target_list known, targets;
	struct build_output *output;
	struct source source;
	struct convert_job reading; /* of the source */
	struct disk *overlay;
	struct grown grown; /* in the overlay */
	struct journal journal;
	struct build_result *result;
};

/* What can be done of the recipe at all. */
int build_check(const struct build_job *j, struct error *e);
/* Why the guest is not known before the build; NULL: it is. */
const char *build_unknown(const struct recipe *r);

/* The conversions that the outputs are, checked before anything is written. */
int build_outputs_prepare(struct building *b, struct error *e);
void build_outputs_free(struct building *b);
/* Makes one of them of the edited disk, and what Glance is told of it. */
int build_output_make(struct building *b, size_t index, struct bundle *bundle, struct error *e);
/* All of them, in a bundle. */
int build_bundle_write(struct building *b, struct error *e);

bool build_is_url(const char *location);
/* The source as a disk, which is what the recipe pins. */
int build_source_open(struct building *b, struct error *e);
/* The overlay over it, edited. */
int build_guest(struct building *b, struct error *e);

int build_plan_json(const struct building *b, json_t **out, struct error *e);
int build_edits_json(const struct building *b, json_t **out, struct error *e);
/* Takes every text in which a secret is out of the document. */
int build_secrets_hide(const struct recipe *r, json_t *document, struct error *e);

#endif
