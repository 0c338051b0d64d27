/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_BUILD_PRIVATE_H
#define LIBIMG_JOB_BUILD_PRIVATE_H

#include <pthread.h>

#include "cloud/bundle.h"
#include "disk/work_folder.h"
#include "job/build.h"
#include "job/fetch.h"
#include "job/grow.h"
#include "job/pieces.h"
#include "job/root_disk.h"

/* A finished image: a file of the work folder, under its own name. */
struct build_made {
	bool reused; /* an interrupted build made it */
	uint64_t file_size, virtual_size; /* bytes */
	uint64_t data_bytes; /* of the guest's disk, those that hold data */
	char hex[SUM_COUNT][DIGEST_HEX_MAX]; /* only SUM_SHA256 unless the bundle is a folder */
};

/* One output of the recipe, on the way. */
struct build_output {
	const struct recipe_output *recipe;
	struct convert_job convert;
	struct target_list targets; /* of its own, or none */
	struct strings properties; /* "key=value", the recipe's and its own */
	char key[DIGEST_HEX_MAX]; /* of all that its bytes depend on */
	struct build_made made;
};

/* How far the whole is: of `legs` alike parts, some at once. */
struct build_meter {
	pthread_mutex_t lock; /* for all below */
	const struct convert_options *whole;
	uint64_t done, total;
	bool stopped;
};

struct build_leg {
	struct build_meter *meter;
	uint64_t told; /* of its share */
};

struct building {
	const struct build_job *job;
	struct target_list known, targets;
	struct build_output *output;
	char *location, *mirror; /* of the source, as they may be shown; or NULL */
	struct fetched fetched; /* the source, when that is a URL or packages */
	struct root_disk made; /* of the source, when that is a root tar */
	struct source source;
	struct convert_job reading; /* of the source */
	char source_sha256[DIGEST_HEX_MAX]; /* as was used; "": in a plan, or the recipe pins it */
	struct disk *overlay;
	struct guest_image *guest; /* as edited, to be described */
	struct grown grown; /* in the overlay */
	struct journal journal;
	struct work_folder work;
	bool checked; /* what is in the work folder is this recipe's */
	struct build_meter meter;
	struct build_result *result;
	struct buffer style; /* of report.html */
	json_t *state; /* as in struct report_html */
};

/* What can be done of the recipe at all. */
int build_check(const struct build_job *j, struct error *e);
/* Why the guest is not known before the build; NULL: it is. */
const char *build_unknown(const struct recipe *r);

/* The conversions that the outputs are, checked before anything is written. */
int build_outputs_prepare(struct building *b, struct error *e);
void build_outputs_free(struct building *b);
/* Those that are not there yet, at once or one after the other. */
int build_outputs_make(struct building *b, struct error *e);
/* One of them of `disk`, which is the edited one; *file is set, and to be closed, even after a
 * failure. */
int build_output_write(struct building *b, size_t index, struct disk *disk, unsigned threads,
	struct output **file, struct error *e);
/* Its digests; afterwards an interrupted build finds it again. */
int build_output_keep(struct building *b, size_t index, struct output *file, struct error *e);
/* Takes what an earlier run made, if it still is what it was. */
int build_output_reuse(struct building *b, size_t index, struct error *e);

/*
 * The folder beside the destination in which outputs grow.  ERR_EXISTS when there is something at
 * the destination, or another build at work.
 */
int build_work_open(struct building *b, struct error *e);
/* Once the guest is edited: throws away what is not of this very build, and takes what is. */
int build_work_check(struct building *b, struct error *e);
/* Appends the path of an output there, followed by `ending`. */
int build_work_path(const struct building *b, size_t index, const char *ending, struct buffer *out,
	struct error *e);
/* Records a finished output, and removes one. */
int build_work_note(struct building *b, size_t index, struct error *e);
void build_work_forget(struct building *b, size_t index);
/* After the result `rc`, which is returned: only what was cancelled leaves something, and the error
 * says so.  NONE of work_folder is fine. */
int build_work_close(struct building *b, int rc, struct error *e);
int build_keys_make(struct building *b, struct error *e);

void build_meter_open(struct build_meter *m, const struct convert_options *whole, size_t legs);
void build_meter_close(struct build_meter *m);
/* Whoever tells the meter of his progress is told to stop. */
void build_meter_stop(struct build_meter *m);
/* `out` gets the job's options with the leg's progress; the leg must stay where it is. */
void build_leg_start(struct build_leg *leg, struct building *b, struct convert_options *out);
void build_leg_end(struct build_leg *leg);
/* A part that needs not be done. */
void build_leg_skip(struct building *b);

/* Opens the edited guest, for all descriptions. */
int build_guest_look(struct building *b, struct error *e);
/* Adds what became of an output to the plan. */
int build_plan_note(struct building *b, size_t index, struct error *e);
/* Puts what Glance is told of an image into the bundle, and into the plan. */
int build_output_describe(struct building *b, size_t index, struct bundle *bundle, struct error *e);
/* An OVA instead of a bundle: what of a recipe can be one; the controller, before the disk is made;
 * and the whole, plan.json and edits.json beside it. */
int build_ova_check(const struct recipe *r, struct error *e);
int build_ova_memory(const struct building *b, uint64_t *out, struct error *e);
int build_ova_prepare(struct building *b, struct error *e);
int build_ova_write(struct building *b, struct error *e);
/* All of them, in a bundle. */
int build_bundle_write(struct building *b, struct error *e);

/* A path of the host for what the recipe names: its own, or where its URL was fetched to.  Then
 * what it pins has been looked at, else build_source_check does. */
int build_source_path(struct building *b, const char **path, struct error *e);
int build_source_check(struct building *b, struct disk *file, struct error *e);
/* Fills b->fetched.path with the tar of installed packages. */
int build_packages_install(struct building *b, struct error *e);
/* Whether a URL need not be asked: then build_source_path does not. */
int build_source_cached(struct building *b, bool *cached, struct error *e);
/* The source as a disk, which is what the recipe pins. */
int build_source_open(struct building *b, struct error *e);
/* Likewise, when b->reading.source is a root tar. */
int build_root_open(struct building *b, struct error *e);
/* Of new files in the guest, seconds since 1970. */
int64_t build_time(const struct building *b);
/* Of a path of the host only the name, of a URL what is no secret; the caller frees it.  NULL stays
 * NULL. */
int build_location_shown(const char *location, char **out, struct error *e);
/* The overlay over it, edited. */
int build_guest(struct building *b, struct error *e);

int build_plan_json(const struct building *b, json_t **out, struct error *e);
int build_edits_json(const struct building *b, json_t **out, struct error *e);
/* For report.html: what it needs to be written at all, the guest "before" and "after" the edits,
 * and what Glance is told of an image. */
int build_report_prepare(struct building *b, struct error *e);
int build_state_note(
	struct building *b, struct guest_image *image, const char *when, struct error *e);
int build_description_note(
	struct building *b, const char *file, json_t *description, struct error *e);
/* Appends the page; all outputs are made. */
int build_report_html(struct building *b, struct buffer *out, struct error *e);

/* Takes every text in which a secret is out of the document. */
int build_secrets_hide(const struct recipe *r, json_t *document, struct error *e);

#endif
