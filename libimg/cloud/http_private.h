/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_HTTP_PRIVATE_H
#define LIBIMG_CLOUD_HTTP_PRIVATE_H

#include <time.h>

#include <curl/curl.h>

#include "cloud/http.h"

struct http {
	CURLM *multi;
	CURL *easy;
	struct http_settings settings;
	int (*stop)(void *arg);
	void *stop_arg;
	bool running;
	bool paused; /* libcurl asked for bytes when there were none */
	CURLcode result;
	struct curl_slist *headers;
	char *place; /* the address as errors show it */
	struct http_response *response;
	const uint8_t *bytes; /* to be sent */
	size_t left;
	uint64_t sent, total; /* of the stream */
	bool streamed, overflow;
	curl_off_t moved; /* bytes of both ways when something last moved, and when that was */
	struct timespec moved_at;
	char why[CURL_ERROR_SIZE];
};

/* Checks the address, keeps how it is shown, and whether a proxy is out of the question. */
int http_place_take(struct http *h, const char *url, bool *local, struct error *e);
/* One more header, unless `value` is NULL. */
int http_header_add(struct http *h, const char *name, const char *value, struct error *e);
int http_headers_make(struct http *h, const struct http_request *r, struct error *e);
/* Overwrites and frees them. */
void http_headers_free(struct http *h);
void http_connection_set(struct http *h, bool local);
void http_body_set(struct http *h, const struct http_request *r);

#endif
