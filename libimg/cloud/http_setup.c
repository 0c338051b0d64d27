/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libcurl is told of a request before it runs. */
#include "cloud/http_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/secret.h"

enum { SEND_BUFFER = 256 << 10, CONNECT_SECONDS = 30 };

int http_header_add(struct http *h, const char *name, const char *value, struct error *e)
{
	struct buffer line = { 0 };
	struct curl_slist *more;
	int rc;

	if (!value)
		return 0;
	if (strpbrk(value, "\r\n"))
		return error_set(e, ERR_USAGE, "%s: a header has a line break in it",
			*name ? name : "request");
	rc = buffer_format(&line, e, "%s%s", name, value);
	if (rc)
		return rc;
	more = curl_slist_append(h->headers, buffer_text(&line));
	secret_buffer_free(&line);
	if (!more)
		return error_nomem(e, "HTTP headers");
	h->headers = more;
	return 0;
}

void http_headers_free(struct http *h)
{
	for (struct curl_slist *i = h->headers; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(h->headers);
	h->headers = NULL;
}

int http_headers_make(struct http *h, const struct http_request *r, struct error *e)
{
	int rc = http_header_add(h, "Accept: ", "application/json", e);

	if (!rc)
		rc = http_header_add(h, "X-Auth-Token: ", r->token, e);
	if (!rc)
		rc = http_header_add(h, "X-Subject-Token: ", r->subject_token, e);
	if (!rc)
		rc = http_header_add(h, "Content-Type: ", r->content_type, e);
	if (!rc)
		rc = http_header_add(h, "", r->header, e);
	/* Who waits for leave to send can be refused before the data; small bodies just go. */
	if (!rc && !r->streamed)
		rc = http_header_add(h, "Expect:", "", e);
	return rc;
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

int http_place_take(struct http *h, const char *url, bool *local, struct error *e)
{
	CURLU *u = curl_url();
	char *host = NULL, *text = NULL, *scheme = NULL;
	int rc = u ? 0 : error_nomem(e, "an address");

	if (!rc &&
		(curl_url_set(u, CURLUPART_URL, url, 0) ||
			curl_url_get(u, CURLUPART_HOST, &host, 0) ||
			curl_url_get(u, CURLUPART_SCHEME, &scheme, 0)))
		rc = error_set(e, ERR_USAGE, "the address is no URL");
	if (!rc && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		rc = error_set(e, ERR_UNSUPPORTED, "%s: only http and https are spoken", scheme);
	if (!rc) {
		*local = is_loopback(host);
		curl_url_set(u, CURLUPART_USER, NULL, 0);
		curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
		curl_url_set(u, CURLUPART_QUERY, NULL, 0);
		curl_url_get(u, CURLUPART_URL, &text, 0);
		free(h->place);
		h->place = strdup(text ? text : host);
		if (!h->place)
			rc = error_nomem(e, "an address");
	}
	curl_free(host);
	curl_free(scheme);
	curl_free(text);
	curl_url_cleanup(u);
	return rc;
}

static void trust_set(struct http *h)
{
	const struct http_settings *s = &h->settings;
	struct stat st;

	if (s->cacert && !stat(s->cacert, &st) && S_ISDIR(st.st_mode))
		curl_easy_setopt(h->easy, CURLOPT_CAPATH, s->cacert);
	else if (s->cacert)
		curl_easy_setopt(h->easy, CURLOPT_CAINFO, s->cacert);
	if (s->cert)
		curl_easy_setopt(h->easy, CURLOPT_SSLCERT, s->cert);
	if (s->key)
		curl_easy_setopt(h->easy, CURLOPT_SSLKEY, s->key);
	if (s->insecure) {
		curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

void http_connection_set(struct http *h, bool local)
{
	const struct http_settings *s = &h->settings;

	curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT,
		(long)(s->connect_seconds ? s->connect_seconds : CONNECT_SECONDS));
	if (s->ipv4)
		curl_easy_setopt(h->easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
	if (local)
		curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
	trust_set(h);
}

void http_body_set(struct http *h, const struct http_request *r)
{
	h->bytes = r->streamed ? NULL : r->body;
	h->left = r->streamed ? 0 : r->body_len;
	h->sent = 0;
	h->streamed = r->streamed;
	h->total = r->stream_size;
	h->paused = false;
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, r->method);
	if (!r->streamed && !r->body)
		return;
	curl_easy_setopt(h->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(h->easy, CURLOPT_INFILESIZE_LARGE,
		(curl_off_t)(r->streamed ? r->stream_size : r->body_len));
	if (!r->streamed)
		return;
	curl_easy_setopt(h->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
	/* A kept connection that has died meanwhile would want the stream rewound. */
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, 1L);
}
