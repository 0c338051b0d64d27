/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes a Windows guest unfit for an edit, or for a target. */
#include <inttypes.h>
#include <string.h>

#include "guest/firmware.h"
#include "guest/windows.h"

static int hibernated_check(const struct windows_info *w, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "windows-hibernated",
		.severity = SEVERITY_ERROR,
		.path = "/hiberfil.sys",
		.fix = "start Windows, turn Fast Startup off (powercfg /hibernate off) and shut it "
		       "down" };

	if (!w->hibernated)
		return 0;
	return finding_add(r, &f, e,
		"Windows sleeps: it would go on with what it holds in memory, on hardware that is "
		"gone, and write that over any edit");
}

/* Without a hive that can be edited nothing of Windows can be. */
static int hive_problem(const struct windows_hive *h, struct report *r, struct error *e)
{
	const bool refused = h->problem_code == ERR_REFUSED;
	const struct finding_text f = { .code = refused ? "hive-dirty" : "hive-damaged",
		.severity = SEVERITY_ERROR,
		.path = h->path,
		.fix = refused ? "start Windows and shut it down, or give --force-dirty and lose "
				 "what it had not written"
			       : "restore the hive, as Windows' own recovery does" };

	return finding_add(r, &f, e, "%s", h->problem);
}

static int hive_dirty(const struct windows_hive *h, struct report *r, struct error *e)
{
	const size_t entries = hive_entries_applied(h->hive);
	const struct finding_text f = { .code = "hive-dirty",
		.severity = entries ? SEVERITY_INFO : SEVERITY_WARNING,
		.path = h->path };

	if (entries)
		return finding_add(r, &f, e,
			"Windows had not written %s back; %zu entries of its logs bring it up to "
			"date, and an edit writes that",
			h->path, entries);
	return finding_add(r, &f, e,
		"Windows had not written %s back, and no log brings it up to date: what was not "
		"written is lost",
		h->path);
}

static int hives_check(struct guest_image *g, struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < WINDOWS_HIVES && !rc; i++) {
		const struct windows_hive *h = &windows_of(g)->hive[i];

		if (h->problem)
			rc = hive_problem(h, r, e);
		else if (hive_was_dirty(h->hive))
			rc = hive_dirty(h, r, e);
	}
	return rc;
}

static int control_sets_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "control-set-missing",
		.severity = SEVERITY_ERROR,
		.path = windows_of(g)->hive[WINDOWS_SYSTEM].path };

	if (g->guest.windows->current || !windows_hive(g, WINDOWS_SYSTEM))
		return 0;
	return finding_add(r, &f, e,
		"the registry does not tell which control set is in use: Select\\Current names "
		"none of the %zu that are there",
		g->guest.windows->control_sets.count);
}

static int updates_check(struct guest_image *g, struct report *r, struct error *e)
{
	struct finding_text f = { .code = "windows-pending-updates",
		.severity = SEVERITY_ERROR,
		.fix = "start Windows and let it finish them" };
	struct buffer path = { 0 };
	struct error why = { 0 };
	int rc = firmware_path_below(
		g->tree, windows_of(g)->root, "WinSxS/pending.xml", &path, &why);

	if (rc)
		return error_of_host(&why, e);
	f.path = buffer_text(&path);
	rc = finding_add(r, &f, e,
		"updates are half applied: Windows replaces files and registry values at its next "
		"start, edited ones too");
	buffer_free(&path);
	return rc;
}

static int reboot_check(const struct windows_info *w, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "windows-pending-reboot",
		.severity = SEVERITY_WARNING,
		.fix = "restart Windows where it ran before" };
	struct buffer list = { 0 };
	int rc = 0;

	for (size_t i = 0; i < w->pending_reboot.count && !rc; i++)
		rc = buffer_format(&list, e, "%s%s", i ? ", " : "", w->pending_reboot.item[i]);
	if (!rc && list.len)
		rc = finding_add(r, &f, e, "Windows waits for a restart (%s)", buffer_text(&list));
	buffer_free(&list);
	return rc;
}

/* A generalized image goes on with setup where it runs next: that is what it is for. */
static int setup_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct windows_info *w = g->guest.windows;
	const struct finding_text f = { .code = "windows-setup-unfinished",
		.severity = SEVERITY_ERROR,
		.fix = "let setup finish, or make the image anew" };
	uint32_t running;
	int rc = windows_number(
		windows_hive(g, WINDOWS_SYSTEM), "Setup", "SystemSetupInProgress", 0, &running, e);

	if (rc || !w->image_state)
		return rc;
	if (!strcmp(w->image_state, "IMAGE_STATE_UNDEPLOYABLE"))
		return finding_add(r, &f, e,
			"setup of Windows was broken off: its image state is %s", w->image_state);
	if (!running || strcmp(w->image_state, "IMAGE_STATE_COMPLETE") != 0)
		return 0;
	return finding_add(r, &f, e,
		"setup of Windows was running (SystemSetupInProgress is %" PRIu32 ")", running);
}

static int bitlocker_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text f = {
		.code = "bitlocker",
		.severity = SEVERITY_WARNING,
		.fix = "turn BitLocker off in Windows (manage-bde -off) before the image is moved"
	};
	int rc = 0;

	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		if (g->id[i].type && !strcmp(g->id[i].type, "BitLocker"))
			rc = finding_add(r, &f, e,
				"volume %s is encrypted by BitLocker: a machine that its key is "
				"not bound to asks for the recovery key",
				g->volumes.volume[i].id);
	return rc;
}

/* Group policies that keep Windows from installing a device's driver. */
static int restrictions_check(struct guest_image *g, struct report *r, struct error *e)
{
	static const char key[] = "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions";
	static const char *const names[] = { "DenyUnspecified", "DenyDeviceIDs",
		"DenyDeviceClasses", "DenyInstanceIDs" };
	const struct finding_text f = { .code = "device-restrictions",
		.severity = SEVERITY_WARNING,
		.fix = "except the new machine's devices from the policy" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc; i++) {
		uint32_t denied;

		rc = windows_number(
			windows_hive(g, WINDOWS_SOFTWARE), key, names[i], 0, &denied, e);
		if (!rc && denied)
			rc = finding_add(r, &f, e,
				"a policy (%s) lets Windows install no driver for some devices; "
				"those of another machine may be among them",
				names[i]);
	}
	return rc;
}

static int evaluation_check(const struct windows_info *w, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "windows-evaluation", .severity = SEVERITY_INFO };

	if (!w->evaluation)
		return 0;
	return finding_add(r, &f, e,
		"this is an evaluation edition (%s): it shuts itself down some time after its "
		"first start",
		w->edition);
}

static int target_check(
	const struct windows_info *w, const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text narrow = { .code = "windows-32bit", .severity = SEVERITY_ERROR };
	const struct finding_text old = { .code = "windows-too-old", .severity = SEVERITY_ERROR };
	const struct finding_text unknown = { .code = "windows-version-unknown",
		.severity = SEVERITY_WARNING };
	int rc = 0;

	if (t->windows_64 && w->arch && !strcmp(w->arch, "i386"))
		rc = finding_add(r, &narrow, e,
			"%s starts 64-bit Windows only, this is a 32-bit one", t->name);
	if (rc || !t->windows_first)
		return rc;
	if (!w->build)
		return finding_add(r, &unknown, e,
			"which Windows it is is not known; %s starts build %" PRIu32 " and later",
			t->name, t->windows_first);
	if (w->build >= t->windows_first)
		return 0;
	return finding_add(r, &old, e,
		"%s starts Windows from build %" PRIu32 " on, this is %s (build %" PRIu32 ")",
		t->name, t->windows_first, w->product ? w->product : "an older one", w->build);
}

int windows_state_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	const struct windows_info *w = g->guest.windows;
	int rc = hibernated_check(w, out, e);

	if (!rc)
		rc = hives_check(g, out, e);
	if (!rc)
		rc = control_sets_check(g, out, e);
	if (!rc)
		rc = updates_check(g, out, e);
	if (!rc)
		rc = setup_check(g, out, e);
	if (!rc)
		rc = reboot_check(w, out, e);
	if (!rc)
		rc = bitlocker_check(g, out, e);
	if (!rc)
		rc = restrictions_check(g, out, e);
	if (!rc)
		rc = evaluation_check(w, out, e);
	return rc || !t ? rc : target_check(w, t, out, e);
}
