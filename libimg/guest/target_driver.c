/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The element <driver> of a target file or a shared part. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/target_windows.h"

/* Which of the words an attribute is; their count where there is no such attribute. */
static int word_read(const xmlNode *node, const char *name, const char *const *words, size_t count,
	uint32_t *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc)
		return rc;
	*out = 0;
	while (*out < count && (!text || strcmp(text, words[*out]) != 0))
		(*out)++;
	free(text);
	return 0;
}

static int start_read(const xmlNode *node, struct target_driver *d, struct error *e)
{
	static const char *const starts[] = { "boot", "system", "auto", "demand" };
	static const char *const errors[] = { "ignore", "normal", "severe", "critical" };
	int rc = word_read(node, "start", starts, 4, &d->start, e);

	if (!rc)
		rc = word_read(node, "error", errors, 4, &d->error, e);
	if (d->start == 4)
		d->start = TARGET_AS_FOUND;
	if (d->error == 4)
		d->error = 1; /* as most drivers have it */
	return rc;
}

static int builds_read(const xmlNode *node, struct target_driver *d, struct error *e)
{
	int rc = target_number_read(node, "first", &d->first, e);

	if (!rc)
		rc = target_number_read(node, "last", &d->last, e);
	if (!rc)
		rc = target_number_read(node, "inbox-first", &d->inbox_first, e);
	if (!rc)
		rc = target_number_read(node, "inbox-last", &d->inbox_last, e);
	return rc;
}

static int install_read(const xmlNode *node, struct target_driver *d, struct error *e)
{
	struct target_install *i = targets_grow(
		(void **)&d->install, &d->install_count, sizeof(*i), e);
	int rc = i ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "id", &i->device, e);
	if (!rc)
		rc = xml_attribute(node, "configuration", &i->configuration, e);
	if (!rc)
		rc = target_flag_read(node, "support", &i->support, e);
	if (!rc)
		rc = xml_attribute(node, "description", &i->description, e);
	return rc;
}

static int devices_read(const xmlNode *node, struct target_driver *d, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, "device"); n && !rc; n = xml_next(n, "device")) {
		bool support, installed = xmlHasProp(n, (const xmlChar *)"configuration") != NULL;
		char *id = NULL;

		rc = target_flag_read(n, "support", &support, e);
		if (!rc)
			rc = xml_attribute(n, "id", &id, e);
		if (!rc && !support)
			rc = strings_add(&d->devices, id, e);
		if (!rc && installed)
			rc = install_read(n, d, e);
		free(id);
	}
	return rc;
}

static int parameter_read(const xmlNode *node, struct target_driver *d, struct error *e)
{
	struct target_parameter *p = targets_grow(
		(void **)&d->parameter, &d->parameter_count, sizeof(*p), e);
	int rc = p ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "key", &p->key, e);
	if (!rc && !p->key && !(p->key = strdup("")))
		rc = error_nomem(e, "a parameter");
	if (!rc)
		rc = xml_attribute(node, "name", &p->name, e);
	if (!rc)
		rc = target_number_read(node, "value", &p->value, e);
	return rc;
}

static int driver_read(const xmlNode *node, struct target *t, struct error *e)
{
	struct target_driver *d = targets_grow(
		(void **)&t->driver, &t->driver_count, sizeof(*d), e);
	int rc = d ? 0 : -ERR_NOMEM;

	if (!rc)
		rc = xml_attribute(node, "service", &d->service, e);
	if (!rc)
		rc = xml_attribute(node, "role", &d->role, e);
	if (!rc)
		rc = target_need_read(node, &d->need, e);
	if (!rc)
		rc = xml_attribute(node, "file", &d->file, e);
	if (!rc)
		rc = builds_read(node, d, e);
	if (!rc)
		rc = xml_attribute(node, "inf", &d->inf, e);
	if (!rc)
		rc = start_read(node, d, e);
	if (!rc)
		rc = xml_attribute(node, "group", &d->group, e);
	if (!rc)
		rc = xml_attribute(node, "class", &d->class_guid, e);
	if (!rc)
		rc = target_names_read(node, "file", &d->files, e);
	if (!rc)
		rc = devices_read(node, d, e);
	for (xmlNode *n = xml_first(node, "parameter"); n && !rc; n = xml_next(n, "parameter"))
		rc = parameter_read(n, d, e);
	if (!rc)
		rc = target_names_read(node, "alternative", &d->alternatives, e);
	return rc;
}

static bool builds_overlap(const struct target_driver *a, const struct target_driver *b)
{
	return (!a->last || b->first <= a->last) && (!b->last || a->first <= b->last);
}

/* What the schema can't say of the driver that was read last. */
static int driver_check(
	const struct target *t, const char *path, const xmlNode *node, struct error *e)
{
	const struct target_driver *d = &t->driver[t->driver_count - 1];
	const bool backwards = (d->last && d->last < d->first) ||
		(d->inbox_last && d->inbox_last < d->inbox_first);

	if (backwards)
		return error_set(e, ERR_CORRUPT, "%s:%d: driver %s is for builds %u to %u", path,
			(int)node->line, d->service, d->last < d->first ? d->first : d->inbox_first,
			d->last < d->first ? d->last : d->inbox_last);
	for (size_t i = 0; i + 1 < t->driver_count; i++)
		if (!strcasecmp(t->driver[i].service, d->service) &&
			builds_overlap(&t->driver[i], d))
			return error_set(e, ERR_CORRUPT,
				"%s:%d: target %s has driver %s twice for the same build", path,
				(int)node->line, t->name, d->service);
	return 0;
}

int target_driver_add(const char *path, const xmlNode *n, struct target *t, struct error *e)
{
	int rc = driver_read(n, t, e);

	return rc ? rc : driver_check(t, path, n, e);
}

static int alternatives_check(const char *path, const xmlNode *root, const struct target *t,
	const struct target_driver *d, struct error *e)
{
	for (size_t i = 0; i < d->alternatives.count; i++) {
		bool known = false;

		for (size_t k = 0; k < t->driver_count; k++)
			known = known || !strcasecmp(t->driver[k].service, d->alternatives.item[i]);
		if (!known)
			return error_set(e, ERR_CORRUPT,
				"%s:%d: target %s has no driver %s, the alternative of %s", path,
				(int)root->line, t->name, d->alternatives.item[i], d->service);
	}
	return 0;
}

int target_drivers_check(
	const char *path, const xmlNode *root, const struct target *t, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < t->driver_count && !rc; i++)
		rc = alternatives_check(path, root, t, &t->driver[i], e);
	return rc;
}

void target_driver_free(struct target_driver *d)
{
	for (size_t i = 0; i < d->install_count; i++) {
		free(d->install[i].device);
		free(d->install[i].configuration);
		free(d->install[i].description);
	}
	for (size_t i = 0; i < d->parameter_count; i++) {
		free(d->parameter[i].key);
		free(d->parameter[i].name);
	}
	free(d->install);
	free(d->parameter);
	free(d->service);
	free(d->role);
	free(d->file);
	free(d->inf);
	free(d->group);
	free(d->class_guid);
	strings_free(&d->files);
	strings_free(&d->devices);
	strings_free(&d->alternatives);
}
