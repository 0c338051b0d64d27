/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/target_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/xml.h"

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

void target_free(struct target *t)
{
	for (size_t i = 0; i < t->module_count; i++)
		module_free(&t->module[i]);
	for (size_t i = 0; i < t->property_count; i++) {
		free(t->property[i].name);
		free(t->property[i].value);
		free(t->property[i].when);
	}
	free(t->module);
	free(t->property);
	free(t->name);
	free(t->family);
	free(t->title);
	free(t->evidence);
	free(t->firmware);
	free(t->hypervisor);
}

static int flag_read(const xmlNode *node, const char *name, bool *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc)
		return rc;
	*out = text && (!strcmp(text, "true") || !strcmp(text, "1"));
	free(text);
	return 0;
}

static int need_read(const xmlNode *node, enum module_need *out, struct error *e)
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

static int alternatives_read(const xmlNode *node, struct strings *out, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, "alternative"); n && !rc;
		n = xml_next(n, "alternative")) {
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
		rc = need_read(node, &m->need, e);
	if (!rc)
		rc = flag_read(node, "initramfs", &m->initramfs, e);
	if (!rc)
		rc = alternatives_read(node, &m->alternatives, e);
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

/* What an element says of modules and properties. */
static int needs_read(const xmlNode *node, struct target *t, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, NULL); n && !rc; n = xml_next(n, NULL)) {
		if (xml_is(n, "module"))
			rc = module_read(n, t, e);
		else if (xml_is(n, "property"))
			rc = property_read(n, t, e);
	}
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

/* A validated <target>, and what the <targets> around it says for all. */
static int target_read(
	const xmlNode *family, const xmlNode *node, struct target *t, struct error *e)
{
	int rc = xml_attribute(node, "name", &t->name, e);

	if (!rc)
		rc = xml_attribute(family, "family", &t->family, e);
	if (!rc)
		rc = xml_attribute(family, "hypervisor", &t->hypervisor, e);
	if (!rc)
		rc = xml_attribute(family, "evidence", &t->evidence, e);
	if (!rc)
		rc = xml_attribute(node, "firmware", &t->firmware, e);
	if (!rc)
		rc = xml_text(xml_first(node, "title"), &t->title, e);
	if (!rc)
		rc = ram_read(node, &t->min_ram, e);
	if (!rc)
		rc = needs_read(family, t, e);
	if (!rc)
		rc = needs_read(node, t, e);
	return rc;
}

int target_file_load(const char *path, const char *schema, struct target_list *l, struct error *e)
{
	const xmlNode *root;
	xmlDoc *doc;
	int rc = xml_load(path, schema, &doc, e);

	if (rc)
		return rc;
	root = xmlDocGetRootElement(doc);
	for (xmlNode *n = xml_first(root, "target"); n && !rc; n = xml_next(n, "target")) {
		struct target t = { 0 };
		struct target *slot;

		rc = target_read(root, n, &t, e);
		if (!rc && target_by_name(l, t.name))
			rc = error_set(e, ERR_CORRUPT, "%s:%d: there already is a target %s", path,
				(int)n->line, t.name);
		slot = rc ? NULL : targets_grow((void **)&l->target, &l->count, sizeof(t), e);
		if (slot)
			*slot = t;
		else
			target_free(&t);
		if (!rc && !slot)
			rc = -ERR_NOMEM;
	}
	xmlFreeDoc(doc);
	return rc;
}
