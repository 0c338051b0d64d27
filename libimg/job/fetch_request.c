/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request for a file or the rest of it, and what the answer means. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/http_download.h"
#include "job/fetch_private.h"

#define SIZE_LIMIT (UINT64_C(1) << 46) /* 64 TiB, the largest disk there is */

const char *fetch_number_read(const char *text, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9' || strspn(text, "0123456789") > 18)
		return NULL;
	*out = strtoull(text, &end, 10);
	return end;
}

/* "bytes FIRST-LAST/TOTAL" (RFC 9110, 14.4). */
static bool range_read(const char *text, uint64_t *first, uint64_t *last, uint64_t *total)
{
	if (!text || strncmp(text, "bytes ", 6) != 0)
		return false;
	text = fetch_number_read(text + 6, first);
	if (!text || *text != '-')
		return false;
	text = fetch_number_read(text + 1, last);
	if (!text || *text != '/')
		return false;
	text = fetch_number_read(text + 1, total);
	return text && !*text && *first <= *last && *last < *total;
}

static int size_check(uint64_t size, struct error *e)
{
	return size > SIZE_LIMIT
		? error_set(e, ERR_RANGE,
			  "%" PRIu64 " bytes are more than the %" PRIu64 " that are taken", size,
			  SIZE_LIMIT)
		: 0;
}

static int begin_all(struct fetch_request *r, const struct http_response *head, struct error *e)
{
	struct fetching *f = r->f;
	uint64_t total = 0;
	char *text = NULL;
	int rc = http_header(head, "Content-Length", &text, e);

	if (!rc && text && !fetch_number_read(text, &total))
		rc = error_set(e, ERR_CORRUPT, "the answer's Content-Length is no number");
	free(text);
	if (!rc)
		rc = size_check(total, e);
	if (!rc)
		rc = fetch_part_restart(f, e);
	if (!rc)
		rc = fetch_note_take(&f->note, head, total, e);
	if (!rc)
		rc = fetch_part_room(f, total, e);
	return rc ? rc
		  : fetch_note_write(
			    buffer_text(&f->names.part_note), buffer_text(&f->shown), &f->note, e);
}

/* A server that does not know If-Range may go on with another file. */
static bool is_other_version(const struct fetching *f, const struct http_response *head)
{
	char *etag = NULL;
	bool other;

	if (http_header(head, "ETag", &etag, NULL))
		return true;
	other = etag && f->note.etag && strcmp(etag, f->note.etag) != 0;
	free(etag);
	return other;
}

static int begin_rest(struct fetch_request *r, const struct http_response *head, struct error *e)
{
	struct fetching *f = r->f;
	uint64_t first, last, total = 0;
	char *text = NULL;
	int rc = http_header(head, "Content-Range", &text, e);

	if (rc)
		return rc;
	r->misfit = !r->offset || !range_read(text, &first, &last, &total) || first != r->offset ||
		(f->note.total && f->note.total != total) || is_other_version(f, head);
	free(text);
	if (r->misfit)
		return error_set(e, ERR_CORRUPT,
			"the server sends another part than bytes %" PRIu64 " to the end",
			r->offset);
	f->note.total = total;
	rc = size_check(total, e);
	return rc ? rc : fetch_part_room(f, total, e);
}

static int begin(void *arg, const struct http_response *head, struct error *e)
{
	struct fetch_request *r = arg;
	int rc = head->status == 206 ? begin_rest(r, head, e) : begin_all(r, head, e);

	return rc ? error_prefix(e, "%s", buffer_text(&r->f->shown)) : 0;
}

static int take(void *arg, const void *bytes, size_t len, struct error *e)
{
	struct fetching *f = ((struct fetch_request *)arg)->f;
	int rc = size_check(f->part.have + len, e);

	if (!rc && f->note.total && f->part.have + len > f->note.total)
		rc = error_set(e, ERR_CORRUPT,
			"the server sends more than the %" PRIu64 " bytes that it told of",
			f->note.total);
	if (!rc)
		rc = fetch_part_append(f, bytes, len, e);
	if (rc)
		return error_prefix(e, "%s", buffer_text(&f->shown));
	return fetch_progress(f, f->part.have, f->note.total, e);
}

static int header_add(struct strings *list, const char *name, const char *value, struct error *e)
{
	struct buffer line = { 0 };
	int rc = value ? buffer_format(&line, e, "%s: %s", name, value) : 0;

	if (!rc && value)
		rc = strings_add(list, buffer_text(&line), e);
	buffer_free(&line);
	return rc;
}

static int headers_make(const struct fetch_request *r, struct strings *list, struct error *e)
{
	const struct fetching *f = r->f;
	char range[40];
	int rc;

	if (r->offset) {
		snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", r->offset);
		rc = header_add(list, "Range", range, e);
		return rc ? rc : header_add(list, "If-Range", f->note.validator, e);
	}
	if (!f->usable)
		return 0;
	rc = header_add(list, "If-None-Match", f->cached.etag, e);
	return rc ? rc : header_add(list, "If-Modified-Since", f->cached.modified, e);
}

static bool is_passing(long status)
{
	return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/* An answer other than the content. */
static enum fetch_ending answer_judge(const struct fetch_request *r, struct error *e)
{
	const long status = r->answer.status;
	enum error_code code = status == 404 || status == 410 ? ERR_NOTFOUND : ERR_IO;

	if (status == 304 && r->f->usable && !r->offset)
		return FETCH_CURRENT;
	http_download_refused(r->f->job->url, &r->answer, buffer_text(&r->f->shown), code, e);
	if (status == 416 && r->offset)
		return FETCH_MISFIT;
	return is_passing(status) ? FETCH_LATER : FETCH_FAILED;
}

static bool is_whole(const struct fetching *f)
{
	return f->note.total && f->part.have == f->note.total;
}

enum fetch_ending fetch_request_run(struct fetch_request *r, bool *answered, struct error *e)
{
	struct fetching *f = r->f;
	struct strings headers = { 0 };
	const struct http_download d = {
		.url = f->job->url, .headers = &headers, .begin = begin, .take = take, .arg = r
	};
	bool lost = false;
	int rc = headers_make(r, &headers, e);

	f->continued |= r->offset != 0;
	if (!rc)
		rc = http_download(r->h, &d, &r->answer, &lost, e);
	strings_free(&headers);
	if (lost && is_whole(f))
		return FETCH_WHOLE;
	/* Where nobody ever was, nobody will be in a second. */
	if (lost && http_never_connected(r->h) && !*answered)
		return FETCH_FAILED;
	*answered = true;
	if (rc)
		return r->misfit ? FETCH_MISFIT : lost ? FETCH_LATER : FETCH_FAILED;
	if (r->answer.status != 200 && r->answer.status != 206)
		return answer_judge(r, e);
	if (is_whole(f) || !f->note.total)
		return FETCH_WHOLE;
	error_set(e, ERR_IO, "%s: only %" PRIu64 " of %" PRIu64 " bytes came",
		buffer_text(&f->shown), f->part.have, f->note.total);
	return FETCH_LATER;
}
