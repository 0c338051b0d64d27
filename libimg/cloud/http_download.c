/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/http_download.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "cloud/http_private.h"
#include "cloud/http_url.h"
#include "cloud/keystone.h"
#include "cloud/secret.h"

enum {
	REDIRECTS = 10,
	PAGE_LIMIT = 64 << 10,
	RECEIVE_BUFFER = 512 << 10,
};

struct answer {
	const struct http_download *job;
	struct http *h;
	struct http_response *response;
	bool begun, page_full;
	int failed; /* what `begin` or `take` returned */
	struct error fault;
};

static bool has_content(long status)
{
	return status == 200 || status == 206;
}

static int answer_begin(struct answer *a)
{
	a->begun = true;
	a->failed = a->job->begin(a->job->arg, a->response, &a->fault);
	return a->failed;
}

static size_t page_take(struct answer *a, const void *bytes, size_t len)
{
	struct buffer *page = &a->response->body;
	size_t room = PAGE_LIMIT - page->len;

	a->page_full = len > room;
	if (buffer_append(page, bytes, (size_t)min_u64(len, room), NULL))
		return 0;
	return a->page_full ? 0 : len;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t len = size * count;

	curl_easy_getinfo(a->h->easy, CURLINFO_RESPONSE_CODE, &a->response->status);
	if (!has_content(a->response->status))
		return page_take(a, bytes, len);
	if (!a->begun && answer_begin(a))
		return 0;
	a->failed = a->job->take(a->job->arg, bytes, len, &a->fault);
	return a->failed ? 0 : len;
}

static int headers_set(struct http *h, const struct strings *more, struct error *e)
{
	int rc;

	http_headers_free(h);
	rc = http_header_add(h, "Accept: ", "*/*", e);
	/* A file is wanted as it is: its size and digest are those of what is sent. */
	if (!rc)
		rc = http_header_add(h, "Accept-Encoding: ", "identity", e);
	for (size_t i = 0; !rc && i < more->count; i++)
		rc = http_header_add(h, "", more->item[i], e);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	return rc;
}

static bool may_mend(CURLcode code)
{
	static const CURLcode list[] = { CURLE_OK, CURLE_COULDNT_RESOLVE_HOST,
		CURLE_COULDNT_CONNECT, CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT,
		CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SSL_CONNECT_ERROR };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (list[i] == code)
			return true;
	return false;
}

static int answer_end(struct answer *a, bool *lost, struct error *e)
{
	int rc = http_end(a->h, e);

	if (!rc && has_content(a->response->status) && !a->begun)
		answer_begin(a);
	if (a->failed) {
		if (e)
			*e = a->fault;
		return a->failed;
	}
	if (a->page_full)
		return 0;
	*lost = rc == -ERR_IO && may_mend(a->h->result);
	return rc;
}

/* One request to one place. */
static int ask(struct http *h, const struct http_download *d, const char *url,
	struct http_response *out, bool *lost, struct error *e)
{
	struct answer a = { .job = d, .h = h, .response = out };
	int rc = http_begin(h, &(struct http_request){ .method = "GET", .url = url }, out, e);

	if (!rc)
		rc = headers_set(h, d->headers, e);
	if (rc) {
		http_abort(h);
		return rc;
	}
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, &a);
	curl_easy_setopt(h->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	return answer_end(&a, lost, e);
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Makes `url` the address that the answer names; *more is false when it names none. */
static int follow(const struct http *h, struct buffer *url, const struct http_response *r,
	bool *more, struct error *e)
{
	struct buffer next = { 0 };
	char *location = NULL;
	int rc = 0;

	*more = false;
	if (is_redirect(r->status))
		rc = http_header(r, "Location", &location, e);
	if (rc || !location)
		return rc;
	rc = http_url_follow(buffer_text(url), location, &next, e);
	secret_free(location);
	if (rc) {
		secret_buffer_free(&next);
		return error_prefix(e, "%s", h->place);
	}
	secret_buffer_free(url);
	*url = next;
	*more = true;
	return 0;
}

int http_download(struct http *h, const struct http_download *d, struct http_response *out,
	bool *lost, struct error *e)
{
	struct buffer url = { 0 };
	bool more = true;
	int rc = buffer_string(&url, d->url, e);

	*out = (struct http_response){ 0 };
	*lost = false;
	for (unsigned i = 0; !rc && more; i++) {
		if (i > REDIRECTS) {
			rc = error_set(
				e, ERR_REFUSED, "%s: more than %d redirects", h->place, REDIRECTS);
			break;
		}
		http_response_free(out);
		rc = ask(h, d, buffer_text(&url), out, lost, e);
		if (!rc)
			rc = follow(h, &url, out, &more, e);
	}
	/* A page may repeat what only the last address has, as a signature. */
	if (!rc && out->body.len && http_url_tells(buffer_text(&url), buffer_text(&out->body)))
		secret_buffer_free(&out->body);
	secret_buffer_free(&url);
	return rc;
}

int http_download_refused(const char *url, const struct http_response *r, const char *what,
	enum error_code code, struct error *e)
{
	struct http_response bare = { .status = r->status };
	struct error told = { 0 };
	int rc = cloud_refusal(r, what, code, &told);

	if (http_url_tells(url, told.text))
		return cloud_refusal(&bare, what, code, e);
	if (e)
		*e = told;
	return rc;
}
