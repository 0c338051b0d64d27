/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_KEYSTONE_H
#define LIBIMG_CLOUD_KEYSTONE_H

#include "cloud/cloud_settings.h"
#include "cloud/http.h"

/* A token of Keystone v3, kept fresh, and where services are. */

struct keystone;
/* Gets a first token, unless the cloud has no Keystone.  Both live as long as the result. */
int keystone_open(
	struct http *h, const struct cloud_settings *s, struct keystone **out, struct error *e);
void keystone_close(struct keystone *k);
/*
 * A token that is good for another `seconds`, where the cloud gives such; *out is NULL when none
 * is used.  Valid until the next call.
 */
int keystone_token(struct keystone *k, unsigned seconds, const char **out, struct error *e);
/* After a 401: the next keystone_token gets a new one.  ERR_REFUSED when that can't be. */
int keystone_renew(struct keystone *k, struct error *e);
/* The address of the service of that type ("image") in the cloud's region, without a slash at its
 * end. */
int keystone_endpoint(struct keystone *k, const char *type, char **out, struct error *e);

/* What an answer says in words: "409 Conflict: Image ID ... already exists"; HTML is taken out. */
int cloud_refusal(
	const struct http_response *r, const char *what, enum error_code code, struct error *e);

#endif
