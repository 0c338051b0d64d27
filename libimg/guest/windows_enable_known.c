/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drivers that did not come with Windows, in the DriverDatabase of Windows 8 and later.  A package
 * that was only added, while its device was not there, is named by DeviceIds but has no
 * descriptors: Windows finds no driver for a disk by it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable_database.h"

/* Whether that INF's package in use leads from the id to the driver. */
static int inf_leads(struct enable_plan *p, const struct enable_driver *s, const char *inf,
	const char *id, bool *answer, struct error *e)
{
	char key[ENABLE_KEY_SIZE], *package = NULL, *configuration = NULL, *service = NULL;
	int rc = enable_key(key, e, DATABASE "\\DriverInfFiles\\%s", inf);

	if (!rc)
		rc = windows_text(p->h, key, "Active", &package, e);
	if (!rc && package) {
		rc = enable_key(
			key, e, DATABASE "\\DriverPackages\\%s\\Descriptors\\%s", package, id);
		if (!rc)
			rc = windows_text(p->h, key, "Configuration", &configuration, e);
	}
	if (!rc && configuration) {
		rc = enable_key(key, e, DATABASE "\\DriverPackages\\%s\\Configurations\\%s",
			package, configuration);
		if (!rc)
			rc = windows_text(p->h, key, "Service", &service, e);
	}
	*answer = service && !strcasecmp(service, s->d->service);
	free(package);
	free(configuration);
	free(service);
	return rc;
}

/* `id` with its bus: each value of its key is an INF that has it. */
static int id_leads(struct enable_plan *p, const struct enable_driver *s, const char *id,
	bool *answer, struct error *e)
{
	char key[ENABLE_KEY_SIZE];
	struct hive_value *inf = NULL;
	size_t count = 0;
	int rc = enable_key(key, e, DATABASE "\\DeviceIds\\%s", id);

	if (!rc && hive_has_key(p->h, key))
		rc = hive_values(p->h, key, &inf, &count, e);
	for (size_t i = 0; i < count && !rc && !*answer; i++)
		rc = inf_leads(p, s, inf[i].name, id, answer, e);
	hive_values_free(inf, count);
	return rc;
}

/* All ids of the bus that begin as the pattern does. */
static int pattern_leads(struct enable_plan *p, const struct enable_driver *s, const char *pattern,
	bool *answer, struct error *e)
{
	const char *rest = strchr(pattern, '\\');
	const int bus = rest ? (int)(rest - pattern) : 0;
	const size_t len = rest ? strcspn(rest + 1, "*") : 0;
	char key[ENABLE_KEY_SIZE];
	struct strings ids = { 0 };
	int rc;

	if (!rest || !strchr(rest, '*'))
		return id_leads(p, s, pattern, answer, e);
	rc = enable_key(key, e, DATABASE "\\DeviceIds\\%.*s", bus, pattern);
	if (!rc && hive_has_key(p->h, key))
		rc = hive_keys(p->h, key, &ids, e);
	for (size_t i = 0; i < ids.count && !rc && !*answer; i++) {
		if (strncasecmp(ids.item[i], rest + 1, len) != 0)
			continue;
		rc = enable_key(key, e, "%.*s\\%s", bus, pattern, ids.item[i]);
		if (!rc)
			rc = id_leads(p, s, key, answer, e);
	}
	strings_free(&ids);
	return rc;
}

int enable_known(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	const struct finding_text f = { .code = "driver-database",
		.severity = s->need == NEED_BOOT ? SEVERITY_WARNING : SEVERITY_INFO,
		.fix = "give its package by --drivers" };
	bool leads = false;
	int rc = 0;

	for (size_t i = 0; i < s->d->devices.count && !rc && !leads; i++)
		rc = pattern_leads(p, s, s->d->devices.item[i], &leads, e);
	if (rc || leads || !s->d->devices.count)
		return rc;
	return enable_tell(p, &f, s->d->service, e,
		"DriverDatabase leads from no device to driver %s: where Windows did not run with "
		"it before, it does not find its disk",
		s->d->service);
}
