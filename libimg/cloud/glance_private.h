/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_GLANCE_PRIVATE_H
#define LIBIMG_CLOUD_GLANCE_PRIVATE_H

#include "cloud/glance.h"

enum { GLANCE_PATH_MAX = 128 };

struct glance {
	struct http *http;
	struct keystone *keystone;
	char *base; /* ends in /v2 */
	struct buffer url; /* of the request that is being sent */
	struct http_response sending;
};

/* One question to Glance. */
struct question {
	const char *method;
	const char *path; /* below /v2 */
	const char *type; /* of the body */
	json_t *body;
	bool safe; /* may be asked twice */
};

/* The whole address of a path. */
int glance_url(const struct glance *g, const char *path, struct buffer *out, struct error *e);
/* The path of an image, with `rest` behind; ERR_CORRUPT when that is no id. */
int glance_image_path(
	const char *id, const char *rest, char path[GLANCE_PATH_MAX], struct error *e);
/* Asks, and takes the answer's JSON when `out` is not NULL. */
int glance_ask(struct glance *g, const struct question *q, json_t **out, struct error *e);

#endif
