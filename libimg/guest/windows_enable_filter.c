/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Class filters: drivers that Windows puts above or below every device of a class.  One that can't
 * be loaded takes the devices with it, the disk too.
 */
#include <stdlib.h>
#include <strings.h>

#include "guest/windows_enable.h"

enum { FILTER_LIMIT = 64 };

/* Classes of devices between the bus and the volume: DiskDrive, Volume, HDC, SCSIAdapter, System.
 */
static const char *const boot_classes[] = {
	"{4d36e967-e325-11ce-bfc1-08002be10318}",
	"{71a27cdd-812a-11d0-bec7-08002be2092f}",
	"{4d36e96a-e325-11ce-bfc1-08002be10318}",
	"{4d36e97b-e325-11ce-bfc1-08002be10318}",
	"{4d36e97d-e325-11ce-bfc1-08002be10318}",
};

static bool is_boot_class(const char *name)
{
	for (size_t i = 0; i < sizeof(boot_classes) / sizeof(boot_classes[0]); i++)
		if (!strcasecmp(boot_classes[i], name))
			return true;
	return false;
}

/* Whether the filter's service or its file is missing. */
static int is_dangling(
	struct enable_plan *p, const char *set, const char *filter, bool *answer, struct error *e)
{
	char key[ENABLE_KEY_SIZE], *path = NULL;
	int rc = enable_key(key, e, "%s\\Services\\%s", set, filter);

	*answer = true;
	if (rc || !hive_has_key(p->h, key))
		return rc;
	rc = windows_service_file(p->g, set, filter, &path, e);
	*answer = !path;
	free(path);
	return rc;
}

static int dangling_tell(struct enable_plan *p, const char *filter, const char *key,
	const char *name, struct error *e)
{
	const struct finding_text f = { .code = "filter-dangling",
		.severity = SEVERITY_ERROR,
		.fixable = true,
		.fix = "hvimg inject takes it out" };

	return enable_tell(p, &f, filter, e,
		"%s of %s names %s, of which the service or the file is missing: no device of that "
		"class starts",
		name, key, filter);
}

static int foreign_tell(struct enable_plan *p, const char *filter, struct error *e)
{
	const struct finding_text f = { .code = "foreign-tools",
		.severity = SEVERITY_WARNING,
		.fixable = true,
		.fix = "hvimg inject takes it out" };

	return enable_tell(
		p, &f, filter, e, "%s, of another hypervisor's tools, is a class filter", filter);
}

/* `list` less what must go.  Each name costs a look into the folder of drivers. */
static int list_look(struct enable_plan *p, const char *set, const char *key, const char *name,
	bool boot, struct error *e)
{
	static const char why[] = "a filter that is not there keeps its devices from starting";
	struct strings list = { 0 }, kept = { 0 };
	struct error none = { 0 };
	int rc = hive_get_list(p->h, key, name, &list, &none);

	if (rc)
		return error_of_host(&none, e);
	if (list.count > FILTER_LIMIT)
		rc = error_set(e, ERR_CORRUPT, "%s of %s names %zu filters, more than %d", name,
			key, list.count, FILTER_LIMIT);
	for (size_t i = 0; i < list.count && !rc; i++) {
		const bool foreign = enable_is_foreign(p, list.item[i]);
		bool gone = false;

		if (!foreign && boot)
			rc = is_dangling(p, set, list.item[i], &gone, e);
		if (!rc && foreign)
			rc = foreign_tell(p, list.item[i], e);
		else if (!rc && gone)
			rc = dangling_tell(p, list.item[i], key, name, e);
		if (!rc && !foreign && !gone)
			rc = strings_add(&kept, list.item[i], e);
	}
	if (!rc && kept.count < list.count)
		rc = kept.count ? step_list(p, key, name, &kept, why, e)
				: step_remove(p, key, name, why, e);
	strings_free(&list);
	strings_free(&kept);
	return rc;
}

static int set_look(struct enable_plan *p, const char *set, struct error *e)
{
	char base[ENABLE_KEY_SIZE], key[ENABLE_KEY_SIZE];
	struct strings classes = { 0 };
	int rc = enable_key(base, e, "%s\\Control\\Class", set);

	if (!rc && hive_has_key(p->h, base))
		rc = hive_keys(p->h, base, &classes, e);
	for (size_t i = 0; i < classes.count && !rc; i++) {
		const bool boot = is_boot_class(classes.item[i]);

		rc = enable_key(key, e, "%s\\%s", base, classes.item[i]);
		if (!rc)
			rc = list_look(p, set, key, "UpperFilters", boot, e);
		if (!rc)
			rc = list_look(p, set, key, "LowerFilters", boot, e);
	}
	strings_free(&classes);
	return rc;
}

int enable_filters(struct enable_plan *p, struct error *e)
{
	const struct strings *sets = &windows_of(p->g)->control_sets;
	int rc = 0;

	for (size_t i = 0; i < sets->count && !rc; i++)
		rc = set_look(p, sets->item[i], e);
	return rc;
}
