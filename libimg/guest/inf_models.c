/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices an INF is for, of those that its platform may have. */
#include <stdlib.h>
#include <string.h>

#include "guest/inf_private.h"

enum { FOR_TOLD = 16 }; /* platforms that a message names */

struct models {
	struct inf_source *source;
	struct inf *inf;
	struct strings others; /* what it is for instead */
	bool any; /* there is a line in [Manufacturer] */
	const char *manufacturer, *manufacturer_token; /* of the section being read */
};

static int device_ids(struct inf_device *d, const struct inf_item *item, struct error *e)
{
	int rc = 0;

	for (size_t i = 1; !rc && i < item->field.count; i++)
		if (*item->field.item[i])
			rc = strings_add(&d->ids, item->field.item[i], e);
	d->compatible_only = d->ids.count && !*inf_field(item, 1);
	return rc;
}

/* Takes over what an earlier device has by the same section. */
static void install_share(struct inf_device *d, const struct inf_device *from)
{
	d->shared = true;
	d->feature_score = from->feature_score;
	d->file = from->file;
	d->file_count = from->file_count;
	d->service = from->service;
	d->service_count = from->service_count;
	d->registry = from->registry;
	d->hardware = from->hardware;
	d->upper_filters = from->upper_filters;
	d->lower_filters = from->lower_filters;
}

/* Finds the install section `name`, and does what it says. */
static int device_install(struct models *m, struct inf_device *d, const char *name, struct error *e)
{
	struct inf_source *s = m->source;
	const struct inf_section *section = NULL;
	size_t *first;
	int rc = inf_section_fitting(s, name, &section, e);

	if (!rc)
		rc = inf_copy(&d->section, section ? section->name : name, e);
	first = section ? &s->device[section - s->section] : NULL;
	if (!rc && first && *first) {
		install_share(d, &m->inf->device[*first - 1]);
		return 0;
	}
	if (first)
		*first = m->inf->device_count;
	return rc ? rc : inf_install_read(s, d, e);
}

static struct inf_device *device_new(struct inf *inf, struct error *e)
{
	struct inf_device *d;

	if (inf_grow((void **)&inf->device, inf->device_count, sizeof(*inf->device), e))
		return NULL;
	d = &inf->device[inf->device_count++];
	*d = (struct inf_device){ .feature_score = 0xff };
	return d;
}

/* description = install section[, hardware id][, compatible ids] */
static int model_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct models *m = arg;
	struct inf_device *d;
	int rc;

	if (!item->key || !*inf_field(item, 0))
		return 0;
	d = device_new(m->inf, e);
	if (!d)
		return -ERR_NOMEM;
	rc = inf_copy(&d->description, item->key, e);
	if (!rc && item->key_token)
		rc = inf_copy(&d->description_token, item->key_token, e);
	if (!rc)
		rc = inf_copy(&d->manufacturer, m->manufacturer, e);
	if (!rc && m->manufacturer_token)
		rc = inf_copy(&d->manufacturer_token, m->manufacturer_token, e);
	if (!rc)
		rc = device_ids(d, item, e);
	return rc ? rc : device_install(m, d, inf_field(item, 0), e);
}

static int other_note(struct models *m, const char *what, struct error *e)
{
	return m->others.count < FOR_TOLD && *what ? strings_add_new(&m->others, what, e) : 0;
}

/* The decoration of the line that fits best; *out NULL: none does.  Without an architecture it is
 * for x86 (since Windows Server 2003 SP1). */
static int decoration_choose(
	struct models *m, const struct inf_item *item, const char **out, struct error *e)
{
	const struct inf_platform *p = m->source->platform;
	struct inf_decoration closest = { 0 };
	const char *best = NULL;
	int rc = 0;

	for (size_t i = 1; !rc && i < item->field.count; i++) {
		const char *text = item->field.item[i];
		struct inf_decoration d;

		rc = other_note(m, text, e);
		if (!rc && inf_decoration_read(text, p, &d) && inf_decoration_fits(&d, p) &&
			(d.arch == INF_THIS_ARCH || p->arch == INF_X86) &&
			(!best || inf_decoration_closer(&d, &closest))) {
			best = text;
			closest = d;
		}
	}
	*out = best;
	return rc;
}

/* name = models section[, decoration...], or the name alone, which is that of the section. */
static int manufacturer_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct models *m = arg;
	const char *name = inf_field(item, 0), *decoration;
	struct buffer section = { 0 };
	int rc = decoration_choose(m, item, &decoration, e);

	m->any = true;
	m->manufacturer = item->key ? item->key : name;
	m->manufacturer_token = item->key_token;
	if (rc)
		return rc;
	if (decoration) {
		rc = buffer_format(&section, e, "%s.%s", name, decoration);
	} else if (m->source->platform->arch == INF_X86) {
		rc = buffer_string(&section, name, e);
	} else if (item->field.count < 2) {
		return other_note(m, "x86, being without decoration", e);
	}
	if (!rc && section.len)
		rc = inf_each(m->source, buffer_text(&section), model_visit, m, e);
	buffer_free(&section);
	return rc;
}

/* Drivers without a device: all of the INF is its [DefaultInstall]. */
static int default_install(struct models *m, struct error *e)
{
	const struct inf_section *section;
	struct inf_device *d;
	int rc = inf_section_fitting(m->source, "DefaultInstall", &section, e);

	if (!rc && !section)
		return inf_decorations(m->source, "DefaultInstall", &m->others, e);
	if (rc)
		return rc;
	d = device_new(m->inf, e);
	if (!d)
		return -ERR_NOMEM;
	rc = inf_copy(&d->description, "", e);
	if (!rc)
		rc = inf_copy(&d->manufacturer, "", e);
	return rc ? rc : device_install(m, d, "DefaultInstall", e);
}

static int refuse(const struct models *m, struct error *e)
{
	const struct inf_platform *p = m->source->platform;
	struct buffer list = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < m->others.count; i++)
		rc = buffer_format(&list, e, "%s%.100s", i ? ", " : "", m->others.item[i]);
	if (!rc)
		rc = error_set(e, ERR_UNSUPPORTED, "nothing in it is for %s Windows %u.%u.%u%s%s",
			inf_arch_name(p->arch), p->major, p->minor, p->build,
			list.len ? "; it is for " : "", buffer_text(&list));
	buffer_free(&list);
	return rc;
}

int inf_models_read(struct inf_source *s, struct inf *out, struct error *e)
{
	struct models m = { .source = s, .inf = out };
	int rc = inf_each(s, "Manufacturer", manufacturer_visit, &m, e);

	if (!rc && !m.any)
		rc = default_install(&m, e);
	if (!rc && !out->device_count)
		rc = refuse(&m, e);
	strings_free(&m.others);
	return rc;
}
