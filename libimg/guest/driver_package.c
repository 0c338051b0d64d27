/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packages are read in two passes over each path: the INF files first, which say what is for the
 * platform, then the files that the chosen ones name.
 */
#include "guest/driver_package.h"

#include <stdlib.h>
#include <string.h>

#include "guest/driver_private.h"
#include "guest/inf_private.h"

void driver_package_free(struct driver_package *p)
{
	free(p->origin);
	free(p->directory);
	free(p->inf_name);
	buffer_free(&p->inf_bytes);
	inf_free(&p->inf);
	for (size_t i = 0; i < p->file_count; i++) {
		free(p->file[i].path);
		buffer_free(&p->file[i].bytes);
	}
	free(p->file);
	*p = (struct driver_package){ 0 };
}

void driver_packages_free(struct driver_packages *p)
{
	for (size_t i = 0; i < p->count; i++)
		driver_package_free(&p->package[i]);
	free(p->package);
	for (size_t i = 0; i < p->servicing_count; i++) {
		free(p->servicing[i].origin);
		free(p->servicing[i].name);
		buffer_free(&p->servicing[i].bytes);
	}
	free(p->servicing);
	strings_free(&p->passed_over);
	*p = (struct driver_packages){ 0 };
}

/* In the order of the paths, and in each by place. */
static int taken_compare(const void *a, const void *b)
{
	const struct driver_candidate *x = a, *y = b;

	return x->path != y->path ? (x->path > y->path) - (x->path < y->path)
				  : strcmp(x->place, y->place);
}

static int packages_give(struct driver_load *l, struct error *e)
{
	int rc = 0;

	if (l->count)
		qsort(l->candidate, l->count, sizeof(*l->candidate), taken_compare);
	for (size_t i = 0; !rc && i < l->count; i++) {
		struct driver_candidate *c = &l->candidate[i];

		if (c->dropped)
			continue;
		rc = driver_complete(&c->package, e);
		if (!rc)
			rc = driver_check(&c->package, l->wish, e);
		if (!rc)
			rc = inf_grow((void **)&l->out->package, l->out->count,
				sizeof(*l->out->package), e);
		if (!rc) {
			l->out->package[l->out->count++] = c->package;
			c->package = (struct driver_package){ 0 };
		}
	}
	return rc;
}

static void load_free(struct driver_load *l)
{
	for (size_t i = 0; i < l->count; i++) {
		driver_package_free(&l->candidate[i].package);
		free(l->candidate[i].place);
	}
	free(l->candidate);
	for (size_t i = 0; l->aliases && i < l->paths->count; i++)
		driver_aliases_free(&l->aliases[i]);
	free(l->aliases);
}

int driver_packages_load(const struct strings *paths, const struct driver_wish *wish,
	struct driver_packages *out, struct error *e)
{
	struct driver_packages packages = { 0 };
	struct driver_load l = { .wish = wish,
		.paths = paths,
		.aliases = calloc(paths->count + 1, sizeof(struct driver_aliases)),
		.out = &packages };
	int rc = l.aliases ? 0 : error_nomem(e, "driver packages");

	for (size_t i = 0; !rc && i < paths->count; i++)
		rc = driver_find(&l, i, e);
	if (!rc)
		rc = driver_choose(&l, e);
	for (size_t i = 0; !rc && i < paths->count; i++)
		rc = driver_collect(&l, i, e);
	if (!rc)
		rc = packages_give(&l, e);
	load_free(&l);
	if (rc)
		driver_packages_free(&packages);
	else
		*out = packages;
	return rc;
}
