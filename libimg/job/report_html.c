/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page as a whole, and what it says of the recipe. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "job/report_html_private.h"

/* The style may be applied because the policy knows its digest (CSP 3, 2.3.1). */
static void head_write(struct html *h, const struct report_html *r)
{
	const char *title = report_text(r->plan, "title");
	unsigned char digest[SHA256_DIGEST_LENGTH];
	unsigned char text[2 * SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)r->style, strlen(r->style), digest);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	html_put(h,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'sha256-%'; base-uri 'none'; form-action 'none'\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>%: build "
		"report</title>\n"
		"<style>",
		(const char *)text, title);
	html_markup(h, r->style);
	html_markup(h, "</style>\n</head>\n");
}

static void tile(struct html *h, const char *value, const char *label)
{
	html_put(h, "<li><b>%</b> %</li>\n", value, label);
}

static void tile_count(struct html *h, size_t count, const char *one, const char *several)
{
	char number[REPORT_NUMBER];

	snprintf(number, sizeof(number), "%zu", count);
	tile(h, number, count == 1 ? one : several);
}

static void tile_ready(struct html *h, const struct report_html *r)
{
	const json_t *after = json_object_get(r->state, "after");
	size_t asked = 0, ready = 0;
	char text[REPORT_NUMBER];
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)(uintptr_t)after, name, one)
	{
		bool counts = report_asked(r->plan, name, one);

		asked += counts;
		ready += counts && json_is_true(json_object_get(one, "ready"));
	}
	snprintf(text, sizeof(text), "%zu of %zu", ready, asked);
	if (asked)
		tile(h, text, "targets ready");
}

static size_t edit_count(const json_t *edits)
{
	return json_array_size(json_object_get(edits, "edits")) +
		json_array_size(json_object_get(edits, "registry"));
}

static void banner_write(struct html *h, const struct report_html *r)
{
	const char *tested = report_text(r->plan, "tested");

	html_put(h,
		"<body>\n<header>\n<p class=\"kind\">Build report</p>\n<h1>%</h1>\n"
		"<p class=\"sub\">Recipe <code>%</code>, ",
		report_text(r->plan, "title"), report_text(r->plan, "recipe"));
	html_markup(h,
		tested && !strcmp(tested, "boot") ? "tried by starting what it makes"
						  : "tried by its plan, not by a start");
	html_markup(h, "</p>\n<ul class=\"tiles\">\n");
	tile_count(h, json_array_size(json_object_get(r->plan, "outputs")), "image", "images");
	tile_ready(h, r);
	tile_count(h, edit_count(r->edits), "edit of the guest", "edits of the guest");
	tile_count(h, json_array_size(json_object_get(r->state, "notes")), "note", "notes");
	html_markup(h, "</ul>\n</header>\n<main>\n");
}

static void source_write(struct html *h, const struct report_html *r)
{
	const json_t *source = json_object_get(r->plan, "source");

	html_markup(h, "<section>\n<h2>Source</h2>\n<dl>\n");
	report_row(h, "Kind", report_text(source, "kind"));
	report_row_code(h, "Location", report_text(source, "location"));
	report_row(h, "Format", report_text(source, "format"));
	report_row_code(h, "sha256", report_text(source, "sha256"));
	report_row_code(h, "sha512", report_text(source, "sha512"));
	report_row(h, "Suite", report_text(source, "suite"));
	report_row_code(h, "Mirror", report_text(source, "mirror"));
	report_row(h, "Guest", report_text(r->state, "guest"));
	report_row(h, "Architecture", report_text(r->state, "architecture"));
	if (json_array_size(json_object_get(source, "packages"))) {
		html_markup(h, "<div><dt>Packages</dt><dd>");
		report_words(h, json_object_get(source, "packages"));
		html_markup(h, "</dd></div>\n");
	}
	html_markup(h, "</dl>\n</section>\n");
}

static void parameters_write(struct html *h, const json_t *plan)
{
	json_t *parameters = json_object_get(plan, "parameters"), *value;
	const char *name;

	if (!json_object_size(parameters))
		return;
	html_markup(h, "<h3>Parameters</h3>\n<dl>\n");
	json_object_foreach(parameters, name, value)
	{
		html_put(h, "<div><dt><code>%</code></dt><dd>", name);
		if (!json_is_string(value))
			html_markup(h, "<i>secret, not shown</i>");
		else if (!*json_string_value(value))
			html_markup(h, "<i>empty</i>");
		else
			html_put(h, "<code>%</code>", json_string_value(value));
		html_markup(h, "</dd></div>\n");
	}
	html_markup(h, "</dl>\n");
}

static void step_write(struct html *h, const json_t *step)
{
	static const struct {
		const char *key, *before;
	} part[] = { { "name", "" }, { "path", "" }, { "target", "to " }, { "from", "from " },
		{ "mode", "mode " }, { "owner", "owner " }, { "group", "group " } };

	html_put(h, "<li><b>%</b>", report_text(step, "do"));
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		const char *text = report_text(step, part[i].key);

		if (text)
			html_put(h, " <span>%<code>%</code></span>", part[i].before, text);
	}
	if (json_is_array(json_object_get(step, "list"))) {
		html_markup(h, " ");
		report_words(h, json_object_get(step, "list"));
	}
	html_markup(h, "</li>\n");
}

static void steps_write(struct html *h, const json_t *plan)
{
	const json_t *steps = json_object_get(plan, "steps"), *step;
	size_t i, count = json_array_size(steps);

	if (!count)
		return;
	html_markup(h, "<h3>Steps</h3>\n<ol class=\"steps\">\n");
	json_array_foreach(steps, i, step)
	{
		if (i < REPORT_ROWS)
			step_write(h, step);
	}
	html_markup(h, "</ol>\n");
	report_more(h, count, "plan.json");
}

static void names_row(struct html *h, const char *term, const json_t *names)
{
	if (!json_array_size(names))
		return;
	html_put(h, "<div><dt>%</dt><dd>", term);
	report_words(h, names);
	html_markup(h, "</dd></div>\n");
}

static void windows_rows(struct html *h, json_t *windows)
{
	const char *key;
	json_t *value;

	json_object_foreach(windows, key, value)
	{
		char term[REPORT_NUMBER];

		snprintf(term, sizeof(term), "Windows: %s", key);
		if (json_is_true(value))
			report_row(h, term, "yes");
		else
			report_row_code(h, term, json_string_value(value));
	}
}

static void bundle_rows(struct html *h, const json_t *bundle)
{
	const char *pack = report_text(bundle, "compress");

	report_row(h, "Bundle", report_text(bundle, "kind"));
	if (pack && strcmp(pack, "none") != 0)
		report_row(h, "Bundle packed with", pack);
	report_row(h, "Image name", report_text(bundle, "name"));
}

static void upload_rows(struct html *h, const json_t *upload)
{
	const json_t *keep = json_object_get(upload, "keep_versions");
	char number[REPORT_NUMBER];

	if (!json_is_object(upload))
		return;
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(keep));
	report_row(h, "Upload by", report_text(upload, "method"));
	report_row(h, "Cloud", report_text(upload, "cloud"));
	report_row(h, "Visibility", report_text(upload, "visibility"));
	if (json_is_true(json_object_get(upload, "rotate")))
		report_row(h, "Older versions kept", number);
}

static void recipe_write(struct html *h, const struct report_html *r)
{
	html_markup(h, "<section>\n<h2>Recipe</h2>\n<dl>\n");
	names_row(h, "Targets", json_object_get(r->plan, "targets"));
	names_row(h, "Drivers", json_object_get(r->plan, "drivers"));
	names_row(h, "Sealed", json_object_get(r->plan, "seal"));
	windows_rows(h, json_object_get(r->plan, "windows"));
	bundle_rows(h, json_object_get(r->plan, "bundle"));
	upload_rows(h, json_object_get(r->plan, "upload"));
	html_markup(h, "</dl>\n");
	parameters_write(h, r->plan);
	steps_write(h, r->plan);
	html_markup(h, "</section>\n");
}

static void notes_write(struct html *h, const struct report_html *r)
{
	const json_t *notes = json_object_get(r->state, "notes"), *note;
	size_t i, count = json_array_size(notes);

	if (!count)
		return;
	html_markup(h, "<section>\n<h2>Notes</h2>\n<ul class=\"findings\">\n");
	json_array_foreach(notes, i, note)
	{
		if (i < REPORT_ROWS)
			report_finding(h, note, NULL);
	}
	html_markup(h, "</ul>\n");
	report_more(h, count, NULL);
	html_markup(h, "</section>\n");
}

int report_html_write(const struct report_html *r, struct buffer *out, struct error *e)
{
	struct html h = { .out = out, .e = e };

	if (strcasestr(r->style, "</style"))
		return error_set(e, ERR_UNSUPPORTED, "the style of the report has </style in it");
	head_write(&h, r);
	banner_write(&h, r);
	report_readiness(&h, r);
	report_outputs(&h, r);
	source_write(&h, r);
	report_disk(&h, r);
	report_edits(&h, r);
	recipe_write(&h, r);
	notes_write(&h, r);
	html_markup(&h,
		"</main>\n<footer><p>Made by hvimg. <code>plan.json</code> and "
		"<code>edits.json</code> "
		"beside this page say the same to programs; <code>SHA512SUMS</code> has the digest "
		"of "
		"every file.</p></footer>\n</body>\n</html>\n");
	return h.rc;
}
