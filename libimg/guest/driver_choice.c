/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of packages for the same device, or of the same name, one is taken. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/driver_private.h"
#include "guest/inf_private.h"

enum { KEYS_MAX = 1 << 20 };

/* What only one package has: a name of an INF, or a hardware id. */
struct key {
	char *text; /* lower case; an id begins with "=" */
	bool owned;
};

struct keys {
	struct key *key; /* sorted once complete, each once */
	size_t count;
};

/* Packages for a device that has a driver already add to it, and so leave it to others. */
static bool adds_only(const struct driver_candidate *c)
{
	return !strcasecmp(c->package.inf.class_name, "Extension");
}

static bool is_hardware_id(const struct inf_device *d)
{
	return d->ids.count && !d->compatible_only;
}

static int key_add(struct keys *all, const char *mark, const char *text, struct error *e)
{
	struct buffer b = { 0 };
	int rc = inf_grow((void **)&all->key, all->count, sizeof(*all->key), e);

	if (!rc && all->count == KEYS_MAX)
		rc = error_set(e, ERR_RANGE, "more than %d devices", KEYS_MAX);
	if (!rc)
		rc = buffer_format(&b, e, "%s%s", mark, text);
	if (rc) {
		buffer_free(&b);
		return rc;
	}
	inf_lower((char *)b.data);
	all->key[all->count++] = (struct key){ .text = (char *)b.data };
	return 0;
}

static int key_compare(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

static void keys_sort(struct keys *all)
{
	size_t kept = 0;

	if (all->count)
		qsort(all->key, all->count, sizeof(*all->key), key_compare);
	for (size_t i = 0; i < all->count; i++) {
		if (kept && !strcmp(all->key[kept - 1].text, all->key[i].text))
			free(all->key[i].text);
		else
			all->key[kept++] = all->key[i];
	}
	all->count = kept;
}

static void keys_free(struct keys *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->key[i].text);
	free(all->key);
}

static int candidate_keys(const struct driver_candidate *c, struct keys *out, struct error *e)
{
	int rc = key_add(out, "", c->package.inf_name, e);

	for (size_t i = 0; !rc && !adds_only(c) && i < c->package.inf.device_count; i++) {
		const struct inf_device *d = &c->package.inf.device[i];

		if (is_hardware_id(d))
			rc = key_add(out, "=", d->ids.item[0], e);
	}
	return rc;
}

static int number_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Negative where `a` is the newer one: by date, as Windows ranks drivers, then by version. */
static int age_compare(const struct inf *a, const struct inf *b)
{
	int rc = number_compare((b->year * 12U + b->month) * 31U + b->day,
		(a->year * 12U + a->month) * 31U + a->day);

	for (unsigned i = 0; !rc && i < 4; i++)
		rc = number_compare(b->version[i], a->version[i]);
	return rc;
}

/* The better one first. */
static int candidate_compare(const void *a, const void *b)
{
	const struct driver_candidate *x = *(struct driver_candidate *const *)a,
				      *y = *(struct driver_candidate *const *)b;
	int rc = number_compare(y->package.exact, x->package.exact);

	if (!rc)
		rc = number_compare(y->windows.fit == FOLDER_SAME, x->windows.fit == FOLDER_SAME);
	if (!rc)
		rc = age_compare(&x->package.inf, &y->package.inf);
	if (!rc)
		rc = number_compare(y->windows.build, x->windows.build);
	if (!rc)
		rc = number_compare(x->path, y->path);
	return rc ? rc : strcmp(x->place, y->place);
}

/* Takes the candidate, unless a better one has what it needs; what was named by itself gives way
 * to one of its own name only. */
static int candidate_take(struct driver_candidate *c, struct keys *all, struct error *e)
{
	struct keys own = { 0 };
	int rc = candidate_keys(c, &own, e);

	for (unsigned pass = 0; !rc && pass < 2 && !c->dropped; pass++) {
		for (size_t i = 0; i < own.count; i++) {
			struct key *k = bsearch(
				&own.key[i], all->key, all->count, sizeof(*all->key), key_compare);

			if (pass)
				k->owned = true;
			else if (k->owned && (!c->package.exact || *k->text != '='))
				c->dropped = true;
		}
	}
	keys_free(&own);
	return rc;
}

static struct driver_candidate *named(struct driver_load *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (!l->candidate[i].dropped && !strcasecmp(l->candidate[i].package.inf_name, name))
			return &l->candidate[i];
	return NULL;
}

/* The older driver of that device claims nothing and only hides it. */
static void fwcfg_choose(struct driver_load *l)
{
	struct driver_candidate *older = named(l, "qemufwcfg.inf");

	if (older && !older->package.exact && named(l, "fwcfg.inf"))
		older->dropped = true;
}

int driver_choose(struct driver_load *l, struct error *e)
{
	struct driver_candidate **order = calloc(l->count + 1, sizeof(struct driver_candidate *));
	struct keys all = { 0 };
	int rc = order ? 0 : error_nomem(e, "driver packages");

	for (size_t i = 0; !rc && i < l->count; i++) {
		order[i] = &l->candidate[i];
		rc = candidate_keys(order[i], &all, e);
	}
	if (!rc && l->count) {
		keys_sort(&all);
		qsort(order, l->count, sizeof(*order), candidate_compare);
	}
	for (size_t i = 0; !rc && i < l->count; i++)
		rc = candidate_take(order[i], &all, e);
	if (!rc)
		fwcfg_choose(l);
	keys_free(&all);
	free(order);
	return rc;
}
