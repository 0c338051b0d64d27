/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/host.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT 0x1ffffffff /* what a tar's headers hold */

#ifndef DATADIR
#define DATADIR "/usr/local/share/hvimg"
#endif

static bool is_recipes(const char *path)
{
	char targets[PATH_MAX];
	int len = snprintf(targets, sizeof(targets), "%s/targets", path);

	return len > 0 && (size_t)len < sizeof(targets) && !access(targets, R_OK | X_OK);
}

/* Recipes that lie beside the program: build/hvimg of a source tree finds ../recipes, an
 * installation that was moved
 * ../share/hvimg/recipes. */
static bool recipes_beside(const char *where, char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	size_t used, more = strlen(where) + 1;
	char *slash;

	if (len <= 0)
		return false;
	path[len] = '\0';
	slash = strrchr(path, '/');
	used = slash ? (size_t)(slash - path) : PATH_MAX;
	if (used + more > PATH_MAX)
		return false;
	memcpy(path + used, where, more);
	return is_recipes(path);
}

int recipes_folder(struct buffer *path, struct error *e)
{
	const char *chosen = getenv("HVIMG_RECIPES");
	char beside[PATH_MAX];

	if (chosen && *chosen) {
		if (!is_recipes(chosen))
			return error_set(e, ERR_NOTFOUND,
				"HVIMG_RECIPES: %s has no readable folder targets", chosen);
		return buffer_string(path, chosen, e);
	}
	if (recipes_beside("/../recipes", beside) ||
		recipes_beside("/../share/hvimg/recipes", beside))
		return buffer_string(path, beside, e);
	if (!is_recipes(DATADIR "/recipes"))
		return error_set(e, ERR_NOTFOUND,
			"no recipes in %s/recipes: install hvimg or set HVIMG_RECIPES", DATADIR);
	return buffer_string(path, DATADIR "/recipes", e);
}

int load_targets(
	const char *names, struct target_list *known, struct target_list *named, struct error *e)
{
	struct buffer folder = { 0 };
	int rc = recipes_folder(&folder, e);

	*known = *named = (struct target_list){ 0 };
	if (!rc)
		rc = targets_load_all(buffer_text(&folder), known, e);
	if (!rc && names)
		rc = targets_load(buffer_text(&folder), names, named, e);
	if (rc)
		targets_free(known);
	buffer_free(&folder);
	return rc;
}

const char *scratch_folder(const struct common *c)
{
	const char *from_host = getenv("TMPDIR");

	if (c->tmpdir)
		return c->tmpdir;
	return from_host && *from_host ? from_host : "/var/tmp";
}

int cache_folder(struct buffer *path, struct error *e)
{
	const char *chosen = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	/* XDG Base Directory Specification: a relative one is to be ignored. */
	if (chosen && *chosen == '/')
		return buffer_format(path, e, "%s/hvimg", chosen);
	return home && *home == '/' ? buffer_format(path, e, "%s/.cache/hvimg", home) : 0;
}

int source_date(uint64_t *out, struct error *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*out = 0;
	if (!text || !*text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || *end || *text == '-' || *out > TIME_LIMIT)
		return error_set(
			e, ERR_USAGE, "SOURCE_DATE_EPOCH: \"%.64s\" is no number of seconds", text);
	return 0;
}
