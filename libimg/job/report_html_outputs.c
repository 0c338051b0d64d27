/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The images that were made, and what Glance is told of each. */
#include <stdio.h>
#include <string.h>

#include "job/report_html_private.h"

static bool is_own(const char *key)
{
	static const char *const own[] = { "name", "disk_format", "container_format", "min_disk",
		"min_ram", "visibility", "protected", "tags" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(key, own[i]))
			return true;
	return false;
}

static void value_write(struct html *h, const json_t *value)
{
	char number[REPORT_NUMBER];

	if (json_is_string(value)) {
		html_text(h, json_string_value(value));
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		html_text(h, number);
	} else if (json_is_array(value)) {
		report_words(h, value);
	} else {
		html_markup(h, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "");
	}
}

/* Glance's own attributes, or the properties. */
static void properties_write(struct html *h, json_t *body, bool own)
{
	const char *key;
	json_t *value;

	html_markup(h, "<table class=\"pairs\">\n<tbody>\n");
	json_object_foreach(body, key, value)
	{
		if (is_own(key) != own)
			continue;
		html_put(h, "<tr><th scope=\"row\"><code>%</code></th><td>", key);
		value_write(h, value);
		html_markup(h, "</td></tr>\n");
	}
	html_markup(h, "</tbody>\n</table>\n");
}

static void description_write(struct html *h, const struct report_html *r, const json_t *entry)
{
	const char *file = report_text(entry, "file"), *target = report_text(entry, "target");
	json_t *body = json_object_get(json_object_get(r->state, "descriptions"), file ? file : "");

	html_put(h, "<h4>As Glance is told in <code>%</code>", file);
	if (target)
		html_put(h, " <span class=\"chip\">for %</span>", target);
	html_markup(h, "</h4>\n<div class=\"sides\">\n");
	properties_write(h, body, true);
	properties_write(h, body, false);
	html_markup(h, "</div>\n");
}

/* How much of the disk's size the file takes. */
static void size_bar(struct html *h, const json_t *output)
{
	json_int_t file = json_integer_value(json_object_get(output, "file_size"));
	json_int_t disk = json_integer_value(json_object_get(output, "virtual_size"));
	double share = disk > 0 ? (double)file / (double)disk : 0;
	char width[REPORT_NUMBER], percent[REPORT_NUMBER];

	snprintf(width, sizeof(width), "%d", share > 1 ? 1000 : (int)(share * 1000));
	snprintf(percent, sizeof(percent), "%d", (int)(share * 100 + 0.5));
	html_put(h,
		"<svg class=\"bar\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" "
		"role=\"img\"><title>The file is % percent of the disk's size</title>"
		"<rect class=\"h\" width=\"1000\" height=\"12\"/>"
		"<rect class=\"d\" width=\"%\" height=\"12\"/></svg>\n",
		percent, width);
}

static void output_write(struct html *h, const struct report_html *r, const json_t *output)
{
	const json_t *entry, *list = json_object_get(output, "descriptions");
	const char *profile = report_text(output, "profile");
	size_t i;

	html_put(h, "<article>\n<h3>% <span class=\"chip\">%</span>", report_text(output, "file"),
		report_text(output, "format"));
	if (profile)
		html_put(h, " <span class=\"chip\">for %</span>", profile);
	if (json_is_true(json_object_get(output, "compress")))
		html_markup(h, " <span class=\"chip\">compressed</span>");
	html_markup(h, "</h3>\n");
	size_bar(h, output);
	html_markup(h, "<dl>\n");
	report_row_size(h, "File", json_object_get(output, "file_size"));
	report_row_size(h, "Disk", json_object_get(output, "virtual_size"));
	report_row_code(h, "sha256", report_text(output, "sha256"));
	if (json_array_size(json_object_get(output, "options"))) {
		html_markup(h, "<div><dt>Options</dt><dd>");
		report_words(h, json_object_get(output, "options"));
		html_markup(h, "</dd></div>\n");
	}
	html_markup(h, "</dl>\n");
	json_array_foreach(list, i, entry)
	{
		description_write(h, r, entry);
	}
	html_markup(h, "</article>\n");
}

void report_outputs(struct html *h, const struct report_html *r)
{
	const json_t *outputs = json_object_get(r->plan, "outputs"), *output;
	size_t i;

	html_markup(h, "<section>\n<h2>Images</h2>\n");
	json_array_foreach(outputs, i, output)
	{
		output_write(h, r, output);
	}
	html_markup(h, "</section>\n");
}
