/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CriticalDeviceDatabase of Windows 7 and older: the service of a device that Windows sees before
 * it can install anything.  XP and 2003 know the controller that they were installed on only.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable.h"

enum { FIRST_WITH_PACKAGES = 6000 };

/* The key's name for an id, which must have no separator; less the "*" at its end. */
static int name_make(const char *id, char *name, struct error *e)
{
	int rc = enable_key(name, e, "%s", id);
	size_t len = rc ? 0 : strlen(name);

	if (len && name[len - 1] == '*')
		name[len - 1] = 0;
	for (char *c = name; !rc && *c; c++)
		if (*c == '\\')
			*c = '#';
	return rc;
}

/* The service that drives the device now; "" when none does that is there. */
static int working_service(struct enable_plan *p, const struct enable_driver *s, const char *key,
	char **out, struct error *e)
{
	char service[ENABLE_KEY_SIZE], *name = NULL, *path = NULL;
	int rc = windows_text(p->h, key, "Service", &name, e);

	if (!rc && name && *name)
		rc = enable_key(service, e, "%s\\Services\\%s", s->set, name);
	if (!rc && name && *name && hive_has_key(p->h, service))
		rc = windows_service_file(p->g, s->set, name, &path, e);
	if (rc || !path) {
		free(name);
		name = NULL;
	}
	free(path);
	*out = name;
	return rc;
}

static int entry_make(
	struct enable_plan *p, const struct enable_driver *s, const char *key, struct error *e)
{
	static const char why[] = "Windows has to know the device before it can install it";
	char *package = NULL;
	int rc = step_text(p, ENABLE_TEXT, key, "Service", s->d->service, why, e);

	if (!rc && s->d->class_guid)
		rc = step_text(p, ENABLE_TEXT, key, "ClassGUID", s->d->class_guid, why, e);
	if (!rc && p->build >= FIRST_WITH_PACKAGES)
		rc = windows_text(p->h, s->key, "DriverPackageId", &package, e);
	if (!rc && package)
		rc = step_text(p, ENABLE_TEXT, key, "DriverPackageId", package, why, e);
	free(package);
	return rc;
}

/* Whether a key of the database that begins with `name` names the driver. */
static int is_known(struct enable_plan *p, const struct enable_driver *s, const char *base,
	const char *name, bool *answer, struct error *e)
{
	struct strings keys = { 0 };
	int rc = hive_has_key(p->h, base) ? hive_keys(p->h, base, &keys, e) : 0;

	*answer = false;
	for (size_t i = 0; i < keys.count && !rc && !*answer; i++) {
		char key[ENABLE_KEY_SIZE], *service = NULL;

		if (strncasecmp(keys.item[i], name, strlen(name)) != 0)
			continue;
		rc = enable_key(key, e, "%s\\%s", base, keys.item[i]);
		if (!rc)
			rc = windows_text(p->h, key, "Service", &service, e);
		*answer = service && !strcasecmp(service, s->d->service);
		free(service);
	}
	strings_free(&keys);
	return rc;
}

static int device_look(
	struct enable_plan *p, const struct enable_driver *s, const char *id, struct error *e)
{
	const bool pattern = *id && id[strlen(id) - 1] == '*';
	const struct finding_text f = { .code = "driver-database",
		.severity = enable_severity(s),
		.fixable = true,
		.fix = "hvimg inject adds it" };
	char base[ENABLE_KEY_SIZE], name[ENABLE_KEY_SIZE], key[ENABLE_KEY_SIZE], *other = NULL;
	bool known = false;
	int rc = enable_key(base, e, "%s\\Control\\CriticalDeviceDatabase", s->set);

	if (!rc)
		rc = name_make(id, name, e);
	if (!rc)
		rc = enable_key(key, e, "%s\\%s", base, name);
	if (!rc && pattern)
		rc = is_known(p, s, base, name, &known, e);
	/* Another driver that is there was somebody's choice. */
	if (!rc && !known)
		rc = working_service(p, s, key, &other, e);
	if (!rc && !known && !other) {
		rc = enable_tell(p, &f, s->d->service, e,
			"%s: CriticalDeviceDatabase has no %s for %s", s->set, s->d->service, id);
		if (!rc)
			rc = entry_make(p, s, key, e);
	}
	free(other);
	return rc;
}

int enable_critical(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->d->devices.count && !rc; i++)
		rc = device_look(p, s, s->d->devices.item[i], e);
	return rc;
}
