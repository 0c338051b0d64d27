/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the guest starts, before the build and after. */
#include <string.h>

#include "base/report.h"
#include "job/report_html_private.h"

static bool has_name(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(names, i, one)
	{
		if (name && !strcmp(json_string_value(one), name))
			return true;
	}
	return false;
}

bool report_asked(const json_t *plan, const char *name, const json_t *readiness)
{
	const json_t *targets = json_object_get(plan, "targets");

	return has_name(targets, name) || has_name(targets, report_text(readiness, "family"));
}

static void verdict(struct html *h, const json_t *readiness)
{
	if (json_is_true(json_object_get(readiness, "ready")))
		html_markup(h, "<span class=\"tag good\">\xe2\x9c\x93 ready</span>");
	else if (json_is_true(json_object_get(readiness, "fixable")))
		html_markup(h, "<span class=\"tag warning\">\xe2\x97\x8b can be made ready</span>");
	else
		html_markup(h, "<span class=\"tag error\">\xe2\x9c\x97 not ready</span>");
}

static void target_row(
	struct html *h, const struct report_html *r, const char *name, const json_t *after)
{
	const char *evidence = report_text(after, "evidence");

	html_put(h, "<tr><th scope=\"row\">% <code>%</code>", report_text(after, "title"), name);
	if (report_asked(r->plan, name, after))
		html_markup(h, " <span class=\"chip\">asked for</span>");
	html_markup(h, "</th><td data-k=\"Before\">");
	verdict(h, json_object_get(json_object_get(r->state, "before"), name));
	html_markup(h, "</td><td data-k=\"After\">");
	verdict(h, after);
	html_markup(h, "</td><td data-k=\"Evidence\">");
	html_markup(
		h, evidence && !strcmp(evidence, "tested") ? "such a guest was run" : "inferred");
	html_markup(h, "</td></tr>\n");
}

/* The same finding of several targets is one, with their names: [{"finding","targets"}]. */
static int finding_merge(json_t *all, const json_t *finding, const char *target)
{
	json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry)
	{
		if (json_equal(json_object_get(entry, "finding"), finding))
			return json_array_append_new(
				json_object_get(entry, "targets"), json_string(target));
	}
	if (json_array_size(all) > REPORT_ROWS)
		return 0;
	return json_array_append_new(
		all, json_pack("{s:O, s:[s]}", "finding", finding, "targets", target));
}

static json_t *findings_merged(json_t *readiness)
{
	json_t *all = json_array(), *one, *finding;
	const char *name;
	int failed = !all;
	size_t i;

	json_object_foreach(readiness, name, one)
	{
		json_array_foreach(json_object_get(one, "findings"), i, finding)
		{
			failed |= finding_merge(all, finding, name);
		}
	}
	if (failed) {
		json_decref(all);
		return NULL;
	}
	return all;
}

static void findings_write(struct html *h, const json_t *all, enum severity severity)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry)
	{
		const json_t *finding = json_object_get(entry, "finding");
		const char *its = report_text(finding, "severity");

		if (its && !strcmp(its, severity_name(severity)))
			report_finding(h, finding, json_object_get(entry, "targets"));
	}
}

static void findings_list(
	struct html *h, const struct report_html *r, const char *when, const char *head)
{
	static const enum severity worst_first[] = { SEVERITY_ERROR, SEVERITY_WARNING,
		SEVERITY_INFO };
	json_t *all = findings_merged(json_object_get(r->state, when));

	if (!all && !h->rc)
		h->rc = error_nomem(h->e, "a report");
	if (json_array_size(all)) {
		html_markup(h, head);
		html_markup(h, "<ul class=\"findings\">\n");
	}
	for (size_t i = 0; i < sizeof(worst_first) / sizeof(*worst_first); i++)
		findings_write(h, all, worst_first[i]);
	if (json_array_size(all))
		html_markup(h, "</ul>\n</details>\n");
	json_decref(all);
}

void report_readiness(struct html *h, const struct report_html *r)
{
	json_t *after = json_object_get(r->state, "after"), *one;
	const char *name;

	html_markup(h, "<section>\n<h2>Readiness</h2>\n");
	if (!json_is_string(json_object_get(r->state, "guest")))
		html_markup(h, "<p>No guest that hvimg knows is on the disk.</p>\n");
	html_markup(h,
		"<table class=\"stack\">\n<thead><tr><th scope=\"col\">Target</th>"
		"<th scope=\"col\">Before</th><th scope=\"col\">After</th>"
		"<th scope=\"col\">Evidence</th></tr></thead>\n<tbody>\n");
	json_object_foreach(after, name, one)
	{
		target_row(h, r, name, one);
	}
	html_markup(h, "</tbody>\n</table>\n");
	findings_list(
		h, r, "after", "<details open=\"\">\n<summary>Found after the build</summary>\n");
	findings_list(h, r, "before", "<details>\n<summary>Found before it</summary>\n");
	html_markup(h, "</section>\n");
}
