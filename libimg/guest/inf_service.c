/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services of an INF ("INF AddService directive"). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

enum { ASSOCIATED = 2 }; /* SPSVCINST_ASSOCSERVICE */

struct reading {
	struct inf_source *source;
	struct inf_service *service;
	unsigned seen; /* bits: ServiceType, StartType, ErrorControl */
};

static int registry_add(struct reading *r, const struct inf_item *item, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < item->field.count; i++)
		rc = inf_reg_read(r->source, item->field.item[i], &r->service->registry, e);
	return rc;
}

static int dependencies_add(
	struct inf_service *service, const struct inf_item *item, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < item->field.count; i++)
		if (*item->field.item[i])
			rc = strings_add(&service->dependencies, item->field.item[i], e);
	return rc;
}

static int number_set(
	struct reading *r, unsigned which, const struct inf_item *item, struct error *e)
{
	struct inf_service *s = r->service;
	uint32_t *const into[] = { &s->type, &s->start, &s->error };

	if (!item->field.count)
		return error_set(e, ERR_CORRUPT, "line %u: no number", item->number);
	r->seen |= 1U << which;
	return inf_number(item, 0, 0, into[which], e);
}

static int service_visit(void *arg, const struct inf_item *item, struct error *e)
{
	static const char *const numbers[] = { "ServiceType", "StartType", "ErrorControl" };
	struct reading *r = arg;
	struct inf_service *s = r->service;

	for (unsigned i = 0; i < 3; i++)
		if (inf_key_is(item, numbers[i]))
			return number_set(r, i, item, e);
	if (inf_key_is(item, "ServiceBinary") && !s->binary)
		return inf_path_split(inf_field(item, 0), item->number, &s->binary_dirid,
			&s->binary_subdirectory, &s->binary, e);
	if (inf_key_is(item, "LoadOrderGroup") && *inf_field(item, 0))
		return inf_copy(&s->group, inf_field(item, 0), e);
	if (inf_key_is(item, "DisplayName") && *inf_field(item, 0))
		return inf_copy(&s->display, inf_field(item, 0), e);
	if (inf_key_is(item, "Dependencies"))
		return dependencies_add(s, item, e);
	return inf_key_is(item, "AddReg") ? registry_add(r, item, e) : 0;
}

void inf_service_free(struct inf_service *s)
{
	free(s->name);
	free(s->binary);
	free(s->binary_subdirectory);
	free(s->group);
	free(s->display);
	strings_free(&s->dependencies);
	inf_regs_free(&s->registry);
}

static int section_read(struct inf_source *source, const char *section, unsigned number,
	struct inf_service *s, struct error *e)
{
	struct reading r = { .source = source, .service = s };
	int rc = inf_each(source, section, service_visit, &r, e);

	if (rc)
		return rc;
	if (r.seen != 7 || !s->binary)
		return error_set(e, ERR_CORRUPT,
			"line %u: section [%.100s] does not say type, start, error control and "
			"binary of service %.100s",
			number, section, s->name);
	return 0;
}

/* name[, flags], service section[, ...] */
int inf_service_add(struct inf_source *source, const struct inf_item *item, struct inf_device *d,
	struct error *e)
{
	struct inf_service s = { 0 };
	uint32_t flags = 0;
	int rc;

	/* "AddService = , 2" says that the device has none. */
	if (!*inf_field(item, 0))
		return 0;
	rc = inf_grow((void **)&d->service, d->service_count, sizeof(*d->service), e);
	if (!rc)
		rc = inf_number(item, 1, 0, &flags, e);
	if (!rc)
		rc = inf_copy(&s.name, inf_field(item, 0), e);
	s.function = flags & ASSOCIATED;
	if (!rc)
		rc = section_read(source, inf_field(item, 2), item->number, &s, e);
	if (rc) {
		inf_service_free(&s);
		return rc;
	}
	d->service[d->service_count++] = s;
	return 0;
}
