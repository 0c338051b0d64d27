/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_HTTP_DOWNLOAD_H
#define LIBIMG_CLOUD_HTTP_DOWNLOAD_H

#include "base/strings.h"
#include "cloud/http.h"

/* Something large that a server gives away, of any length, handed on as it comes. */
struct http_download {
	const char *url;
	const struct strings *headers; /* "Name: value" of the request */
	/* The head of an answer with content, before its first byte; also when it has none. */
	int (*begin)(void *arg, const struct http_response *head, struct error *e);
	int (*take)(void *arg, const void *bytes, size_t len, struct error *e);
	void *arg;
};

/*
 * Redirects are followed, at most 10, as http_url_follow allows.  An answer with content (status
 * 200 or 206) goes to `begin` and `take`, whose failures end it; of any other one the first 64 KiB
 * are in `out`.  After a failure *lost tells that the connection did not come about, broke, or
 * stood still: another try may succeed.  Free `out` also after a failure.
 */
int http_download(struct http *h, const struct http_download *d, struct http_response *out,
	bool *lost, struct error *e);
/* As cloud_refusal says it, but without the server's text when that repeats a secret of `url`. */
int http_download_refused(const char *url, const struct http_response *r, const char *what,
	enum error_code code, struct error *e);

#endif
