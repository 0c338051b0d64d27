/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of a service that Windows has the file of, but no key. */
#include "guest/windows_enable.h"

enum { KERNEL_DRIVER = 1, FIRST_WITH_OWNERS = 9200 };

static int values_make(
	struct enable_plan *p, const struct enable_driver *s, const char *why, struct error *e)
{
	const struct target_driver *d = s->d;
	char image[ENABLE_KEY_SIZE];
	int rc = enable_key(image, e, "System32\\drivers\\%s", d->file);

	if (!rc)
		rc = step_text(p, ENABLE_PATH, s->key, "ImagePath", image, why, e);
	if (!rc)
		rc = step_number(p, s->key, "Type", KERNEL_DRIVER, why, e);
	if (!rc)
		rc = step_number(p, s->key, "Start", d->start, why, e);
	if (!rc)
		rc = step_number(p, s->key, "ErrorControl", d->error, why, e);
	if (!rc && d->group)
		rc = step_text(p, ENABLE_TEXT, s->key, "Group", d->group, why, e);
	if (!rc && p->build >= FIRST_WITH_OWNERS)
		rc = step_text(p, ENABLE_MEMBER, s->key, "Owners", d->inf, why, e);
	return rc;
}

int enable_service_make(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	static const char why[] = "the service had no key, Windows has its driver";
	int rc = values_make(p, s, why, e);

	for (size_t i = 0; i < s->d->parameter_count && !rc; i++) {
		const struct target_parameter *v = &s->d->parameter[i];
		char key[ENABLE_KEY_SIZE];

		rc = enable_key(key, e, "%s%s%s", s->key, *v->key ? "\\" : "", v->key);
		if (!rc)
			rc = step_number(p, key, v->name, v->value, why, e);
	}
	return rc;
}
