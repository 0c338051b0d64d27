/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/target.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "guest/target_file.h"

/* Directory entries looked at; there are a handful. */
enum { FILE_LIMIT = 256 };

void targets_free(struct target_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		target_free(&l->target[i]);
	free(l->target);
	*l = (struct target_list){ 0 };
}

const struct target *target_by_name(const struct target_list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->target[i].name, name))
			return &l->target[i];
	return NULL;
}

bool target_has_disk(const struct target *t, const char *device)
{
	return !strncmp(device, "/dev/", 5) && !strncmp(device + 5, t->disks, strlen(t->disks));
}

bool target_driver_fits(const struct target_driver *d, uint32_t build)
{
	return build >= d->first && (!d->last || build <= d->last);
}

bool target_driver_is_inbox(const struct target_driver *d, uint32_t build)
{
	return d->inbox_first && build >= d->inbox_first &&
		(!d->inbox_last || build <= d->inbox_last);
}

const struct target_driver *target_driver_by_service(
	const struct target *t, const char *service, uint32_t build)
{
	for (size_t i = 0; i < t->driver_count; i++)
		if (!strcasecmp(t->driver[i].service, service) &&
			target_driver_fits(&t->driver[i], build))
			return &t->driver[i];
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* The names of target files, sorted, so that no order depends on the host's directory. */
static int files_list(const char *directory, struct strings *out, struct error *e)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return error_errno(e, errno, "%s", directory);
	while (!rc && (entry = readdir(d))) {
		if (!ends_with(entry->d_name, ".xml") || entry->d_name[0] == '.')
			continue;
		if (out->count == FILE_LIMIT)
			rc = error_set(
				e, ERR_RANGE, "%s: more than %d targets", directory, FILE_LIMIT);
		else
			rc = strings_add(out, entry->d_name, e);
	}
	closedir(d);
	strings_sort(out);
	return rc;
}

/* A target named as a family that it is not of would hide that family. */
static int names_check(const struct target_list *l, struct error *e)
{
	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < l->count; k++)
			if (!strcmp(l->target[i].name, l->target[k].family) &&
				strcmp(l->target[i].family, l->target[k].family) != 0)
				return error_set(e, ERR_CORRUPT,
					"target %s is named as the family of target %s",
					l->target[i].name, l->target[k].name);
	return 0;
}

static int file_add(const char *directory, const char *file, const char *schema,
	struct target_list *l, struct error *e)
{
	struct target t;
	struct target *slot;
	int rc = target_file_load(directory, file, schema, &t, e);

	if (rc)
		return rc;
	slot = targets_grow((void **)&l->target, &l->count, sizeof(t), e);
	if (!slot) {
		target_free(&t);
		return -ERR_NOMEM;
	}
	*slot = t;
	return 0;
}

int targets_load_all(const char *recipes, struct target_list *out, struct error *e)
{
	struct buffer directory = { 0 }, schema = { 0 };
	struct strings names = { 0 };
	struct target_list l = { 0 };
	int rc = buffer_format(&directory, e, "%s/targets", recipes);

	if (!rc)
		rc = buffer_format(&schema, e, "%s/target.rng", recipes);
	if (!rc)
		rc = files_list(buffer_text(&directory), &names, e);
	for (size_t i = 0; i < names.count && !rc; i++)
		rc = file_add(buffer_text(&directory), names.item[i], buffer_text(&schema), &l, e);
	if (!rc)
		rc = names_check(&l, e);
	strings_free(&names);
	buffer_free(&directory);
	buffer_free(&schema);
	if (rc) {
		targets_free(&l);
		return rc;
	}
	*out = l;
	return 0;
}

static int unknown(const struct target_list *all, const char *name, struct error *e)
{
	struct strings known = { 0 };
	struct buffer text = { 0 };
	int rc = 0;

	for (size_t i = 0; i < all->count && !rc; i++) {
		rc = strings_add_new(&known, all->target[i].family, e);
		if (!rc)
			rc = strings_add_new(&known, all->target[i].name, e);
	}
	for (size_t i = 0; i < known.count && !rc; i++)
		rc = buffer_format(&text, e, "%s%s", i ? ", " : "", known.item[i]);
	if (!rc)
		rc = error_set(e, ERR_USAGE, "no target %s: there are %s", name,
			text.len ? buffer_text(&text) : "none");
	strings_free(&known);
	buffer_free(&text);
	return rc;
}

/* Moves a target from one list to the other; a taken one is left without a name. */
static int take(struct target *from, bool by_family, struct target_list *to, struct error *e)
{
	struct target *slot = targets_grow((void **)&to->target, &to->count, sizeof(*slot), e);

	if (!slot)
		return -ERR_NOMEM;
	*slot = *from;
	slot->by_family = by_family;
	*from = (struct target){ 0 };
	return 0;
}

static int choose(
	struct target_list *all, const char *name, struct target_list *out, struct error *e)
{
	bool exact = false;
	int rc = 0;

	for (size_t i = 0; i < out->count; i++) {
		/* "hyperv,hyperv-gen1": the second word makes gen1 a must. */
		if (!strcmp(out->target[i].name, name)) {
			out->target[i].by_family = false;
			return 0;
		}
	}
	for (size_t i = 0; i < all->count; i++)
		exact = exact || (all->target[i].name && !strcmp(all->target[i].name, name));
	for (size_t i = 0; i < all->count && !rc; i++) {
		struct target *t = &all->target[i];

		if (t->name && !strcmp(exact ? t->name : t->family, name))
			rc = take(t, !exact, out, e);
	}
	return rc;
}

static bool is_known(const struct target_list *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->target[i].name, name) || !strcmp(all->target[i].family, name))
			return true;
	return false;
}

int targets_load(const char *recipes, const char *names, struct target_list *out, struct error *e)
{
	struct target_list all = { 0 }, chosen = { 0 };
	struct strings wanted = { 0 };
	int rc = targets_load_all(recipes, &all, e);

	if (!rc)
		rc = strings_split(&wanted, names, ",", e);
	if (!rc && !wanted.count)
		rc = error_set(e, ERR_USAGE, "no target named");
	for (size_t i = 0; i < wanted.count && !rc; i++)
		if (!is_known(&all, wanted.item[i]))
			rc = unknown(&all, wanted.item[i], e);
	for (size_t i = 0; i < wanted.count && !rc; i++)
		rc = choose(&all, wanted.item[i], &chosen, e);
	strings_free(&wanted);
	targets_free(&all);
	if (rc) {
		targets_free(&chosen);
		return rc;
	}
	*out = chosen;
	return 0;
}
