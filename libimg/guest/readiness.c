/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Would the image start on a target?  Firmware and guests have files of their own. */
#include <stdlib.h>
#include <string.h>

#include "guest/firmware.h"

/* With what may have hidden one: a volume that could not be read. */
static int guest_missing(const struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "no-guest", .severity = SEVERITY_ERROR };

	for (size_t i = 0; i < g->volumes.count; i++)
		if (g->volume[i].problem && !g->volume[i].fs)
			return finding_add(r, &none, e,
				"no guest that hvimg knows was found: volume %s (%s): %s",
				g->volumes.volume[i].id, g->id[i].type, g->volume[i].problem);
	return finding_add(r, &none, e, "no guest that hvimg knows was found");
}

/* What was found when the image was opened and stands in the way of any target. */
static int image_check(const struct guest_image *g, struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < g->report.count && !rc; i++)
		if (g->report.finding[i].severity == SEVERITY_ERROR || !g->type)
			rc = report_add(r, &g->report.finding[i], e);
	if (!rc && !g->type)
		rc = guest_missing(g, r, e);
	return rc;
}

int guest_volume_check(struct guest_image *g, size_t i, struct error *e)
{
	struct guest_volume *v = &g->volume[i];
	struct error why = { 0 };

	if (v->checked || v->problem)
		return 0;
	v->checked = true;
	if (g->write || !fs_check_write(g->volumes.volume[i].disk, &g->fs_options, &why))
		return 0;
	if (error_of_host(&why, e))
		return error_of_host(&why, e);
	v->open_error = why.code;
	v->problem = strdup(why.text);
	return v->problem ? 0 : error_nomem(e, "a file system");
}

/* A guest that needs no edit starts as it is: its own kernel replays a journal. */
static int edits_check(struct guest_image *g, struct report *r, struct error *e)
{
	bool edits = false;
	int rc = 0;

	for (size_t i = 0; i < r->count; i++)
		edits = edits || r->finding[i].fixable;
	for (size_t i = 0; i < g->volumes.count && !rc; i++) {
		const struct guest_volume *v = &g->volume[i];
		struct finding_text f = { .severity = edits ? SEVERITY_ERROR : SEVERITY_WARNING };

		if (!v->used)
			continue;
		rc = guest_volume_check(g, i, e);
		if (rc || !v->problem)
			continue;
		f.code = v->fs && v->fs->needs_recovery ? "fs-needs-recovery" : "fs-not-editable";
		rc = finding_add(r, &f, e, "volume %s: %s", g->volumes.volume[i].id, v->problem);
	}
	return rc;
}

static void conclude(struct readiness *r)
{
	r->ready = true;
	r->fixable = true;
	for (size_t i = 0; i < r->findings.count; i++) {
		const struct finding *f = &r->findings.finding[i];

		if (f->severity != SEVERITY_ERROR)
			continue;
		r->ready = false;
		r->fixable = r->fixable && f->fixable;
	}
	/* Nothing to fix is not "fixable". */
	r->fixable = r->fixable && !r->ready;
}

/* Targets were tested with Linux guests. */
static const char *evidence_of(const struct guest_image *g, const struct target *t)
{
	return guest_is_windows(g) ? "inferred" : t->evidence;
}

int guest_image_readiness(
	struct guest_image *g, const struct target *t, struct readiness *out, struct error *e)
{
	struct readiness r = { .target = t, .evidence = evidence_of(g, t) };
	int rc = image_check(g, &r.findings, e);

	if (!rc)
		rc = firmware_check(g, t, &r.findings, e);
	if (!rc && g->type)
		rc = g->type->readiness(g, t, &r.findings, e);
	if (!rc && g->tree)
		rc = tree_failure(g->tree, e);
	if (!rc && g->type)
		rc = edits_check(g, &r.findings, e);
	if (rc) {
		readiness_free(&r);
		return rc;
	}
	conclude(&r);
	*out = r;
	return 0;
}

void readiness_free(struct readiness *r)
{
	report_free(&r->findings);
	*r = (struct readiness){ 0 };
}
