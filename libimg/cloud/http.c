/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request at a time through libcurl's multi interface, so that whoever has the bytes of a body
 * can hand them in, and be asked to stop in between. */
#include "cloud/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include <curl/curl.h>

#include "base/checked.h"
#include "cloud/secret.h"

enum {
	BODY_LIMIT = 4 << 20,
	HEADER_LIMIT = 256 << 10,
	SEND_BUFFER = 1 << 20,
	POLL_MS = 200,
	CONNECT_SECONDS = 30,
	STALL_SECONDS = 300,
};

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

static size_t take_bytes(char *to, size_t size, size_t count, void *arg)
{
	struct http *h = arg;
	size_t n = (size_t)min_u64(size * count, h->left);

	if (!n && h->streamed && h->sent < h->total) {
		h->paused = true;
		return CURL_READFUNC_PAUSE;
	}
	if (n)
		memcpy(to, h->bytes, n);
	h->bytes += n;
	h->left -= n;
	h->sent += n;
	return n;
}

static size_t keep(struct http *h, struct buffer *b, size_t limit, const void *bytes, size_t len)
{
	if (len > limit - b->len || buffer_append(b, bytes, len, NULL)) {
		h->overflow = true;
		return 0;
	}
	return len;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *arg)
{
	struct http *h = arg;

	return keep(h, &h->response->body, BODY_LIMIT, bytes, size * count);
}

/* Those of a "100 Continue" before the answer are forgotten. */
static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct http *h = arg;

	if (size * count > 5 && !memcmp(bytes, "HTTP/", 5))
		h->response->headers.len = 0;
	return keep(h, &h->response->headers, HEADER_LIMIT, bytes, size * count);
}

int http_open(const struct http_settings *s, struct http **out, struct error *e)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return error_set(e, ERR_IO, "libcurl does not start");
	h = calloc(1, sizeof(*h));
	if (!h)
		return error_nomem(e, "HTTP");
	h->settings = *s;
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (!h->multi || !h->easy) {
		http_close(h);
		return error_nomem(e, "HTTP");
	}
	*out = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	http_abort(h);
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	free(h->place);
	free(h);
	curl_global_cleanup();
}

void http_set_stop(struct http *h, int (*stop)(void *arg), void *arg)
{
	h->stop = stop;
	h->stop_arg = arg;
}

static int header_add(struct http *h, const char *name, const char *value, struct error *e)
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

static void headers_free(struct http *h)
{
	for (struct curl_slist *i = h->headers; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(h->headers);
	h->headers = NULL;
}

static int headers_make(struct http *h, const struct http_request *r, struct error *e)
{
	int rc = header_add(h, "Accept: ", "application/json", e);

	if (!rc)
		rc = header_add(h, "X-Auth-Token: ", r->token, e);
	if (!rc)
		rc = header_add(h, "X-Subject-Token: ", r->subject_token, e);
	if (!rc)
		rc = header_add(h, "Content-Type: ", r->content_type, e);
	if (!rc)
		rc = header_add(h, "", r->header, e);
	/* Who waits for leave to send can be refused before the data; small bodies just go. */
	if (!rc && !r->streamed)
		rc = header_add(h, "Expect:", "", e);
	return rc;
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

/* Checks the address, keeps how it is shown, and whether a proxy is out of the question. */
static int place_take(struct http *h, const char *url, bool *local, struct error *e)
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

static void connection_set(struct http *h, bool local)
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

static void body_set(struct http *h, const struct http_request *r)
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
	curl_easy_setopt(h->easy, CURLOPT_READFUNCTION, take_bytes);
	curl_easy_setopt(h->easy, CURLOPT_READDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_INFILESIZE_LARGE,
		(curl_off_t)(r->streamed ? r->stream_size : r->body_len));
	if (!r->streamed)
		return;
	curl_easy_setopt(h->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
	/* A kept connection that has died meanwhile would want the stream rewound. */
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void moved_now(struct http *h, curl_off_t moved)
{
	h->moved = moved;
	clock_gettime(CLOCK_MONOTONIC, &h->moved_at);
}

int http_begin(
	struct http *h, const struct http_request *r, struct http_response *out, struct error *e)
{
	bool local = false;
	int rc;

	http_abort(h);
	*out = (struct http_response){ 0 };
	h->response = out;
	h->overflow = false;
	h->result = CURLE_OK;
	h->why[0] = 0;
	curl_easy_reset(h->easy);
	rc = place_take(h, r->url, &local, e);
	if (!rc)
		rc = headers_make(h, r, e);
	if (rc)
		return rc;
	connection_set(h, local);
	body_set(h, r);
	curl_easy_setopt(h->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->why);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	if (curl_multi_add_handle(h->multi, h->easy))
		return error_nomem(e, "an HTTP request");
	h->running = true;
	moved_now(h, 0);
	return 0;
}

void http_abort(struct http *h)
{
	if (h->running)
		curl_multi_remove_handle(h->multi, h->easy);
	h->running = false;
	headers_free(h);
}

/* Takes note of the end, when it has come. */
static void end_notice(struct http *h)
{
	CURLMsg *m;
	int rest;

	while ((m = curl_multi_info_read(h->multi, &rest)))
		if (m->msg == CURLMSG_DONE) {
			h->result = m->data.result;
			curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &h->response->status);
			curl_multi_remove_handle(h->multi, h->easy);
			h->running = false;
			break;
		}
}

static int check_moving(struct http *h, struct error *e)
{
	unsigned limit = h->settings.stall_seconds ? h->settings.stall_seconds : STALL_SECONDS;
	curl_off_t up = 0, down = 0;
	struct timespec now;

	curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(h->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	if (up + down != h->moved) {
		moved_now(h, up + down);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - h->moved_at.tv_sec < (time_t)limit)
		return 0;
	return error_set(
		e, ERR_IO, "%s: nothing was sent or received for %u seconds", h->place, limit);
}

/* One round: what can be done now, else a short wait. */
static int turn(struct http *h, struct error *e)
{
	int running;
	CURLMcode rc = curl_multi_perform(h->multi, &running);

	if (!rc)
		end_notice(h);
	if (!rc && h->running && !h->paused)
		rc = curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
	if (rc)
		return error_set(e, ERR_IO, "%s: %s", h->place, curl_multi_strerror(rc));
	if (h->stop && h->stop(h->stop_arg))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return h->running ? check_moving(h, e) : 0;
}

static int result_of(struct http *h, struct error *e)
{
	const char *why = *h->why ? h->why : curl_easy_strerror(h->result);
	bool broke = h->result == CURLE_SEND_ERROR || h->result == CURLE_RECV_ERROR ||
		h->result == CURLE_PARTIAL_FILE;

	if (h->overflow)
		return error_set(e, ERR_RANGE,
			"%s: the answer is longer than the %d bytes that are taken", h->place,
			BODY_LIMIT);
	/* An answer that came before all was sent counts, even if the connection broke then. */
	if (!h->result || (broke && h->response->status >= 400))
		return 0;
	return error_set(e, ERR_IO, "%s: %s", h->place, why);
}

int http_write(struct http *h, const void *bytes, size_t len, bool *answered, struct error *e)
{
	int rc = 0;

	h->bytes = bytes;
	h->left = len;
	/* The time in which there was nothing to send does not count. */
	moved_now(h, h->moved);
	while (!rc && h->running && h->left) {
		if (h->paused) {
			h->paused = false;
			curl_easy_pause(h->easy, CURLPAUSE_CONT);
		}
		rc = turn(h, e);
	}
	h->bytes = NULL;
	h->left = 0;
	*answered = !h->running;
	if (!rc && !h->running)
		rc = result_of(h, e);
	return rc;
}

int http_end(struct http *h, struct error *e)
{
	int rc = 0;

	while (!rc && h->running) {
		rc = turn(h, e);
		if (!rc && h->running && h->paused)
			rc = error_set(e, ERR_RANGE, "%s: %llu bytes instead of the announced %llu",
				h->place, (unsigned long long)h->sent,
				(unsigned long long)h->total);
	}
	if (!rc)
		rc = result_of(h, e);
	http_abort(h);
	return rc;
}

int http_call(
	struct http *h, const struct http_request *r, struct http_response *out, struct error *e)
{
	int rc = http_begin(h, r, out, e);

	if (!rc)
		rc = http_end(h, e);
	else
		http_abort(h);
	return rc;
}

uint64_t http_sent(const struct http *h)
{
	return h->sent;
}

bool http_never_connected(const struct http *h)
{
	return h->result == CURLE_COULDNT_CONNECT || h->result == CURLE_COULDNT_RESOLVE_HOST;
}

int http_header(const struct http_response *r, const char *name, char **out, struct error *e)
{
	const char *line = buffer_text(&r->headers);
	size_t len = strlen(name);

	*out = NULL;
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = line + len + 1;

		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		value += strspn(value, " \t");
		*out = strndup(value, strcspn(value, "\r\n"));
		return *out ? 0 : error_nomem(e, "a header");
	}
	return 0;
}

void http_response_free(struct http_response *r)
{
	secret_buffer_free(&r->headers);
	secret_buffer_free(&r->body);
}
