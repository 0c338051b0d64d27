/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept beside a download: which version of the file it is. */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/file.h"
#include "disk/output.h"
#include "job/fetch_private.h"
#include "job/manifest.h"

enum { NOTE_LIMIT = 64 << 10, HEADER_MAX = 4096 };

/* The host's present start; "" when it has no name. */
static void boot_name(struct buffer *out)
{
	if (file_read("/proc/sys/kernel/random/boot_id", HEADER_MAX, out, NULL))
		out->len = 0;
	while (out->len && out->data[out->len - 1] <= ' ')
		out->data[--out->len] = 0;
}

/* As JSON wants it, and short. */
static int header_take(
	const struct http_response *head, const char *name, char **out, struct error *e)
{
	json_t *text;
	int rc = http_header(head, name, out, e);

	if (rc || !*out)
		return rc;
	text = strlen(*out) < HEADER_MAX ? json_string(*out) : NULL;
	if (!text) {
		free(*out);
		*out = NULL;
	}
	json_decref(text);
	return 0;
}

/*
 * RFC 9110, 8.8.2.2: a file that was changed in the second of the answer may be changed once more
 * in it, and a time within it says nothing.
 */
static bool time_is_strong(const struct http_response *head, const char *modified)
{
	char *date = NULL;
	time_t now, then = curl_getdate(modified, NULL);
	int rc = http_header(head, "Date", &date, NULL);

	now = !rc && date ? curl_getdate(date, NULL) : -1;
	free(date);
	return then != -1 && now != -1 && then < now;
}

int fetch_note_take(
	struct fetch_note *n, const struct http_response *head, uint64_t total, struct error *e)
{
	struct buffer boot = { 0 };
	const char *strong = NULL;
	int rc;

	fetch_note_free(n);
	n->total = total;
	rc = header_take(head, "ETag", &n->etag, e);
	if (!rc)
		rc = header_take(head, "Last-Modified", &n->modified, e);
	if (rc)
		return rc;
	boot_name(&boot);
	n->boot = (char *)boot.data;
	/* RFC 9110, 13.1.5: a weak one will not do. */
	if (n->etag && *n->etag == '"')
		strong = n->etag;
	else if (!n->etag && n->modified && time_is_strong(head, n->modified))
		strong = n->modified;
	n->validator = strong ? strdup(strong) : NULL;
	return strong && !n->validator ? error_nomem(e, "a header") : 0;
}

static int text_take(const json_t *o, const char *key, char **out, struct error *e)
{
	const char *text = json_string_value(json_object_get(o, key));

	*out = text ? strdup(text) : NULL;
	return text && !*out ? error_nomem(e, "a note") : 0;
}

int fetch_note_read(const char *path, struct fetch_note *out, struct error *e)
{
	struct buffer text = { 0 };
	json_int_t total;
	json_t *o;
	int rc;

	*out = (struct fetch_note){ 0 };
	if (file_read(path, NOTE_LIMIT, &text, NULL))
		text.len = 0;
	o = json_loadb((const char *)text.data, text.len, 0, NULL);
	buffer_free(&text);
	rc = text_take(o, "etag", &out->etag, e);
	if (!rc)
		rc = text_take(o, "last_modified", &out->modified, e);
	if (!rc)
		rc = text_take(o, "validator", &out->validator, e);
	if (!rc)
		rc = text_take(o, "sha256", &out->sha256, e);
	if (!rc)
		rc = text_take(o, "boot", &out->boot, e);
	total = json_integer_value(json_object_get(o, "total"));
	out->total = total > 0 ? (uint64_t)total : 0;
	json_decref(o);
	return rc;
}

int fetch_note_write(
	const char *path, const char *address, const struct fetch_note *n, struct error *e)
{
	/* One that is lost costs a download, no more. */
	const struct output_options o = { .force = true, .no_sync = true };
	json_t *note = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "url", address, "etag",
		n->etag, "last_modified", n->modified, "validator", n->validator, "sha256",
		n->sha256, "boot", n->boot, "total", (json_int_t)n->total);
	struct buffer text = { 0 };
	int rc = note ? json_text(note, &text, e) : error_nomem(e, "a note");

	if (!rc)
		rc = output_file(path, text.data, text.len, &o, e);
	buffer_free(&text);
	json_decref(note);
	return rc;
}

void fetch_note_free(struct fetch_note *n)
{
	free(n->etag);
	free(n->modified);
	free(n->validator);
	free(n->sha256);
	free(n->boot);
	*n = (struct fetch_note){ 0 };
}

bool fetch_note_outlived(const struct fetch_note *n)
{
	struct buffer boot = { 0 };
	bool same;

	boot_name(&boot);
	same = n->boot && boot.len && !strcmp(n->boot, buffer_text(&boot));
	buffer_free(&boot);
	return !same;
}
