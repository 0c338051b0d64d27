/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an install section does, and the sections that belong to it ("INF DDInstall section"). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

enum { NEEDED_MAX = 256 }; /* sections that one needs */

struct installing {
	struct inf_source *source;
	struct inf_device *device;
};

struct needed {
	struct inf_source *source;
	struct strings *sections;
};

static int needs_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct needed *n = arg;
	const bool needs = inf_key_is(item, "Needs"), include = inf_key_is(item, "Include");
	int rc = 0;

	for (size_t i = 0; !rc && (needs || include) && i < item->field.count; i++) {
		char *name = item->field.item[i];

		inf_lower(name);
		if (*name)
			rc = strings_add_new(needs ? n->sections : n->source->included, name, e);
		if (!rc &&
			(n->sections->count > NEEDED_MAX ||
				n->source->included->count > NEEDED_MAX))
			rc = error_set(e, ERR_RANGE, "line %u: more than %d sections are needed",
				item->number, NEEDED_MAX);
	}
	return rc;
}

/* A section of an included INF, which Windows has, is not found and so passed over. */
int inf_each_needed(
	struct inf_source *s, const char *section, inf_visit visit, void *arg, struct error *e)
{
	struct strings sections = { 0 };
	struct needed n = { s, &sections };
	int rc = inf_section_find(s, section) ? strings_add(&sections, section, e) : 0;

	if (!rc && sections.count)
		inf_lower(sections.item[0]);
	for (size_t i = 0; !rc && i < sections.count; i++)
		rc = inf_each(s, sections.item[i], needs_visit, &n, e);
	for (size_t i = 0; !rc && i < sections.count; i++)
		rc = inf_each(s, sections.item[i], visit, arg, e);
	strings_free(&sections);
	return rc;
}

static int registry_add(
	struct inf_source *s, const struct inf_item *item, struct inf_regs *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < item->field.count; i++)
		rc = inf_reg_read(s, item->field.item[i], out, e);
	return rc;
}

static int files_add(
	struct inf_source *s, const struct inf_item *item, struct inf_device *d, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < item->field.count; i++)
		if (*item->field.item[i])
			rc = inf_copy_read(s, item->field.item[i], item->number, d, e);
	return rc;
}

/* Two hexadecimal digits, with or without "0x". */
static int score_read(const struct inf_item *item, struct inf_device *d, struct error *e)
{
	const char *text = inf_field(item, 0), *digits = text;

	if (!strncasecmp(digits, "0x", 2))
		digits += 2;
	if (!*digits || strlen(digits) > 2 ||
		strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
		return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no feature score",
			item->number, text);
	d->feature_score = (uint8_t)strtoul(digits, NULL, 16);
	return 0;
}

static int install_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct installing *i = arg;

	if (inf_key_is(item, "CopyFiles"))
		return files_add(i->source, item, i->device, e);
	if (inf_key_is(item, "AddReg"))
		return registry_add(i->source, item, &i->device->registry, e);
	return inf_key_is(item, "FeatureScore") ? score_read(item, i->device, e) : 0;
}

/* What co-installers write is for a first installation that Windows does itself. */
static int coinstallers_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct installing *i = arg;

	return inf_key_is(item, "CopyFiles") ? files_add(i->source, item, i->device, e) : 0;
}

static int hardware_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct installing *i = arg;

	return inf_key_is(item, "AddReg") ? registry_add(i->source, item, &i->device->hardware, e)
					  : 0;
}

static int services_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct installing *i = arg;

	return inf_key_is(item, "AddService") ? inf_service_add(i->source, item, i->device, e) : 0;
}

struct filter {
	const char *name;
	struct inf_device *device;
};

/* A filter with a level of its own goes where the base driver's INF has put that level, which the
 * guest's Windows knows. */
static int filter_visit(void *arg, const struct inf_item *item, struct error *e)
{
	const struct filter *f = arg;

	if (!inf_key_is(item, "FilterPosition"))
		return 0;
	if (!strcasecmp(inf_field(item, 0), "Upper"))
		return strings_add_new(&f->device->upper_filters, f->name, e);
	if (!strcasecmp(inf_field(item, 0), "Lower"))
		return strings_add_new(&f->device->lower_filters, f->name, e);
	return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no position of a filter",
		item->number, inf_field(item, 0));
}

/* name[, flags], filter section ("INF AddFilter directive") */
static int filters_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct installing *i = arg;
	struct filter f = { inf_field(item, 0), i->device };

	if (!inf_key_is(item, "AddFilter") || !*f.name)
		return 0;
	return inf_each(i->source, inf_field(item, 2), filter_visit, &f, e);
}

static int name_add(struct strings *out, const struct buffer *name, struct error *e)
{
	return name->len ? strings_add_new(out, buffer_text(name), e) : 0;
}

/* The texts of a value that the registry would hold, of ASCII as names of services are. */
static int list_texts(const struct inf_reg *r, struct strings *out, struct error *e)
{
	struct buffer name = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i + 1 < r->len; i += 2) {
		if (r->data[i] || r->data[i + 1]) {
			rc = buffer_append(&name, r->data + i, 1, e);
		} else {
			rc = name_add(out, &name, e);
			buffer_free(&name);
		}
	}
	buffer_free(&name);
	return rc;
}

/* The older way: values of the device's key. */
static int hardware_filters(struct inf_device *d, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < d->hardware.count; i++) {
		const struct inf_reg *r = &d->hardware.reg[i];

		if (strcmp(r->root, "HKR") || *r->key)
			continue;
		if (!strcasecmp(r->name, "UpperFilters"))
			rc = list_texts(r, &d->upper_filters, e);
		else if (!strcasecmp(r->name, "LowerFilters"))
			rc = list_texts(r, &d->lower_filters, e);
	}
	return rc;
}

int inf_install_read(struct inf_source *s, struct inf_device *d, struct error *e)
{
	static const struct {
		const char *suffix;
		inf_visit visit;
	} parts[] = { { "", install_visit }, { ".CoInstallers", coinstallers_visit },
		{ ".HW", hardware_visit }, { ".Services", services_visit },
		{ ".Filters", filters_visit } };
	struct installing i = { s, d };
	int rc = 0;

	for (size_t p = 0; !rc && p < sizeof(parts) / sizeof(*parts); p++) {
		struct buffer name = { 0 };

		rc = buffer_format(&name, e, "%s%s", d->section, parts[p].suffix);
		if (!rc)
			rc = inf_each_needed(s, buffer_text(&name), parts[p].visit, &i, e);
		buffer_free(&name);
	}
	return rc ? rc : hardware_filters(d, e);
}
