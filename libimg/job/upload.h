/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_UPLOAD_H
#define LIBIMG_JOB_UPLOAD_H

#include "job/job.h"

/* An image, or a bundle, into Glance. */

enum upload_method { UPLOAD_PUT, UPLOAD_IMPORT };

struct upload_job {
	const char *source; /* an image, a bundle's folder, or a .json file in one */
	const char *source_format; /* NULL: the content decides */
	const char *allow_parent; /* as convert_job; only with `as` */
	const struct format *as; /* sent as this; NULL: as it is */
	struct strings options; /* -o of `as`, "key=value" */
	const char *cloud; /* --os-cloud; NULL: openstacksdk's rules decide */
	char *const *environment; /* as environ */
	enum upload_method method;
	const char *name; /* NULL: the bundle's, or the file's */
	const char *id; /* a UUID for it; NULL: Glance makes one */
	const char *visibility; /* NULL: as the bundle says, or Glance's default */
	bool protect;
	struct strings properties, tags;
	bool keep; /* an image that failed is left for somebody to look at */
	bool if_absent; /* nothing is done when an active image has the same digest */
	/* Versions of one name: hidden until it is verified, then the older ones are hidden. */
	const char *rotate; /* the name; NULL: none of that */
	unsigned keep_versions; /* with this many, the new one counted; 0: all stay */
	const struct target_list *known;
	struct convert_options engine; /* threads and progress */
	const char *tmpdir;
	int (*stop)(void *arg); /* non-zero: give up; NULL: never */
	void *stop_arg;
};

enum { UPLOAD_ID_MAX = 65, UPLOAD_SUMS = 3 };

struct upload_result {
	char id[UPLOAD_ID_MAX];
	json_t *image; /* as Glance reports it at the end */
	bool present; /* with if_absent: it was there, nothing was sent */
	uint64_t size, virtual_size; /* bytes */
	struct hash_values hash; /* of what was sent, in the order of upload_algorithm */
	bool digest_verified, size_verified, virtual_size_verified;
	struct strings hidden, removed; /* ids of older versions */
	struct report findings;
};

extern const char *const upload_algorithm[UPLOAD_SUMS];

/*
 * Sends, waits until the image is active, and compares what Glance reports with what was sent.  On
 * a failure, and when `stop` says so, the image is deleted unless `keep`.  Free the result also
 * then.
 */
int job_upload(const struct upload_job *j, struct upload_result *result, struct error *e);
void upload_result_free(struct upload_result *r);

#endif
