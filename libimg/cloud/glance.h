/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_GLANCE_H
#define LIBIMG_CLOUD_GLANCE_H

#include "cloud/keystone.h"

/* Images of Glance v2.  Errors hold what the server says; images are JSON as it gives them. */

struct glance;
/* `h` and `k` stay the caller's and live as long. */
int glance_open(struct http *h, struct keystone *k, struct glance **out, struct error *e);
void glance_close(struct glance *g);

/* Makes an image of that body (POST /v2/images), queued.  *methods (may be NULL) is what imports it
 * offers, a list with commas, "" when it does not say. */
int glance_create(struct glance *g, json_t *body, json_t **image, char **methods, struct error *e);
int glance_get(struct glance *g, const char *id, json_t **image, struct error *e);
/* Images that a query ("name=x&status=active", values escaped with glance_escape) finds, at most
 * 1000, newest first. */
int glance_list(struct glance *g, const char *query, json_t **images, struct error *e);
/* Adds "&KEY=VALUE" to a query. */
int glance_query(struct buffer *query, const char *key, const char *value, struct error *e);
/* Sets one property. */
int glance_set(struct glance *g, const char *id, const char *key, json_t *value, struct error *e);
/* Fine when it is not there any more. */
int glance_delete(struct glance *g, const char *id, struct error *e);

/* Where an image's bytes go. */
enum glance_data { GLANCE_FILE, GLANCE_STAGE };
/* Sends `size` bytes in order: begin, write until all are sent or *answered, end.  End fails with
 * what the server says.  *again: the token was not taken, there is a new one, nothing came of it:
 * it may be sent again. */
int glance_send_begin(
	struct glance *g, const char *id, enum glance_data to, uint64_t size, struct error *e);
int glance_send(struct glance *g, const void *bytes, size_t len, bool *answered, struct error *e);
int glance_send_end(struct glance *g, bool *again, struct error *e);

/* Takes what was staged into the image (glance-direct). */
int glance_import(struct glance *g, const char *id, struct error *e);
/* What the image's last failed task says; *out is NULL without one. */
int glance_task_failure(struct glance *g, const char *id, char **out, struct error *e);

#endif
