/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readiness for people: a line a target, then each finding once with the targets it is of. */
#include <string.h>

#include "tools/inspection.h"
#include "tools/text.h"

static const char *verdict(const struct readiness *r)
{
	return r->ready ? "ready" : r->fixable ? "not ready, hvimg inject mends it" : "not ready";
}

static void put_count(size_t count, const char *one, const char *many, const char **before)
{
	if (!count)
		return;
	printf("%s%zu %s", *before, count, count == 1 ? one : many);
	*before = ", ";
}

static void print_targets(const struct inspection *i)
{
	printf("\n%-14s %-33s %-9s %s\n", "target", "state", "evidence", "findings");
	for (size_t n = 0; n < i->readiness_count; n++) {
		const struct readiness *r = &i->readiness[n];
		size_t errors = report_count(&r->findings, SEVERITY_ERROR);
		size_t warnings = report_count(&r->findings, SEVERITY_WARNING) - errors;
		const char *before = "";

		printf("  %-12s %-33s %-9s ", r->target->name, verdict(r), r->evidence);
		put_count(errors, "error", "errors", &before);
		put_count(warnings, "warning", "warnings", &before);
		put_count(r->findings.count - errors - warnings, "note", "notes", &before);
		puts(*before ? "" : "none");
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_finding(const struct finding *a, const struct finding *b)
{
	return a->severity == b->severity && !strcmp(a->code, b->code) &&
		!strcmp(a->text, b->text) && same_text(a->path, b->path) &&
		same_text(a->fix, b->fix);
}

static bool has_finding(const struct readiness *r, const struct finding *f)
{
	for (size_t i = 0; i < r->findings.count; i++)
		if (same_finding(&r->findings.finding[i], f))
			return true;
	return false;
}

/* "(every target)" or those that have it. */
static void put_targets(const struct inspection *i, const struct finding *f)
{
	size_t count = 0, written = 0;

	for (size_t n = 0; n < i->readiness_count; n++)
		count += has_finding(&i->readiness[n], f);
	if (count == i->readiness_count) {
		fputs("every target", stdout);
		return;
	}
	for (size_t n = 0; n < i->readiness_count; n++)
		if (has_finding(&i->readiness[n], f))
			printf("%s%s", written++ ? ", " : "", i->readiness[n].target->name);
}

static void print_finding(const struct inspection *i, const struct finding *f)
{
	printf("  %-8s ", severity_name(f->severity));
	put_text(stdout, f->text);
	if (f->path && !strstr(f->text, f->path)) {
		fputs(" (", stdout);
		put_text(stdout, f->path);
		putchar(')');
	}
	printf("\n%11sfor ", "");
	put_targets(i, f);
	if (f->fix) {
		fputs("; fix: ", stdout);
		put_text(stdout, f->fix);
	}
	putchar('\n');
}

/* Whether a target before number `n` has it, so that it has been printed. */
static bool is_repeated(const struct inspection *i, size_t n, const struct finding *f)
{
	for (size_t k = 0; k < n; k++)
		if (has_finding(&i->readiness[k], f))
			return true;
	return false;
}

static void print_findings(const struct inspection *i, enum severity s)
{
	for (size_t n = 0; n < i->readiness_count; n++)
		for (size_t k = 0; k < i->readiness[n].findings.count; k++) {
			const struct finding *f = &i->readiness[n].findings.finding[k];

			if (f->severity == s && !is_repeated(i, n, f))
				print_finding(i, f);
		}
}

void inspection_print_readiness(const struct inspection *i)
{
	size_t count = 0;

	print_targets(i);
	for (size_t n = 0; n < i->readiness_count; n++)
		count += i->readiness[n].findings.count;
	if (count)
		puts("\nfindings");
	print_findings(i, SEVERITY_ERROR);
	print_findings(i, SEVERITY_WARNING);
	print_findings(i, SEVERITY_INFO);
}
