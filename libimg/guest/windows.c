/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows guests: recognising one, and making it ready. */
#include "guest/guest_edit.h"
#include "guest/windows.h"

static int windows_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	int rc = windows_state_readiness(g, t, out, e);

	if (!rc)
		rc = windows_enable_readiness(g, t, out, e);
	return rc ? rc : windows_bcd_readiness(g, t, out, e);
}

/* Also what no target asks for must not be done to a guest that would lose it or be lost by it. */
static int edits_check(struct guest_image *g, struct error *e)
{
	struct report r = { 0 };
	int rc = windows_state_readiness(g, NULL, &r, e);

	for (size_t i = 0; i < r.count && !rc; i++)
		if (r.finding[i].severity == SEVERITY_ERROR)
			rc = error_set(e, ERR_NOTREADY, "%s", r.finding[i].text);
	report_free(&r);
	return rc;
}

static int hives_write(struct guest_image *g, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < WINDOWS_HIVES && !rc; i++)
		rc = windows_hive_write(g, &windows_of(g)->hive[i], e);
	return rc;
}

static int recipe_apply(struct guest_image *g, const struct guest_edits *edits, struct error *e)
{
	const char *system = windows_of(g)->hive[WINDOWS_SYSTEM].path;
	struct fs_stat st;
	int rc = tree_stat(g->tree, system, TREE_FOLLOW, &st, e);

	return rc ? rc : guest_edits_apply(g, edits, st.mtime, e);
}

static int windows_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	int rc;

	if (c->seal && c->seal->count)
		return error_set(e, ERR_UNSUPPORTED,
			"--seal: %s and what else it does is for Linux guests; Windows is "
			"generalized by its own sysprep",
			c->seal->item[0]);
	rc = edits_check(g, e);
	if (!rc)
		rc = windows_enable_apply(g, c, e);
	if (!rc)
		rc = windows_bcd_apply(g, c, e);
	if (!rc)
		rc = windows_loader_apply(g, c, e);
	if (!rc)
		rc = windows_settings_apply(g, c, e);
	if (!rc && c->edits)
		rc = recipe_apply(g, c->edits, e);
	return rc ? rc : hives_write(g, e);
}

static int windows_add_drivers(
	struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	int rc = edits_check(g, e);

	if (!rc)
		rc = windows_inject_apply(g, c, e);
	return rc ? rc : hives_write(g, e);
}

const struct guest_type guest_type_windows = {
	.name = "windows",
	.is_root = windows_is_root,
	.load = windows_load,
	.readiness = windows_readiness,
	.apply = windows_apply,
	.places_loader = windows_loader_places,
	.add_drivers = windows_add_drivers,
	.edit = windows_edit,
	.forget = windows_forget,
};
