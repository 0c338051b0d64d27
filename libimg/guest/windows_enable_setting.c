/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry values that a target wants. */
#include <inttypes.h>
#include <string.h>

#include "guest/windows_enable.h"

static bool is_wrong(const struct target_setting *s, bool there, uint32_t now)
{
	if (!there)
		return !s->present;
	if (now == s->value)
		return false;
	for (size_t i = 0; i < s->instead_count; i++)
		if (s->instead[i] == now)
			return true;
	return !s->instead_count;
}

/* `base`: "" or a control set. */
static int setting_look(struct enable_plan *p, const struct target_setting *s,
	enum windows_hive_name hive, const char *base, struct error *e)
{
	const struct finding_text f = { .code = s->finding,
		.severity = SEVERITY_WARNING,
		.fixable = true,
		.path = windows_of(p->g)->hive[hive].path,
		.fix = "hvimg inject sets it right" };
	struct hive *h = windows_hive(p->g, hive);
	struct error none = { 0 };
	uint32_t now = 0;
	bool there;
	char key[ENABLE_KEY_SIZE];
	int rc = enable_key(key, e, "%s%s%s", base, *base ? "\\" : "", s->key);

	if (rc || !h)
		return rc;
	there = !hive_get_dword(h, key, s->name, &now, &none);
	if (error_of_host(&none, e))
		return error_of_host(&none, e);
	if (!is_wrong(s, there, now))
		return 0;
	if (there)
		rc = enable_tell(p, &f, s->name, e,
			"%s: %s is %" PRIu32 ", should be %" PRIu32 ": %s", key, s->name, now,
			s->value, s->why);
	else
		rc = enable_tell(p, &f, s->name, e, "%s: %s is missing, should be %" PRIu32 ": %s",
			key, s->name, s->value, s->why);
	if (!rc)
		rc = step_number(p, key, s->name, s->value, s->why, e);
	if (!rc)
		p->step[p->step_count - 1].hive = hive;
	return rc;
}

int enable_settings(struct enable_plan *p, struct error *e)
{
	const struct strings *sets = &windows_of(p->g)->control_sets;
	int rc = 0;

	for (size_t i = 0; i < p->t->setting_count && !rc; i++) {
		const struct target_setting *s = &p->t->setting[i];

		if (!strcmp(s->hive, "SOFTWARE"))
			rc = setting_look(p, s, WINDOWS_SOFTWARE, "", e);
		for (size_t k = 0; k < sets->count && !rc && !strcmp(s->hive, "SYSTEM"); k++)
			rc = setting_look(p, s, WINDOWS_SYSTEM, sets->item[k], e);
	}
	return rc;
}
