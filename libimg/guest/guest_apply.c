/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which targets must be met, and whether they can be, before anything is written. */
#include <stdlib.h>
#include <string.h>

#include "guest/guest_edit.h"
#include "guest/guest_image.h"

static bool is_satisfiable(const struct readiness *r)
{
	return r->ready || r->fixable;
}

/* Why the target of `r` can't be met. */
static int refuse(const struct readiness *r, struct error *e)
{
	for (size_t i = 0; i < r->findings.count; i++) {
		const struct finding *f = &r->findings.finding[i];

		if (f->severity == SEVERITY_ERROR && !f->fixable)
			return error_set(e, ERR_NOTREADY, "%s: %s", r->target->name, f->text);
	}
	return error_set(e, ERR_NOTREADY, "%s: cannot be met", r->target->name);
}

/* How much stands in the way.  The wrong firmware is more than any number of faults: of a family
 * nobody means that member. */
static size_t obstacle_count(const struct guest_image *g, const struct readiness *r)
{
	const char *firmware = r->target->firmware;
	size_t count = strcmp(firmware, "any") != 0 && !guest_image_boots(g, firmware) ? 1000 : 0;

	for (size_t i = 0; i < r->findings.count; i++)
		count += r->findings.finding[i].severity == SEVERITY_ERROR &&
			!r->findings.finding[i].fixable;
	return count;
}

/* Of those that stand for r[i], itself or all of its family, the one that least stands in the way
 * of. */
static const struct readiness *nearest(
	const struct guest_image *g, const struct readiness *r, size_t count, size_t i)
{
	const struct readiness *best = &r[i];

	for (size_t j = 0; r[i].target->by_family && j < count; j++)
		if (!strcmp(r[i].target->family, r[j].target->family) && !is_satisfiable(best) &&
			(is_satisfiable(&r[j]) ||
				obstacle_count(g, &r[j]) < obstacle_count(g, best)))
			best = &r[j];
	return best;
}

/* Fails unless every target named by itself can be met, and one of each family. */
static int all_met(
	const struct guest_image *g, const struct readiness *r, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct readiness *best = nearest(g, r, count, i);

		if (!is_satisfiable(best))
			return refuse(best, e);
	}
	return 0;
}

/* Whether something is to be done to the guest that no target asks for. */
static bool is_asked(const struct guest_changes *c)
{
	return (c->seal && c->seal->count) || (c->drivers && c->drivers->count) || c->windows ||
		(c->edits && c->edits->count);
}

/* What they bring is looked at as the guest's own. */
static int drivers_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	int rc;

	if (!g->type || !g->type->add_drivers)
		return error_set(
			e, ERR_NOTREADY, "--drivers: no guest that takes drivers was found");
	rc = g->type->add_drivers(g, c, e);
	return rc ? rc : guest_find(g, e);
}

int guest_image_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct target_list *targets = c->targets;
	struct readiness *r = calloc(targets->count + 1, sizeof(*r));
	int rc = r ? 0 : error_nomem(e, "readiness");

	if (!rc && !g->write)
		rc = error_set(e, ERR_USAGE, "the image was opened for reading only");
	if (!rc && !targets->count && !is_asked(c))
		rc = error_set(e, ERR_USAGE, "no target to make the guest ready for");
	if (!rc && c->drivers && c->drivers->count)
		rc = drivers_apply(g, c, e);
	for (size_t i = 0; i < targets->count && !rc; i++)
		rc = guest_image_readiness(g, &targets->target[i], &r[i], e);
	if (!rc)
		rc = all_met(g, r, targets->count, e);
	if (!rc && !g->type)
		rc = error_set(e, ERR_NOTREADY, "no guest that hvimg knows was found");
	if (!rc && c->windows && !guest_is_windows(g))
		rc = error_set(e, ERR_NOTREADY,
			"options for Windows were given, and the guest is a %s one", g->type->name);
	if (!rc)
		rc = g->type->apply(g, c, e);
	if (!rc)
		rc = tree_failure(g->tree, e);
	if (!rc)
		rc = guest_find(g, e);
	for (size_t i = 0; r && i < targets->count; i++)
		readiness_free(&r[i]);
	free(r);
	return rc;
}
