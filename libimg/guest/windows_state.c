/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What state Windows was left in. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/windows.h"

#define WINDOWS_KEY "Microsoft\\Windows\\CurrentVersion\\"
#define SERVICING_KEY WINDOWS_KEY "Component Based Servicing\\"

/* GeneralizationState of SysprepStatus. */
enum { GENERALIZE_RUN = 3, GENERALIZE_DONE = 4 };

/* Only its first bytes tell: what follows a resumed image stays on the disk. */
static int hibernation_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	struct buffer path = { 0 };
	struct error why = { 0 };
	char head[4] = "";
	int rc = firmware_path(g->tree, "/hiberfil.sys", &path, &why);

	if (!rc)
		rc = tree_read_at(g->tree, buffer_text(&path), 0, head, sizeof(head), &why);
	buffer_free(&path);
	w->hibernated = !rc && (!memcmp(head, "HIBR", 4) || !memcmp(head, "hibr", 4));
	return rc ? error_of_host(&why, e) : 0;
}

static int generalized_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	static const char prefix[] = "IMAGE_STATE_GENERALIZE";
	uint32_t state;
	int rc = windows_text(windows_hive(g, WINDOWS_SOFTWARE), WINDOWS_KEY "Setup\\State",
		"ImageState", &w->image_state, e);

	if (!rc)
		rc = windows_number(windows_hive(g, WINDOWS_SYSTEM), "Setup\\Status\\SysprepStatus",
			"GeneralizationState", 0, &state, e);
	if (!rc)
		w->generalized = w->image_state
			? !strncmp(w->image_state, prefix, sizeof(prefix) - 1)
			: state == GENERALIZE_RUN || state == GENERALIZE_DONE;
	return rc;
}

static int key_mark(struct guest_image *g, const char *key, const char *what, struct error *e)
{
	struct hive *h = windows_hive(g, WINDOWS_SOFTWARE);

	if (!h || !hive_has_key(h, key))
		return 0;
	return strings_add(&g->guest.windows->pending_reboot, what, e);
}

/* The key is always there; what holds the component store is a value of it. */
static int sessions_mark(struct guest_image *g, struct error *e)
{
	uint32_t exclusive;
	int rc = windows_number(windows_hive(g, WINDOWS_SOFTWARE), SERVICING_KEY "SessionsPending",
		"Exclusive", 0, &exclusive, e);

	if (rc || !exclusive)
		return rc;
	return strings_add(
		&g->guest.windows->pending_reboot, "Component Based Servicing\\SessionsPending", e);
}

static int renames_mark(struct guest_image *g, struct error *e)
{
	static const char key[] = "Control\\Session Manager";
	static const char name[] = "PendingFileRenameOperations";
	struct windows_info *w = g->guest.windows;
	struct strings renames = { 0 };
	struct buffer path = { 0 };
	struct error why = { 0 };
	bool pending = false;
	int rc = 0;

	if (w->current)
		rc = buffer_format(&path, e, "%s\\%s", w->current, key);
	if (!rc && w->current) {
		if (hive_get_list(windows_hive(g, WINDOWS_SYSTEM), buffer_text(&path), name,
			    &renames, &why))
			rc = error_of_host(&why, e);
		pending = renames.count > 0;
	}
	if (!rc && pending)
		rc = strings_add(&w->pending_reboot, name, e);
	strings_free(&renames);
	buffer_free(&path);
	return rc;
}

static int reboot_load(struct guest_image *g, struct error *e)
{
	int rc = key_mark(g, WINDOWS_KEY "WindowsUpdate\\Auto Update\\RebootRequired",
		"WindowsUpdate\\RebootRequired", e);

	if (!rc)
		rc = key_mark(g, SERVICING_KEY "RebootPending",
			"Component Based Servicing\\RebootPending", e);
	if (!rc)
		rc = key_mark(g, SERVICING_KEY "PackagesPending",
			"Component Based Servicing\\PackagesPending", e);
	if (!rc)
		rc = sessions_mark(g, e);
	return rc ? rc : renames_mark(g, e);
}

int windows_state_load(struct guest_image *g, struct error *e)
{
	struct windows_info *w = g->guest.windows;
	int rc = hibernation_load(g, w, e);

	for (size_t i = 0; i < g->volumes.count; i++)
		w->bitlocker = w->bitlocker ||
			(g->id[i].type && !strcmp(g->id[i].type, "BitLocker"));
	if (!rc)
		rc = generalized_load(g, w, e);
	return rc ? rc : reboot_load(g, e);
}
