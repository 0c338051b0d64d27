/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BUILD_H
#define LIBIMG_JOB_BUILD_H

#include "job/job.h"
#include "job/recipe.h"

/* What a recipe says, done. */

struct build_job {
	const struct recipe *recipe;
	const char *recipes; /* the folder that holds targets/ and upload.sh */
	const char *destination; /* nothing is there yet; not needed for a plan */
	uint64_t time; /* of new files in the guest and of an archive's, seconds since 1970 */
	bool plan; /* edits are made in the overlay, nothing is written */
	bool force_dirty; /* as in guest_options */
	bool restart; /* what an interrupted build left is thrown away */
	const char *tmpdir;
	/* Folder that downloads stay in, below "downloads", and what packages were installed to,
	 * below "roots"; NULL: none can be. */
	const char *cache;
	bool refresh; /* packages are installed again */
	const char *cacert; /* as in fetch_job */
	/* Told what is waited for, and before a part of the work ("download", "source",
	 * "unpack", "build") whose progress follows.  May be NULL. */
	void (*say)(void *arg, const char *text);
	void (*phase)(void *arg, const char *name);
	void *told_arg;
	struct output_options output; /* no_sync only */
	struct convert_options engine;
	/* For a recipe that uploads. */
	char *const *environment; /* as environ */
	int (*stop)(void *arg); /* non-zero: give up; NULL: never */
	void *stop_arg;
};

struct build_result {
	/*
	 * What is made of what, and how: {"recipe","title","tested","parameters","source","size",
	 * "grow","grown","steps","drivers","seal","windows","targets","outputs","bundle","upload"}.
	 * No path of the host and no secret is in it; of a URL neither user nor query.  Of a build
	 * "source" has its digest, each of "outputs" "file_size", "virtual_size", "sha256" and
	 * "descriptions", the files of what Glance is told of it.  "source" names in "runs" what
	 * runs code of the guest: "mmdebstrap", or nothing does.
	 */
	json_t *plan;
	json_t *edits; /* as manifest_json, secrets taken out */
	json_t *uploads; /* [{"source","id","present"}]; NULL: none were wanted */
	/* Why what is done to the guest is not known before the build; NULL: it is. */
	const char *unknown; /* static */
	struct report notes; /* as in guest_changes, and of the images as in package_result */
	uint64_t scratch; /* bytes that the overlay held */
	struct strings reused; /* files of outputs that an interrupted build had made */
};

/*
 * The bundle has every output, its description, report.html, plan.json, edits.json, upload.sh and
 * digests; it appears whole or not at all.  The guest is edited once, for all outputs.
 * ERR_UNSUPPORTED, before anything is done, for what hvimg does not do.
 *
 * When the build is cancelled or killed, outputs that are finished stay in a hidden folder beside
 * the destination; the next one of the same recipe, source and hvimg takes them.  ERR_EXISTS while
 * another run is at work there.  When the recipe uploads, a failure may leave the complete bundle;
 * the same job again then does the upload alone.  Free the result after a failure, too.
 */
int job_build(const struct build_job *j, struct build_result *result, struct error *e);
void build_result_free(struct build_result *r);

#endif
