/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_KEYSTONE_PRIVATE_H
#define LIBIMG_CLOUD_KEYSTONE_PRIVATE_H

#include <time.h>

#include "cloud/keystone.h"

struct keystone {
	struct http *http;
	const struct cloud_settings *settings;
	char *base; /* ends in /v3; NULL: there is no Keystone */
	char *token; /* NULL: none is used */
	json_t *catalog;
	bool given; /* the token is the user's own, not made for us */
	bool ends; /* at `end`, by the monotonic clock, after `life` seconds */
	time_t end, life;
};

/* The body of POST /v3/auth/tokens, to be freed with secret_json_free. */
int keystone_request(const struct cloud_settings *s, json_t **out, struct error *e);
/* Whether the settings name something to be scoped to. */
bool keystone_has_scope(const struct cloud_settings *s);
/* Where v3 is; *out is NULL for a cloud without Keystone. */
int keystone_discover(struct http *h, const struct cloud_settings *s, char **out, struct error *e);

#endif
