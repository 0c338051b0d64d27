/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A boot driver's key below Services, with the values that its INF has. */
#include <string.h>

#include "guest/windows_inject.h"

static int put_numbers(const struct inject *in, struct hive *h, const char *key,
	const struct inf_service *s, struct error *e)
{
	const struct {
		const char *name;
		uint32_t value;
	} numbers[] = { { "Type", s->type }, { "ErrorControl", s->error } };
	int rc = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !rc; i++)
		rc = hive_set_dword(h, key, numbers[i].name, numbers[i].value, in->why, e);
	return rc;
}

static int put_texts(const struct inject *in, struct hive *h, const char *key,
	const struct inf_service *s, const char *binary, struct error *e)
{
	int rc = hive_set_text(h, key, "ImagePath", HIVE_EXPAND_SZ, binary, in->why, e);

	if (!rc && s->group)
		rc = hive_set_text(h, key, "Group", HIVE_SZ, s->group, in->why, e);
	if (!rc && s->display)
		rc = hive_set_text(h, key, "DisplayName", HIVE_SZ, s->display, in->why, e);
	return rc;
}

/* A name with "+" in front is that of a group ("INF AddService directive", Dependencies). */
static int put_dependencies(const struct inject *in, struct hive *h, const char *key,
	const struct inf_service *s, struct error *e)
{
	struct strings services = { 0 }, groups = { 0 };
	int rc = 0;

	for (size_t i = 0; i < s->dependencies.count && !rc; i++) {
		const char *name = s->dependencies.item[i];

		rc = *name == '+' ? strings_add(&groups, name + 1, e)
				  : strings_add(&services, name, e);
	}
	if (!rc && services.count)
		rc = hive_set_list(h, key, "DependOnService", &services, in->why, e);
	if (!rc && groups.count)
		rc = hive_set_list(h, key, "DependOnGroup", &groups, in->why, e);
	strings_free(&services);
	strings_free(&groups);
	return rc;
}

/* Windows 8 and later switch a boot driver off for the hardware that it was not needed on. */
static int remove_override(
	const struct inject *in, struct hive *h, const char *key, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s\\StartOverride", key);

	if (!rc)
		rc = hive_remove_key(h, buffer_text(&path), in->why, e);
	buffer_free(&path);
	return rc;
}

int driver_service_put(const struct inject *in, struct hive *h, const char *set,
	const struct inf_service *s, const char *binary, bool keep, struct error *e)
{
	struct buffer key = { 0 };
	int rc = buffer_format(&key, e, "%s\\Services\\%s", set, s->name);

	if (!rc && !keep)
		rc = put_numbers(in, h, buffer_text(&key), s, e);
	if (!rc && !keep)
		rc = put_texts(in, h, buffer_text(&key), s, binary, e);
	if (!rc && !keep)
		rc = put_dependencies(in, h, buffer_text(&key), s, e);
	if (!rc && !keep)
		rc = driver_registry_put(
			h, buffer_text(&key), &s->registry, REGISTRY_APPLY, in->why, e);
	/* What is needed to find the disk is loaded by the boot loader or not at all. */
	if (!rc)
		rc = hive_set_dword(h, buffer_text(&key), "Start", 0, in->why, e);
	if (!rc)
		rc = remove_override(in, h, buffer_text(&key), e);
	buffer_free(&key);
	return rc;
}
