/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sections of the page have in common. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job/report_html_private.h"

const char *report_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Digits in groups of three. */
static void grouped(uint64_t n, char out[REPORT_NUMBER])
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *p = out;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = 0;
}

void report_size(uint64_t bytes, char out[REPORT_NUMBER])
{
	char text[SIZE_TEXT], exact[REPORT_NUMBER];

	size_text(bytes, text);
	grouped(bytes, exact);
	if (bytes < 1024)
		snprintf(out, REPORT_NUMBER, "%s", text);
	else
		snprintf(out, REPORT_NUMBER, "%s (%.30s bytes)", text, exact);
}

void report_row(struct html *h, const char *term, const char *text)
{
	if (text && *text)
		html_put(h, "<div><dt>%</dt><dd>%</dd></div>\n", term, text);
}

void report_row_code(struct html *h, const char *term, const char *text)
{
	if (text && *text)
		html_put(h, "<div><dt>%</dt><dd><code>%</code></dd></div>\n", term, text);
}

void report_row_size(struct html *h, const char *term, const json_t *bytes)
{
	char text[REPORT_NUMBER];

	if (!json_is_integer(bytes))
		return;
	report_size((uint64_t)json_integer_value(bytes), text);
	report_row(h, term, text);
}

void report_words(struct html *h, const json_t *array)
{
	const json_t *word;
	size_t i;

	json_array_foreach(array, i, word)
	{
		html_put(h, i ? " <code>%</code>" : "<code>%</code>", json_string_value(word));
	}
}

void report_finding(struct html *h, const json_t *finding, const json_t *targets)
{
	const char *severity = report_text(finding, "severity");
	const char *path = report_text(finding, "path"), *fix = report_text(finding, "fix");

	html_put(h, "<li><p><span class=\"tag %\">%</span> <code>%</code> %", severity, severity,
		report_text(finding, "code"), report_text(finding, "text"));
	if (path)
		html_put(h, " <code>%</code>", path);
	html_markup(h, "</p>");
	if (fix)
		html_put(h, "<p class=\"fix\">To do: %</p>", fix);
	if (json_array_size(targets)) {
		html_markup(h, "<p class=\"fix\">For ");
		report_words(h, targets);
		html_markup(h, "</p>");
	}
	html_markup(h, "</li>\n");
}

void report_more(struct html *h, size_t count, const char *file)
{
	char number[REPORT_NUMBER];

	if (count <= REPORT_ROWS)
		return;
	grouped(count - REPORT_ROWS, number);
	if (file)
		html_put(h, "<p class=\"more\">and % more, in <code>%</code></p>\n", number, file);
	else
		html_put(h, "<p class=\"more\">and % more</p>\n", number);
}
