/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/target_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/xml.h"
#include "guest/target_windows.h"

void *targets_grow(void **array, size_t *count, size_t size, struct error *e)
{
	uint8_t *bigger = realloc(*array, (*count + 1) * size);

	if (!bigger) {
		error_nomem(e, "targets");
		return NULL;
	}
	*array = bigger;
	memset(bigger + *count * size, 0, size);
	return bigger + (*count)++ * size;
}

static void module_free(struct target_module *m)
{
	free(m->name);
	free(m->role);
	free(m->config);
	strings_free(&m->alternatives);
}

static void property_free(struct target_property *p)
{
	free(p->name);
	free(p->value);
	free(p->when);
}

static void service_free(struct target_service *s)
{
	free(s->name);
	strings_free(&s->units);
	strings_free(&s->packages);
}

static void argument_free(struct target_argument *a)
{
	free(a->name);
	free(a->value);
}

void target_free(struct target *t)
{
	for (size_t i = 0; i < t->module_count; i++)
		module_free(&t->module[i]);
	for (size_t i = 0; i < t->property_count; i++)
		property_free(&t->property[i]);
	for (size_t i = 0; i < t->service_count; i++)
		service_free(&t->service[i]);
	for (size_t i = 0; i < t->argument_count; i++)
		argument_free(&t->argument[i]);
	for (size_t i = 0; i < t->disk_count; i++)
		free(t->disk[i].format);
	target_windows_free(t);
	free(t->module);
	free(t->property);
	free(t->service);
	free(t->argument);
	free(t->disk);
	strings_free(&t->datasources);
	free(t->name);
	free(t->family);
	free(t->title);
	free(t->evidence);
	free(t->disks);
	free(t->firmware);
	free(t->hypervisor);
}

struct place {
	const char *directory, *schema;
	const char *path; /* the file that is read */
};

/* What the target needs of the drivers from `first` on, where it says so itself. */
static int shared_need(const xmlNode *use, struct target *t, size_t first, struct error *e)
{
	enum module_need need;
	int rc;

	if (!xmlHasProp(use, (const xmlChar *)"need"))
		return 0;
	rc = target_need_read(use, &need, e);
	for (size_t i = first; i < t->driver_count && !rc; i++)
		t->driver[i].need = need;
	return rc;
}

/* A name by the schema has neither dot nor slash, so only that folder is read. */
static int shared_read(const struct place *p, const xmlNode *use, struct target *t, struct error *e)
{
	const size_t first = t->driver_count;
	struct buffer path = { 0 };
	xmlDoc *doc = NULL;
	char *name;
	int rc = xml_attribute(use, "shared", &name, e);

	if (!rc)
		rc = buffer_format(&path, e, "%s/shared/%s.xml", p->directory, name);
	if (!rc)
		rc = xml_load(buffer_text(&path), p->schema, &doc, e);
	if (rc == -ERR_NOTFOUND)
		rc = error_set(e, ERR_CORRUPT, "%s:%d: there is no shared part %s", p->path,
			(int)use->line, name);
	if (!rc && !xml_is(xmlDocGetRootElement(doc), "shared"))
		rc = error_set(
			e, ERR_CORRUPT, "%s:1: is a target, not a shared part", buffer_text(&path));
	for (xmlNode *n = rc ? NULL : xml_first(xmlDocGetRootElement(doc), NULL); n && !rc;
		n = xml_next(n, NULL))
		rc = target_need_add(buffer_text(&path), n, t, e);
	if (!rc)
		rc = shared_need(use, t, first, e);
	xmlFreeDoc(doc);
	buffer_free(&path);
	free(name);
	return rc;
}

static int ram_read(const xmlNode *node, uint64_t *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, "min-ram", &text, e);

	if (rc)
		return rc;
	*out = text ? strtoull(text, NULL, 10) : 0; /* 32 bits by the schema */
	free(text);
	return 0;
}

/* A validated <target>. */
static int target_read(
	const struct place *p, const xmlNode *node, struct target *t, struct error *e)
{
	int rc = xml_attribute(node, "name", &t->name, e);

	if (!rc)
		rc = xml_attribute(node, "family", &t->family, e);
	if (!rc)
		rc = xml_attribute(node, "hypervisor", &t->hypervisor, e);
	if (!rc)
		rc = xml_attribute(node, "evidence", &t->evidence, e);
	if (!rc)
		rc = xml_attribute(node, "disks", &t->disks, e);
	if (!rc)
		rc = xml_attribute(node, "firmware", &t->firmware, e);
	if (!rc)
		rc = xml_text(xml_first(node, "title"), &t->title, e);
	if (!rc)
		rc = ram_read(node, &t->min_ram, e);
	if (!rc)
		rc = target_windows_limits(node, t, e);
	for (xmlNode *n = xml_first(node, NULL); n && !rc; n = xml_next(n, NULL))
		rc = xml_is(n, "use") ? shared_read(p, n, t, e) : target_need_add(p->path, n, t, e);
	return rc ? rc : target_drivers_check(p->path, node, t, e);
}

/* One name for both, so that no two files can be the same target. */
static int name_check(const struct place *p, const char *file, const xmlNode *root,
	const char *name, struct error *e)
{
	size_t len = strlen(name);

	if (!strncmp(file, name, len) && !strcmp(file + len, ".xml"))
		return 0;
	return error_set(e, ERR_CORRUPT, "%s:%d: target %s has to be in a file %s.xml", p->path,
		(int)root->line, name, name);
}

int target_file_load(const char *directory, const char *file, const char *schema,
	struct target *out, struct error *e)
{
	struct buffer path = { 0 };
	struct target t = { 0 };
	struct place p = { .directory = directory, .schema = schema };
	xmlDoc *doc = NULL;
	int rc = buffer_format(&path, e, "%s/%s", directory, file);

	p.path = buffer_text(&path);
	if (!rc)
		rc = xml_load(p.path, schema, &doc, e);
	if (!rc && !xml_is(xmlDocGetRootElement(doc), "target"))
		rc = error_set(
			e, ERR_CORRUPT, "%s:1: is no target: shared parts are in shared/", p.path);
	if (!rc)
		rc = target_read(&p, xmlDocGetRootElement(doc), &t, e);
	if (!rc)
		rc = name_check(&p, file, xmlDocGetRootElement(doc), t.name, e);
	xmlFreeDoc(doc);
	buffer_free(&path);
	if (rc) {
		target_free(&t);
		return rc;
	}
	*out = t;
	return 0;
}
