/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BUILD_H
#define LIBIMG_JOB_BUILD_H

#include "job/job.h"
#include "job/recipe.h"

/* What a recipe says, done. */

struct build_job {
	const struct recipe *recipe;
	const char *recipes; /* the folder that holds targets/ */
	const char *destination; /* nothing is there yet; not needed for a plan */
	uint64_t time; /* of new files in the guest and of an archive's, seconds since 1970 */
	bool plan; /* edits are made in the overlay, nothing is written */
	bool force_dirty; /* as in guest_options */
	const char *tmpdir;
	struct output_options output; /* no_sync only */
	struct convert_options engine;
};

struct build_result {
	/*
	 * What is made of what, and how: {"recipe","title","tested","parameters","source","size",
	 * "steps","drivers","seal","windows","targets","outputs","bundle","upload"}.  No path of
	 * the host and no secret is in it.  Of a build "source" has its digest, each of "outputs"
	 * "file_size", "virtual_size", "sha256" and "descriptions", the files of what Glance is
	 * told of it.
	 */
	json_t *plan;
	json_t *edits; /* as manifest_json, secrets taken out */
	/* Why what is done to the guest is not known before the build; NULL: it is. */
	const char *unknown; /* static */
	struct report notes; /* as in guest_changes, and of the images as in package_result */
	uint64_t scratch; /* bytes that the overlay held */
};

/*
 * The bundle has every output, its description, report.html, plan.json, edits.json and digests; it
 * appears whole or not at all.  The guest is edited once, for all outputs.  ERR_UNSUPPORTED, before
 * anything is done, for what hvimg does not do.  Free the result after a failure, too.
 */
int job_build(const struct build_job *j, struct build_result *result, struct error *e);
void build_result_free(struct build_result *r);

#endif
