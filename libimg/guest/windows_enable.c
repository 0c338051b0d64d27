/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a target needs of the drivers that Windows has, and what stands in their way. */
#include "guest/windows_enable.h"

/* Windows that the target never starts: windows_readiness.c says so. */
static bool is_out(const struct enable_plan *p)
{
	return p->build < p->t->windows_first ||
		(p->t->windows_64 && windows_of(p->g)->platform.arch == INF_X86);
}

static int plan_make(struct enable_plan *p, struct error *e)
{
	const struct finding_text unknown = { .code = "windows-version-unknown",
		.severity = SEVERITY_ERROR };
	int rc;

	if (!p->build)
		return enable_tell(p, &unknown, "", e,
			"which Windows it is is not known, so neither which drivers it has");
	if (is_out(p))
		return 0;
	rc = enable_drivers(p, e);
	if (!rc)
		rc = enable_foreign(p, e);
	if (!rc)
		rc = enable_filters(p, e);
	return rc ? rc : enable_settings(p, e);
}

static struct enable_plan plan_start(
	struct guest_image *g, const struct target *t, const struct target_list *all)
{
	return (struct enable_plan){ .g = g,
		.t = t,
		.all = all,
		.h = windows_hive(g, WINDOWS_SYSTEM),
		.build = windows_of(g)->platform.build };
}

int windows_enable_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	const struct target_list none = { 0 };
	struct enable_plan p = plan_start(g, t, &none);
	int rc = 0;

	/* Without the registry there is one reason for all, told by windows_readiness.c. */
	if (!p.h || !windows_of(g)->control_sets.count)
		return 0;
	rc = plan_make(&p, e);
	for (size_t i = 0; i < p.findings.count && !rc; i++)
		rc = report_add(out, &p.findings.finding[i], e);
	enable_free(&p);
	return rc;
}

/* What one target's edits leave is what the next one's plan starts from. */
int windows_enable_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < c->targets->count && !rc; i++) {
		struct enable_plan p = plan_start(g, &c->targets->target[i], c->targets);

		if (!p.h)
			return error_set(e, ERR_NOTREADY, "the hive SYSTEM can't be edited");
		rc = plan_make(&p, e);
		if (!rc)
			rc = enable_do(&p, e);
		enable_free(&p);
	}
	return rc;
}
