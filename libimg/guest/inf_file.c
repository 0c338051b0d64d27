/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of an INF: where they are in the package, and where they go. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

enum { DIRID_SYSTEM = 11 };

/* [SourceDisksNames]: diskid = description[, tag file][, unused][, path] */
struct disk_search {
	const char *id;
	const char *path; /* owned by the caller's buffer */
	struct buffer *out;
	bool found;
	unsigned number;
};

static int disk_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct disk_search *d = arg;

	if (d->found || !inf_key_is(item, d->id))
		return 0;
	d->found = true;
	return inf_path_append(d->out, inf_field(item, 3), item->number, e);
}

/* Names with the architecture come before those for all. */
static int section_names(
	const struct inf_source *s, const char *name, struct strings *out, struct error *e)
{
	struct buffer full = { 0 };
	int rc = buffer_format(&full, e, "%s.%s", name, inf_arch_name(s->platform->arch));

	if (!rc)
		rc = strings_add(out, buffer_text(&full), e);
	if (!rc)
		rc = strings_add(out, name, e);
	buffer_free(&full);
	return rc;
}

static int disk_path(struct inf_source *s, const char *id, struct buffer *out, struct error *e)
{
	struct disk_search d = { .id = id, .out = out };
	struct strings sections = { 0 };
	int rc = section_names(s, "SourceDisksNames", &sections, e);

	for (size_t i = 0; !rc && i < sections.count; i++)
		rc = inf_each(s, sections.item[i], disk_visit, &d, e);
	strings_free(&sections);
	return rc;
}

struct disk_files {
	struct inf_source *source;
	struct strings *paths;
};

/* [SourceDisksFiles]: file = diskid[, folder][, size] */
static int disk_file_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct disk_files *f = arg;
	struct buffer path = { 0 };
	int rc;

	if (!item->key || !*item->key)
		return 0;
	rc = disk_path(f->source, inf_field(item, 0), &path, e);
	if (!rc)
		rc = inf_path_append(&path, inf_field(item, 1), item->number, e);
	if (!rc)
		rc = inf_path_append(&path, item->key, item->number, e);
	if (!rc)
		rc = inf_table_add(&f->source->disk_files, item->key, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

int inf_disk_files_read(struct inf_source *s, struct strings *sources, struct error *e)
{
	struct disk_files f = { s, sources };
	struct strings sections = { 0 };
	const struct inf_table *t = &s->disk_files;
	int rc = section_names(s, "SourceDisksFiles", &sections, e);

	for (size_t i = 0; !rc && i < sections.count; i++)
		rc = inf_each(s, sections.item[i], disk_file_visit, &f, e);
	strings_free(&sections);
	inf_table_sort(&s->disk_files);
	for (size_t i = 0; !rc && i < t->count; i++)
		if (!i || strcmp(t->pair[i].name, t->pair[i - 1].name))
			rc = strings_add(sources, t->pair[i].value, e);
	return rc;
}

/* Where the files of one CopyFiles entry go: "list = dirid[, folder]" of [DestinationDirs]. */
struct copy {
	struct inf_source *source;
	struct inf_device *device;
	const char *list; /* "" for "@file" */
	unsigned dirid;
	struct buffer subdirectory;
	bool own; /* said for this list, not for all */
};

static int destination_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct copy *c = arg;
	const bool own = *c->list && inf_key_is(item, c->list);
	uint32_t dirid;
	int rc;

	if (c->own || (!own && !inf_key_is(item, "DefaultDestDir")))
		return 0;
	rc = inf_number(item, 0, DIRID_SYSTEM, &dirid, e);
	if (rc)
		return rc;
	c->dirid = dirid;
	c->own = own;
	buffer_free(&c->subdirectory);
	return inf_path_append(&c->subdirectory, inf_field(item, 1), item->number, e);
}

static int source_path(
	struct copy *c, const char *name, unsigned number, struct buffer *out, struct error *e)
{
	struct buffer lower = { 0 };
	const char *found;
	int rc = buffer_string(&lower, name, e);

	if (rc)
		return rc;
	inf_lower((char *)lower.data);
	found = inf_table_find(&c->source->disk_files, (char *)lower.data);
	buffer_free(&lower);
	/* Not listed: beside the INF. */
	return found ? buffer_string(out, found, e) : inf_path_append(out, name, number, e);
}

static int file_add(
	struct copy *c, const char *name, const char *source, unsigned number, struct error *e)
{
	struct inf_device *d = c->device;
	struct inf_file file = { .dirid = c->dirid };
	struct buffer clean = { 0 }, path = { 0 };
	int rc = inf_path_append(&clean, name, number, e);

	if (!rc && (!clean.len || strchr(buffer_text(&clean), '/')))
		rc = error_set(
			e, ERR_CORRUPT, "line %u: \"%.200s\" is no name of a file", number, name);
	if (!rc)
		rc = source_path(c, source, number, &path, e);
	if (!rc)
		rc = inf_grow((void **)&d->file, d->file_count, sizeof(*d->file), e);
	if (!rc)
		rc = inf_copy(&file.name, buffer_text(&clean), e);
	if (!rc)
		rc = inf_copy(&file.source, buffer_text(&path), e);
	if (!rc)
		rc = inf_copy(&file.subdirectory, buffer_text(&c->subdirectory), e);
	buffer_free(&clean);
	buffer_free(&path);
	if (rc) {
		free(file.name);
		free(file.source);
		free(file.subdirectory);
		return rc;
	}
	d->file[d->file_count++] = file;
	return 0;
}

/* destination name[, source name][, unused][, flags] */
static int list_visit(void *arg, const struct inf_item *item, struct error *e)
{
	const char *name = inf_field(item, 0), *source = inf_field(item, 1);

	return *name ? file_add(arg, name, *source ? source : name, item->number, e) : 0;
}

int inf_copy_read(struct inf_source *s, const char *name, unsigned number, struct inf_device *d,
	struct error *e)
{
	struct copy c = { .source = s, .device = d, .dirid = DIRID_SYSTEM };
	const bool single = *name == '@';
	int rc;

	c.list = single ? "" : name;
	rc = inf_each(s, "DestinationDirs", destination_visit, &c, e);
	if (!rc && single)
		rc = file_add(&c, name + 1, name + 1, number, e);
	else if (!rc)
		rc = inf_each(s, name, list_visit, &c, e);
	buffer_free(&c.subdirectory);
	return rc;
}
