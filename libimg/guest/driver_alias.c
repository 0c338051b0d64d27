/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are other names of one in the same archive, as media of many drivers have them. */
#include <stdlib.h>
#include <string.h>

#include "guest/driver_private.h"
#include "guest/inf_private.h"

enum { ALIASES_MAX = 1 << 16 };

char *driver_lower(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		inf_lower(copy);
	return copy;
}

int driver_alias_note(struct driver_aliases *all, const struct medium_file *f, struct error *e)
{
	struct driver_alias a;
	int rc;

	if (!f->link)
		return 0;
	if (all->count == ALIASES_MAX)
		return error_set(e, ERR_RANGE, "more than %d names of other files", ALIASES_MAX);
	rc = inf_grow((void **)&all->alias, all->count, sizeof(*all->alias), e);
	if (rc)
		return rc;
	a = (struct driver_alias){ driver_lower(f->place), driver_lower(f->link) };
	all->alias[all->count++] = a;
	return a.place && a.target ? 0 : error_nomem(e, "a name");
}

static int alias_compare(const void *a, const void *b)
{
	return strcmp(
		((const struct driver_alias *)a)->place, ((const struct driver_alias *)b)->place);
}

void driver_aliases_sort(struct driver_aliases *all)
{
	if (all->count)
		qsort(all->alias, all->count, sizeof(*all->alias), alias_compare);
}

const char *driver_alias_target(const struct driver_aliases *all, const char *place)
{
	size_t low = 0, high = all->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(all->alias[middle].place, place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < all->count && !strcmp(all->alias[low].place, place) ? all->alias[low].target
									 : place;
}

void driver_aliases_free(struct driver_aliases *all)
{
	for (size_t i = 0; i < all->count; i++) {
		free(all->alias[i].place);
		free(all->alias[i].target);
	}
	free(all->alias);
	all->alias = NULL;
	all->count = 0;
}
