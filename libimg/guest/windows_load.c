/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where Windows is on its volume, and its registry. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/windows.h"

static const char *const hive_names[WINDOWS_HIVES] = { "config/SYSTEM", "config/SOFTWARE" };

/* What is below `base`, as spelled; *out NULL: nothing. */
static int find(struct tree *t, const char *base, const char *path, char **out, struct error *e)
{
	struct buffer spelled = { 0 };
	struct error why = { 0 };

	*out = NULL;
	if (!firmware_path_below(t, base, path, &spelled, &why)) {
		*out = (char *)spelled.data;
		return 0;
	}
	buffer_free(&spelled);
	return error_of_host(&why, e);
}

static int exists(struct tree *t, const char *base, const char *path, bool *is, struct error *e)
{
	char *found;
	int rc = find(t, base, path, &found, e);

	*is = !rc && found;
	free(found);
	return rc;
}

/* Whether the folder is one that Windows can run from; *system32 NULL: it is not. */
static int system_find(struct tree *t, const char *root, char **system32, struct error *e)
{
	bool config = false, shell = false, kernel = false;
	int rc = find(t, root, "System32", system32, e);

	if (rc || !*system32)
		return rc;
	rc = exists(t, *system32, "config", &config, e);
	if (!rc)
		rc = exists(t, *system32, "cmd.exe", &shell, e);
	if (!rc && !shell)
		rc = exists(t, *system32, "ntoskrnl.exe", &kernel, e);
	if (rc || !config || (!shell && !kernel)) {
		free(*system32);
		*system32 = NULL;
	}
	return rc;
}

/* The folder's name is the installer's choice; these are its usual ones. */
static int root_find(struct tree *t, char **root, char **system32, struct error *e)
{
	static const char *const folders[] = { "Windows", "WINNT", "WIN32", "WIN", "ReactOS" };
	int rc = 0;

	*root = *system32 = NULL;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !rc && !*system32; i++) {
		free(*root);
		rc = find(t, "", folders[i], root, e);
		if (!rc && *root)
			rc = system_find(t, *root, system32, e);
	}
	if (rc || !*system32) {
		free(*root);
		*root = NULL;
	}
	return rc;
}

int windows_is_root(struct guest_image *g, size_t index, bool *answer, struct error *e)
{
	char *root = NULL, *system32 = NULL;
	struct tree *t = NULL;
	int rc = tree_open(g->volume[index].fs, g->volumes.volume[index].id, NULL, &t, e);

	if (rc)
		return rc;
	rc = root_find(t, &root, &system32, e);
	*answer = !rc && root;
	free(root);
	free(system32);
	tree_close(t);
	return rc;
}

static int missing(struct windows_hive *h, const char *folder, const char *name, struct error *e)
{
	struct error text = { 0 };

	error_set(&text, ERR_NOTFOUND, "%s has no %s", folder, name);
	h->problem_code = text.code;
	h->problem = strdup(text.text);
	return h->problem ? 0 : error_nomem(e, "a hive");
}

static int hives_open(struct guest_image *g, struct windows_guest *w, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < WINDOWS_HIVES && !rc; i++) {
		struct windows_hive *h = &w->hive[i];
		char *path = NULL;

		rc = find(g->tree, w->system32, hive_names[i], &path, e);
		if (!rc && path)
			rc = windows_hive_open(g, path, h, e);
		else if (!rc)
			rc = missing(h, w->system32, hive_names[i], e);
		if (!rc && (h->problem_code == ERR_REFUSED || (h->hive && hive_was_dirty(h->hive))))
			g->guest.windows->hive_dirty = true;
		free(path);
	}
	return rc;
}

static bool is_control_set(const char *key)
{
	static const char name[] = "ControlSet";
	const size_t len = sizeof(name) - 1;

	return !strncasecmp(key, name, len) && isdigit((unsigned char)key[len]) &&
		isdigit((unsigned char)key[len + 1]) && isdigit((unsigned char)key[len + 2]) &&
		!key[len + 3];
}

/* The current one first. */
static int control_sets_load(struct guest_image *g, struct windows_guest *w, struct error *e)
{
	struct hive *h = w->hive[WINDOWS_SYSTEM].hive;
	struct windows_info *info = g->guest.windows;
	struct strings keys = { 0 };
	uint32_t number = 0;
	char current[32];
	int rc;

	if (!h)
		return 0;
	rc = windows_number(h, "Select", "Current", 0, &number, e);
	snprintf(current, sizeof(current), "ControlSet%03u", number);
	if (!rc)
		rc = hive_keys(h, "", &keys, e);
	for (size_t i = 0; i < keys.count && !rc && !info->current; i++)
		if (!strcasecmp(keys.item[i], current) && is_control_set(current)) {
			info->current = strdup(keys.item[i]);
			rc = info->current ? strings_add(&w->control_sets, keys.item[i], e)
					   : error_nomem(e, "a control set");
		}
	for (size_t i = 0; i < keys.count && !rc; i++)
		if (is_control_set(keys.item[i]))
			rc = strings_add_new(&w->control_sets, keys.item[i], e);
	for (size_t i = 0; i < w->control_sets.count && !rc; i++)
		rc = strings_add(&info->control_sets, w->control_sets.item[i], e);
	strings_sort(&info->control_sets);
	strings_free(&keys);
	return rc;
}

static int state_make(struct guest_image *g, struct error *e)
{
	struct windows_guest *w = calloc(1, sizeof(*w));

	g->state = w;
	g->guest.windows = calloc(1, sizeof(*g->guest.windows));
	if (!w || !g->guest.windows)
		return error_nomem(e, "a guest");
	return 0;
}

int windows_load(struct guest_image *g, size_t index, struct error *e)
{
	struct windows_guest *w;
	int rc = state_make(g, e);

	if (!rc)
		rc = tree_open(
			g->volume[index].fs, g->volumes.volume[index].id, g->journal, &g->tree, e);
	if (rc)
		return rc;
	w = windows_of(g);
	rc = root_find(g->tree, &w->root, &w->system32, e);
	if (!rc && !w->root)
		rc = error_set(e, ERR_NOTFOUND, "there is no Windows folder");
	if (!rc) {
		g->guest.windows->system_root = strdup(w->root);
		rc = g->guest.windows->system_root ? 0 : error_nomem(e, "a guest");
	}
	if (!rc)
		rc = hives_open(g, w, e);
	if (!rc)
		rc = control_sets_load(g, w, e);
	if (!rc)
		rc = windows_version_load(g, e);
	if (!rc)
		rc = windows_state_load(g, e);
	if (!rc)
		rc = windows_services_load(g, e);
	return rc ? rc : windows_bcd_load(g, e);
}

void windows_forget(struct guest_image *g)
{
	struct windows_guest *w = windows_of(g);

	if (!w)
		return;
	for (size_t i = 0; i < WINDOWS_HIVES; i++)
		windows_hive_close(&w->hive[i]);
	strings_free(&w->control_sets);
	free(w->root);
	free(w->system32);
	free(w);
}
