/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/report.h"

#include <stdlib.h>
#include <string.h>

static bool copy_text(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return *out || !text;
}

static void finding_free(struct finding *f)
{
	free(f->code);
	free(f->text);
	free(f->fix);
	free(f->path);
}

int report_add(struct report *r, const struct finding *f, struct error *e)
{
	struct finding copy = *f;
	bool whole;

	if (r->count == r->capacity) {
		size_t grown = r->capacity ? r->capacity * 2 : 8;
		struct finding *finding = reallocarray(r->finding, grown, sizeof(*finding));

		if (!finding)
			return error_nomem(e, "a finding");
		r->finding = finding;
		r->capacity = grown;
	}
	whole = copy_text(&copy.code, f->code);
	whole = copy_text(&copy.text, f->text) && whole;
	whole = copy_text(&copy.fix, f->fix) && whole;
	whole = copy_text(&copy.path, f->path) && whole;
	if (!whole) {
		finding_free(&copy);
		return error_nomem(e, "a finding");
	}
	r->finding[r->count++] = copy;
	return 0;
}

size_t report_count(const struct report *r, enum severity least)
{
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++)
		count += r->finding[i].severity >= least;
	return count;
}

const char *severity_name(enum severity s)
{
	switch (s) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	}
	return "error";
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		finding_free(&r->finding[i]);
	free(r->finding);
	*r = (struct report){ 0 };
}
