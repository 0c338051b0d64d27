/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_UPLOAD_PRIVATE_H
#define LIBIMG_JOB_UPLOAD_PRIVATE_H

#include "base/buffer.h"
#include "cloud/glance.h"
#include "disk/image.h"
#include "job/upload.h"
#include "job/unpacked.h"

/* One image of the job, on its way. */
struct upload {
	const struct upload_job *job;
	struct upload_result *result;
	struct buffer path; /* of the image's file */
	struct hash_values announced; /* by the bundle, in the order of upload_algorithm; "": not */
	json_t *bundled; /* what the bundle says of it; NULL: there is no bundle */
	const struct format *format; /* that is sent */
	json_t *body; /* of POST /v2/images */
	struct glance *glance;
	struct convert_options engine; /* the job's, its progress a part of the whole */
	bool protect; /* once it is verified */
	bool created; /* result->id is an image that we made */
};

/* All of them, over one connection. */
struct uploading {
	const struct upload_job *job;
	struct upload_results *results;
	struct upload *upload; /* as many as results->count */
	struct unpacked bundle; /* the source, when that is a tar */
	struct http *http;
	struct keystone *keystone;
	struct glance *glance;
	uint64_t done, total; /* bytes of files, those of images before this one */
};

/* One more image; the job's, with nothing said of it. */
int upload_add(struct uploading *u, const char *source, struct upload **out, struct error *e);
/* Finds the images that the job's source holds, with what a bundle says of them. */
int upload_find(struct uploading *u, struct error *e);
/* What Glance is to be told of it. */
int upload_describe(struct upload *u, struct error *e);

/* Where a whole image goes: its size first, then the bytes in order. */
struct upload_sink {
	int (*begin)(void *arg, uint64_t size, struct error *e);
	int (*write)(void *arg, const void *bytes, size_t len, struct error *e);
	void *arg;
};
/* The image's bytes as they are sent, converted or not; fills size and the first `sums` digests of
 * the result. */
int upload_produce(struct upload *u, const struct upload_sink *sink, size_t sums, struct error *e);
/* Whether the bundle says all that Glance may say of the bytes, so that they need not be digested.
 */
bool upload_is_announced(const struct upload *u);
/* All digests, and nothing is sent.  ERR_CORRUPT when they are not what the bundle says. */
int upload_digest(struct upload *u, struct error *e);
int upload_create(struct upload *u, struct error *e);
/* Creates the image once the bytes are ready to come, and sends them until Glance has taken them.
 */
int upload_send(struct upload *u, struct error *e);

/* Waits until the image is active; result->image is what Glance says then. */
int upload_await(struct upload *u, struct error *e);
int upload_verify(struct upload *u, struct error *e);
/* Looks for an active image of the same digests: result->present. */
int upload_find_present(struct upload *u, struct error *e);
/* Makes the new versions visible and puts older ones away. */
int upload_rotate(struct uploading *u, struct error *e);

int upload_note(struct upload *u, enum severity severity, const char *code, const char *text,
	const char *fix, struct error *e);

#endif
