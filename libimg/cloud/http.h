/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_HTTP_H
#define LIBIMG_CLOUD_HTTP_H

#include <stdbool.h>

#include "base/buffer.h"

/*
 * HTTP for talking to a cloud: one request at a time over libcurl.  Redirects are not followed (a
 * token would go along), answers are bounded, and nothing of a request appears in an error's text
 * but its address without user, password and query.
 */

struct http_settings {
	const char *cacert; /* file of CA certificates, or a folder; NULL: the system's */
	const char *cert, *key; /* of the client; NULL: none */
	bool insecure; /* any certificate will do */
	bool ipv4; /* no IPv6 */
	unsigned connect_seconds; /* 0: 30 */
	unsigned stall_seconds; /* without a byte either way; 0: 300 */
};

struct http_request {
	const char *method;
	const char *url;
	const char *token; /* X-Auth-Token; NULL: none */
	const char *subject_token; /* X-Subject-Token; NULL: none */
	const char *content_type; /* of what is sent; NULL: nothing is */
	const char *header; /* one more, "Name: value"; NULL: none */
	const void *body; /* sent at once */
	size_t body_len;
	bool streamed; /* instead of `body`: stream_size bytes, by http_write */
	uint64_t stream_size;
};

struct http_response {
	long status;
	struct buffer headers; /* lines of the last answer */
	struct buffer body; /* up to 4 MiB */
};

struct http;
int http_open(const struct http_settings *s, struct http **out, struct error *e);
void http_close(struct http *h);
/* Asked now and then while a request runs; non-zero ends it with ERR_CANCELLED.  NULL: never. */
void http_set_stop(struct http *h, int (*stop)(void *arg), void *arg);

/* A whole request.  An answer with whatever status is success; free it also after a failure. */
int http_call(
	struct http *h, const struct http_request *r, struct http_response *out, struct error *e);

/*
 * A streamed request in three steps.  `out` must live until the end.  After http_begin nothing may
 * have been sent yet; the other end may answer before it has everything: *answered then tells that
 * more is not wanted.
 */
int http_begin(
	struct http *h, const struct http_request *r, struct http_response *out, struct error *e);
int http_write(struct http *h, const void *bytes, size_t len, bool *answered, struct error *e);
int http_end(struct http *h, struct error *e);
/* Breaks off what is still running; also when nothing is. */
void http_abort(struct http *h);
/* Bytes of the stream that libcurl took; 0: it can be sent again without harm. */
uint64_t http_sent(const struct http *h);
/* Whether the last failure was that no connection came about, so that nothing was asked. */
bool http_never_connected(const struct http *h);

/* Copies the value of a header, names in any case; *out is NULL when it is not there. */
int http_header(const struct http_response *r, const char *name, char **out, struct error *e);
void http_response_free(struct http_response *r);

#endif
