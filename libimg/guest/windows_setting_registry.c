/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that are values of the registry, in every control set. */
#include <stdio.h>
#include <string.h>

#include "guest/windows_setting.h"

struct setting {
	const char *key; /* below the control set */
	const char *name;
	bool remove;
	uint32_t value;
	const char *why;
};

static int setting_put(
	struct guest_image *g, struct hive *h, const struct setting *s, struct error *e)
{
	const struct strings *sets = &windows_of(g)->control_sets;
	int rc = 0;

	for (size_t i = 0; i < sets->count && !rc; i++) {
		struct buffer key = { 0 };

		rc = buffer_format(&key, e, "%s\\%s", sets->item[i], s->key);
		if (!rc)
			rc = s->remove ? hive_remove_value(h, buffer_text(&key), s->name, s->why, e)
				       : hive_set_dword(h, buffer_text(&key), s->name, s->value,
						 s->why, e);
		buffer_free(&key);
	}
	return rc;
}

/* Without the value Windows takes the clock for local time. */
static int clock_put(
	struct guest_image *g, struct hive *h, const struct windows_wishes *w, struct error *e)
{
	const bool utc = w->rtc && !strcmp(w->rtc, "utc");
	const struct setting s = { .key = "Control\\TimeZoneInformation",
		.name = "RealTimeIsUniversal",
		.remove = !utc,
		.value = 1,
		.why = utc ? "the hardware clock shows UTC"
			   : "the hardware clock shows local time" };

	return w->rtc ? setting_put(g, h, &s, e) : 0;
}

static int san_policy_put(
	struct guest_image *g, struct hive *h, const struct windows_wishes *w, struct error *e)
{
	const struct setting s = { .key = "Services\\partmgr\\Parameters",
		.name = "SanPolicy",
		.value = windows_san_policy(w),
		.why = "which further disks are put online" };

	return s.value ? setting_put(g, h, &s, e) : 0;
}

/* Whether the terminal server's listener is there: then it shall ask for a name before it draws
 * anything. */
static bool has_listener(struct guest_image *g, struct hive *h, const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s\\%s", windows_of(g)->control_sets.item[0], key);
	return hive_has_key(h, path);
}

static int desktop_put(
	struct guest_image *g, struct hive *h, const struct windows_wishes *w, struct error *e)
{
	static const char listener[] = "Control\\Terminal Server\\WinStations\\RDP-Tcp";
	const bool on = w->rdp && !strcmp(w->rdp, "on");
	const struct setting deny = { .key = "Control\\Terminal Server",
		.name = "fDenyTSConnections",
		.value = !on,
		.why = on ? "remote desktop is on" : "remote desktop is off" };
	const struct setting ask = { .key = listener,
		.name = "UserAuthentication",
		.value = 1,
		.why = "remote desktop asks who it is first" };
	int rc = w->rdp ? setting_put(g, h, &deny, e) : 0;

	if (!rc && on && windows_of(g)->platform.major >= 6 && has_listener(g, h, listener))
		rc = setting_put(g, h, &ask, e);
	return rc;
}

int windows_registry_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct windows_wishes *w = c->windows;
	struct hive *h = NULL;
	int rc;

	if (!w->rtc && !w->san_policy && !w->rdp)
		return 0;
	rc = windows_hive_edit(g, WINDOWS_SYSTEM, &h, e);
	if (!rc && !windows_of(g)->control_sets.count)
		rc = error_set(e, ERR_NOTREADY, "the hive SYSTEM has no control set");
	if (!rc)
		rc = clock_put(g, h, w, e);
	if (!rc)
		rc = san_policy_put(g, h, w, e);
	return rc ? rc : desktop_put(g, h, w, e);
}
