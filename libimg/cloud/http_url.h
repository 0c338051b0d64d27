/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_HTTP_URL_H
#define LIBIMG_CLOUD_HTTP_URL_H

#include <stdbool.h>

#include "base/buffer.h"

/* Addresses, and what of them may be seen: who asks, and what stands in a query, may be secrets. */

/* Whether the text begins as an http or https URL does, in upper or lower case. */
bool http_url_is(const char *text);
/* Appends the address without user, password, query and fragment.  ERR_USAGE when it is no URL;
 * nothing of it is in that text. */
int http_url_shown(const char *url, struct buffer *out, struct error *e);
/* Appends the address without user, password and fragment: what is asked for. */
int http_url_content(const char *url, struct buffer *out, struct error *e);
/* Whether a password or a value of the query of `url` is in the text. */
bool http_url_tells(const char *url, const char *text);
/*
 * Appends where the answer's header `location` leads from `url`.  User and password stay only with
 * the host that they were given for.  ERR_REFUSED for another protocol, and from https to http.
 */
int http_url_follow(const char *url, const char *location, struct buffer *out, struct error *e);

#endif
