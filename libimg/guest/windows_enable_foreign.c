/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What another hypervisor's tools have in a guest: switched off, not removed, so that their own
 * uninstallers still work. */
#include <strings.h>

#include "guest/windows_enable.h"

enum { DISABLED = 4 };

/* A driver of another target that is asked for too. */
static bool is_wanted(const struct enable_plan *p, const char *service)
{
	for (size_t i = 0; i < p->all->count; i++)
		if (target_driver_by_service(&p->all->target[i], service, p->build))
			return true;
	return false;
}

bool enable_is_foreign(const struct enable_plan *p, const char *service)
{
	for (size_t i = 0; i < p->t->foreign_count; i++)
		if (!strcasecmp(p->t->foreign[i].service, service))
			return !is_wanted(p, service);
	return false;
}

static int keys_remove(
	struct enable_plan *p, const struct target_foreign *f, const char *set, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->keys.count && !rc; i++) {
		char key[ENABLE_KEY_SIZE];

		rc = enable_key(key, e, "%s\\%s", set, f->keys.item[i]);
		if (!rc && hive_has_key(p->h, key))
			rc = step_remove(p, key, NULL, "it is for another hypervisor", e);
	}
	return rc;
}

/* *found: something of it is not switched off. */
static int service_look(struct enable_plan *p, const struct target_foreign *f, const char *set,
	bool *found, struct error *e)
{
	const size_t before = p->step_count;
	char key[ENABLE_KEY_SIZE];
	uint32_t start = DISABLED;
	int rc = enable_key(key, e, "%s\\Services\\%s", set, f->service);

	if (!rc && hive_has_key(p->h, key))
		rc = windows_number(p->h, key, "Start", DISABLED, &start, e);
	if (!rc && start != DISABLED)
		rc = step_number(
			p, key, "Start", DISABLED, "it belongs to another hypervisor's tools", e);
	if (!rc)
		rc = keys_remove(p, f, set, e);
	*found = *found || p->step_count > before;
	return rc;
}

int enable_foreign(struct enable_plan *p, struct error *e)
{
	const struct strings *sets = &windows_of(p->g)->control_sets;
	const struct finding_text text = { .code = "foreign-tools",
		.severity = SEVERITY_WARNING,
		.fixable = true,
		.fix = "hvimg inject switches them off" };
	struct buffer names = { 0 };
	int rc = 0;

	for (size_t i = 0; i < p->t->foreign_count && !rc; i++) {
		const struct target_foreign *f = &p->t->foreign[i];
		bool found = false;

		if (is_wanted(p, f->service))
			continue;
		for (size_t k = 0; k < sets->count && !rc; k++)
			rc = service_look(p, f, sets->item[k], &found, e);
		if (!rc && found)
			rc = buffer_format(&names, e, "%s%s", names.len ? ", " : "", f->service);
	}
	if (!rc && names.len)
		rc = enable_tell(p, &text, "", e, "another hypervisor's tools are started: %s",
			buffer_text(&names));
	buffer_free(&names);
	return rc;
}
