/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The elements that say what a target needs, of a target file or a shared part. */
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "guest/target_windows.h"

int target_flag_read(const xmlNode *node, const char *name, bool *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc)
		return rc;
	*out = text && (!strcmp(text, "true") || !strcmp(text, "1"));
	free(text);
	return 0;
}

int target_need_read(const xmlNode *node, enum module_need *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, "need", &text, e);

	if (rc)
		return rc;
	*out = !strcmp(text, "boot")     ? NEED_BOOT
		: !strcmp(text, "later") ? NEED_LATER
					 : NEED_OPTIONAL;
	free(text);
	return 0;
}

/* The names of all children of one kind. */
int target_names_read(const xmlNode *node, const char *kind, struct strings *out, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, kind); n && !rc; n = xml_next(n, kind)) {
		char *name;

		rc = xml_attribute(n, "name", &name, e);
		if (!rc)
			rc = strings_add(out, name, e);
		free(name);
	}
	return rc;
}

static int module_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_module *m = targets_grow(
		(void **)&t->module, &t->module_count, sizeof(*t->module), e);
	int rc = m ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "name", &m->name, e);
	if (!rc)
		rc = xml_attribute(node, "role", &m->role, e);
	if (!rc)
		rc = xml_attribute(node, "config", &m->config, e);
	if (!rc)
		rc = target_need_read(node, &m->need, e);
	if (!rc)
		rc = target_flag_read(node, "initramfs", &m->initramfs, e);
	if (!rc)
		rc = target_names_read(node, "alternative", &m->alternatives, e);
	if (!rc)
		m->initramfs = m->initramfs || m->need == NEED_BOOT;
	return rc;
}

static int property_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_property *p = targets_grow(
		(void **)&t->property, &t->property_count, sizeof(*t->property), e);
	int rc = p ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "name", &p->name, e);
	if (!rc)
		rc = xml_attribute(node, "value", &p->value, e);
	if (!rc)
		rc = xml_attribute(node, "when", &p->when, e);
	return rc;
}

static int service_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_service *s = targets_grow(
		(void **)&t->service, &t->service_count, sizeof(*t->service), e);
	int rc = s ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "name", &s->name, e);
	if (!rc)
		rc = target_names_read(node, "unit", &s->units, e);
	if (!rc)
		rc = target_names_read(node, "package", &s->packages, e);
	return rc;
}

static int argument_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_argument *a = targets_grow(
		(void **)&t->argument, &t->argument_count, sizeof(*t->argument), e);
	char *action = NULL;
	int rc = a ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "name", &a->name, e);
	if (!rc)
		rc = xml_attribute(node, "value", &a->value, e);
	if (!rc)
		rc = xml_attribute(node, "action", &action, e);
	if (!rc)
		a->action = !strcmp(action, "add") ? ARGUMENT_ADD
			: !strcmp(action, "set")   ? ARGUMENT_SET
						   : ARGUMENT_REMOVE;
	free(action);
	return rc;
}

static int disk_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_disk *d = targets_grow(
		(void **)&t->disk, &t->disk_count, sizeof(*t->disk), e);
	int rc = d ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "format", &d->format, e);
	if (!rc)
		rc = target_flag_read(node, "usual", &d->usual, e);
	return rc;
}

static int datasource_read(const xmlNode *node, struct target *t, struct error *e)
{
	char *name;
	int rc = xml_attribute(node, "name", &name, e);

	if (!rc)
		rc = strings_add_new(&t->datasources, name, e);
	free(name);
	return rc;
}

/* Said twice, one of both would be overlooked by who edits the file. */
static int twice_check(
	const struct target *t, const char *path, const xmlNode *node, struct error *e)
{
	const struct target_module *m = t->module;
	const struct target_service *s = t->service;
	const char *name = NULL;

	for (size_t i = 0; i + 1 < t->module_count; i++)
		if (!strcmp(m[i].name, m[t->module_count - 1].name))
			name = m[i].name;
	for (size_t i = 0; i + 1 < t->service_count; i++)
		if (!strcmp(s[i].name, s[t->service_count - 1].name))
			name = s[i].name;
	if (!name)
		return 0;
	return error_set(e, ERR_CORRUPT, "%s:%d: target %s has %s twice", path, (int)node->line,
		t->name, name);
}

int target_need_add(const char *path, const xmlNode *n, struct target *t, struct error *e)
{
	static const struct {
		const char *name;
		int (*read)(const xmlNode *node, struct target *t, struct error *e);
	} kinds[] = {
		{ "module", module_read },
		{ "property", property_read },
		{ "service", service_read },
		{ "argument", argument_read },
		{ "disk", disk_read },
		{ "datasource", datasource_read },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !rc; i++)
		if (xml_is(n, kinds[i].name))
			rc = kinds[i].read(n, t, e);
	if (!rc)
		rc = target_windows_add(path, n, t, e);
	return rc ? rc : twice_check(t, path, n, e);
}
