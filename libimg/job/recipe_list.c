/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job/recipe_private.h"

static int summary_read(const char *recipes, const char *file, struct recipe_summary **list,
	size_t *count, struct error *e)
{
	struct buffer path = { 0 }, schema = { 0 };
	struct recipe_summary *s;
	xmlDoc *doc = NULL;
	const xmlNode *root;
	int rc = buffer_format(&path, e, "%s/%s", recipes, file);

	if (!rc)
		rc = buffer_format(&schema, e, "%s/recipe.rng", recipes);
	if (!rc)
		rc = xml_load(buffer_text(&path), buffer_text(&schema), &doc, e);
	root = rc ? NULL : xmlDocGetRootElement(doc);
	if (root && xml_is(root, "recipe")) {
		s = recipe_grow((void **)list, count, sizeof(*s), e);
		rc = s ? xml_attribute(root, "name", &s->name, e) : -ERR_NOMEM;
		if (!rc)
			rc = xml_attribute(root, "tested", &s->tested, e);
		if (!rc)
			rc = xml_text(xml_first(root, "title"), &s->title, e);
		if (!rc &&
			(strncmp(file, s->name, strlen(s->name)) != 0 ||
				strcmp(file + strlen(s->name), ".xml") != 0))
			rc = error_set(e, ERR_CORRUPT, "%s:1: recipe %s has to be in a file %s.xml",
				buffer_text(&path), s->name, s->name);
	}
	xmlFreeDoc(doc);
	buffer_free(&path);
	buffer_free(&schema);
	return rc;
}

static int files_find(const char *recipes, struct strings *out, struct error *e)
{
	DIR *dir = opendir(recipes);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return error_errno(e, errno, "%s", recipes);
	while (!rc && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && dot != entry->d_name && !strcmp(dot, ".xml"))
			rc = strings_add(out, entry->d_name, e);
	}
	closedir(dir);
	strings_sort(out);
	return rc;
}

int recipes_list(const char *recipes, struct recipe_summary **out, size_t *count, struct error *e)
{
	struct strings files = { 0 };
	struct recipe_summary *list = NULL;
	size_t found = 0;
	int rc = files_find(recipes, &files, e);

	for (size_t i = 0; i < files.count && !rc; i++)
		rc = summary_read(recipes, files.item[i], &list, &found, e);
	strings_free(&files);
	if (rc) {
		recipes_list_free(list, found);
		return rc;
	}
	*out = list;
	*count = found;
	return 0;
}

void recipes_list_free(struct recipe_summary *l, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(l[i].name);
		free(l[i].title);
		free(l[i].tested);
	}
	free(l);
}
