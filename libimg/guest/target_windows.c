/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a target file or a shared part says of Windows, less its drivers. */
#include <stdlib.h>

#include "guest/target_windows.h"

int target_number_read(const xmlNode *node, const char *name, uint32_t *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc)
		return rc;
	*out = text ? (uint32_t)strtoul(text, NULL, 10) : 0; /* 32 bits by the schema */
	free(text);
	return 0;
}

static int foreign_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_foreign *f = targets_grow(
		(void **)&t->foreign, &t->foreign_count, sizeof(*f), e);
	int rc = f ? xml_attribute(node, "service", &f->service, e) : -ERR_NOMEM;

	return rc ? rc : target_names_read(node, "key", &f->keys, e);
}

static int instead_read(const xmlNode *node, struct target_setting *s, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, "instead"); n && !rc; n = xml_next(n, "instead")) {
		uint32_t *slot = targets_grow(
			(void **)&s->instead, &s->instead_count, sizeof(*slot), e);

		rc = slot ? target_number_read(n, "value", slot, e) : -ERR_NOMEM;
	}
	return rc;
}

static int setting_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_setting *s = targets_grow(
		(void **)&t->setting, &t->setting_count, sizeof(*s), e);
	int rc = s ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "hive", &s->hive, e);
	if (!rc)
		rc = xml_attribute(node, "key", &s->key, e);
	if (!rc)
		rc = xml_attribute(node, "name", &s->name, e);
	if (!rc)
		rc = target_number_read(node, "value", &s->value, e);
	if (!rc)
		rc = target_flag_read(node, "present", &s->present, e);
	if (!rc)
		rc = xml_attribute(node, "finding", &s->finding, e);
	if (!rc)
		rc = xml_attribute(node, "why", &s->why, e);
	return rc ? rc : instead_read(node, s, e);
}

int target_windows_add(const char *path, const xmlNode *n, struct target *t, struct error *e)
{
	if (xml_is(n, "foreign"))
		return foreign_read(n, t, e);
	if (xml_is(n, "setting"))
		return setting_read(n, t, e);
	return xml_is(n, "driver") ? target_driver_add(path, n, t, e) : 0;
}

int target_windows_limits(const xmlNode *root, struct target *t, struct error *e)
{
	int rc = target_number_read(root, "windows-first", &t->windows_first, e);

	return rc ? rc : target_flag_read(root, "windows-64", &t->windows_64, e);
}

static void setting_free(struct target_setting *s)
{
	free(s->hive);
	free(s->key);
	free(s->name);
	free(s->instead);
	free(s->finding);
	free(s->why);
}

void target_windows_free(struct target *t)
{
	for (size_t i = 0; i < t->driver_count; i++)
		target_driver_free(&t->driver[i]);
	for (size_t i = 0; i < t->foreign_count; i++) {
		free(t->foreign[i].service);
		strings_free(&t->foreign[i].keys);
	}
	for (size_t i = 0; i < t->setting_count; i++)
		setting_free(&t->setting[i]);
	free(t->driver);
	free(t->foreign);
	free(t->setting);
}
