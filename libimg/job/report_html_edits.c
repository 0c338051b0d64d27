/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was changed in the guest, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "job/report_html_private.h"

enum { DATA_SHOWN = 120 };

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void action_cell(struct html *h, const json_t *edit)
{
	const char *action = report_text(edit, "action");

	html_put(h, "<td><span class=\"tag %\">%</span></td>", action, action);
}

/* The reason stands above all edits in a row that have it. */
static void why_row(struct html *h, const json_t *edit, const char **last)
{
	const char *why = report_text(edit, "why");

	if (why && !same_text(why, *last))
		html_put(h, "<tr class=\"why\"><th colspan=\"3\" scope=\"rowgroup\">%</th></tr>\n",
			why);
	*last = why;
}

/* "0644, 1.42 KiB", "folder 0755" */
static void file_state(const json_t *state, char out[REPORT_NUMBER])
{
	const char *text = report_text(state, "mode");
	unsigned long mode = text ? strtoul(text, NULL, 8) : 0;
	char size[SIZE_TEXT];

	size_text((uint64_t)json_integer_value(json_object_get(state, "size")), size);
	if (S_ISLNK(mode))
		snprintf(out, REPORT_NUMBER, "link");
	else if (S_ISDIR(mode))
		snprintf(out, REPORT_NUMBER, "folder %04lo", mode & 07777);
	else
		snprintf(out, REPORT_NUMBER, "%04lo, %s", mode & 07777, size);
}

static void file_change(struct html *h, const json_t *edit)
{
	const json_t *before = json_object_get(edit, "before");
	const json_t *after = json_object_get(edit, "after");
	char was[REPORT_NUMBER], is[REPORT_NUMBER];

	file_state(before, was);
	file_state(after, is);
	if (json_is_object(before) && json_is_object(after))
		html_put(h, "% \xe2\x86\x92 %", was, is);
	else
		html_text(h, json_is_object(after) ? is : was);
}

static void files_write(struct html *h, const json_t *edits)
{
	const json_t *edit;
	const char *why = NULL;
	size_t i;

	html_markup(h, "<h3>Files</h3>\n<table class=\"edits\">\n<tbody>\n");
	json_array_foreach(edits, i, edit)
	{
		if (i >= REPORT_ROWS)
			break;
		why_row(h, edit, &why);
		html_markup(h, "<tr>");
		action_cell(h, edit);
		html_put(h,
			"<td><span class=\"volume\">%</span> <code>%</code></td><td class=\"n\">",
			report_text(edit, "volume"), report_text(edit, "path"));
		file_change(h, edit);
		html_markup(h, "</td></tr>\n");
	}
	html_markup(h, "</tbody>\n</table>\n");
	report_more(h, json_array_size(edits), "edits.json");
}

/* Between two characters; whether anything is gone. */
static bool cut(char *text)
{
	size_t len = DATA_SHOWN;

	if (strlen(text) <= len)
		return false;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	text[len] = 0;
	return true;
}

/* As much of a value as fits. */
static void value_write(struct html *h, const json_t *state)
{
	const json_t *data = json_object_get(state, "data");
	char *text;

	if (!data)
		data = json_object_get(state, "hex");
	if (!data) {
		html_markup(h, "none");
		return;
	}
	text = json_is_string(data) ? strdup(json_string_value(data))
				    : json_dumps(data, JSON_ENCODE_ANY);
	if (!text) {
		if (!h->rc)
			h->rc = error_nomem(h->e, "a report");
		return;
	}
	html_put(h, cut(text) ? "<code>%\xe2\x80\xa6</code>" : "<code>%</code>", text);
	free(text);
}

static void registry_row(struct html *h, const json_t *edit)
{
	const char *value = report_text(edit, "value");

	html_markup(h, "<tr>");
	action_cell(h, edit);
	html_put(h, "<td><span class=\"volume\">%</span> <code>%</code>", report_text(edit, "hive"),
		report_text(edit, "key"));
	if (value)
		html_put(h, " <b>%</b>", *value ? value : "(default)");
	html_markup(h, "</td><td>");
	if (value) {
		value_write(h, json_object_get(edit, "before"));
		html_markup(h, " \xe2\x86\x92 ");
		value_write(h, json_object_get(edit, "after"));
	}
	html_markup(h, "</td></tr>\n");
}

static void registry_write(struct html *h, const json_t *edits)
{
	const json_t *edit;
	const char *why = NULL;
	size_t i;

	html_markup(h, "<h3>Registry</h3>\n<table class=\"edits\">\n<tbody>\n");
	json_array_foreach(edits, i, edit)
	{
		if (i >= REPORT_ROWS)
			break;
		why_row(h, edit, &why);
		registry_row(h, edit);
	}
	html_markup(h, "</tbody>\n</table>\n");
	report_more(h, json_array_size(edits), "edits.json");
}

void report_edits(struct html *h, const struct report_html *r)
{
	const json_t *files = json_object_get(r->edits, "edits");
	const json_t *registry = json_object_get(r->edits, "registry");

	html_markup(h, "<section>\n<h2>Edits</h2>\n");
	if (!json_array_size(files) && !json_array_size(registry))
		html_markup(h, "<p>Nothing was changed in the guest.</p>\n");
	if (json_array_size(files))
		files_write(h, files);
	if (json_array_size(registry))
		registry_write(h, registry);
	html_markup(h, "</section>\n");
}
