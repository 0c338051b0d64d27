/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request at a time through libcurl's multi interface, so that whoever has the bytes of a body
 * can hand them in, and be asked to stop in between. */
#include "cloud/http_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "cloud/secret.h"

enum {
	BODY_LIMIT = 4 << 20,
	HEADER_LIMIT = 256 << 10,
	POLL_MS = 200,
	STALL_SECONDS = 300,
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
	rc = http_place_take(h, r->url, &local, e);
	if (!rc)
		rc = http_headers_make(h, r, e);
	if (rc)
		return rc;
	http_connection_set(h, local);
	http_body_set(h, r);
	curl_easy_setopt(h->easy, CURLOPT_READFUNCTION, take_bytes);
	curl_easy_setopt(h->easy, CURLOPT_READDATA, h);
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
	http_headers_free(h);
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
