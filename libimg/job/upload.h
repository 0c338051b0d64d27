/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_UPLOAD_H
#define LIBIMG_JOB_UPLOAD_H

#include "job/job.h"

/* An image, or those of a bundle, into Glance. */

enum upload_method { UPLOAD_PUT, UPLOAD_IMPORT };

struct upload_job {
	/* An image, a bundle's folder or tar (all that it describes), or a .json file in a folder.
	 * A tar is unpacked below tmpdir, unless source_format says that it is an image. */
	const char *source;
	const char *source_format; /* NULL: the content decides */
	const char *allow_parent; /* as convert_job; only with `as` */
	const struct format *as; /* sent as this; NULL: as it is */
	struct strings options; /* -o of `as`, "key=value" */
	const char *cloud; /* --os-cloud; NULL: openstacksdk's rules decide */
	char *const *environment; /* as environ */
	enum upload_method method;
	const char *name; /* NULL: the bundle's, or the file's */
	const char *id; /* a UUID for it, if it is one image; NULL: Glance makes one */
	const char *visibility; /* NULL: as the bundle says, or Glance's default */
	bool protect;
	struct strings properties, tags;
	bool keep; /* an image that failed is left for somebody to look at */
	bool if_absent; /* nothing is sent of which an active image has the same digest */
	/* Versions of one name: hidden until all are verified, then the older ones are hidden. */
	const char *rotate; /* the name; NULL: none of that */
	unsigned keep_versions; /* with this many, the new one counted; 0: all stay */
	/* Of a bundle only what is described for one of these; of an image as package_job; NULL:
	 * everything, and what package would describe. */
	const struct target_list *targets;
	const struct target_list *known;
	struct convert_options engine; /* threads and progress */
	const char *tmpdir;
	int (*stop)(void *arg); /* non-zero: give up; NULL: never */
	void *stop_arg;
};

enum { UPLOAD_ID_MAX = 65, UPLOAD_SUMS = 3 };

struct upload_result {
	char *source; /* the file of its description, or its own */
	char id[UPLOAD_ID_MAX]; /* "": it is not there */
	json_t *image; /* as Glance reports it at the end */
	bool present; /* with if_absent: it was there, nothing was sent */
	uint64_t size, virtual_size; /* bytes */
	struct hash_values
		hash; /* of what was sent, in the order of upload_algorithm; "": not known */
	bool digest_verified, size_verified, virtual_size_verified;
	struct report findings;
};

struct upload_results {
	struct upload_result *image; /* one for each image that is meant */
	size_t count;
	struct strings hidden, removed; /* ids of older versions */
};

/* What Glance reports by itself comes first. */
extern const char *const upload_algorithm[UPLOAD_SUMS];

/*
 * Sends one image after the other, waits until it is active, and compares what Glance reports with
 * what was sent.  On a failure, and when `stop` says so, the image that was under way is deleted
 * unless `keep`; those before it stay, and the error names them.  Free the results also then.
 */
int job_upload(const struct upload_job *j, struct upload_results *results, struct error *e);
/* Whether the job's cloud lets us in; nothing of the source is looked at. */
int job_upload_try(const struct upload_job *j, struct error *e);
void upload_results_free(struct upload_results *r);

#endif
