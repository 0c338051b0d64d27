/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry values that are looked at only, and that a guest may lack. */
#include <stdio.h>
#include <stdlib.h>

#include "guest/windows.h"

int windows_text(struct hive *h, const char *key, const char *name, char **out, struct error *e)
{
	struct error why = { 0 };

	*out = NULL;
	if (!h || !hive_get_text(h, key, name, out, &why))
		return 0;
	return error_of_host(&why, e);
}

int windows_number(struct hive *h, const char *key, const char *name, uint32_t otherwise,
	uint32_t *out, struct error *e)
{
	struct error why = { 0 };

	*out = otherwise;
	if (!h || !hive_get_dword(h, key, name, out, &why))
		return 0;
	return error_of_host(&why, e);
}

/* `key` of the current control set; false: there is none of it. */
static bool set_key(const struct guest_image *g, const char *key, char *out, size_t size)
{
	const struct windows_info *w = g->guest.windows;

	if (!w->current)
		return false;
	return (size_t)snprintf(out, size, "%s\\%s", w->current, key) < size;
}

int windows_set_text(
	struct guest_image *g, const char *key, const char *name, char **out, struct error *e)
{
	char path[512];

	*out = NULL;
	if (!set_key(g, key, path, sizeof(path)))
		return 0;
	return windows_text(windows_hive(g, WINDOWS_SYSTEM), path, name, out, e);
}

int windows_set_number(struct guest_image *g, const char *key, const char *name, uint32_t otherwise,
	uint32_t *out, struct error *e)
{
	char path[512];

	*out = otherwise;
	if (!set_key(g, key, path, sizeof(path)))
		return 0;
	return windows_number(windows_hive(g, WINDOWS_SYSTEM), path, name, otherwise, out, e);
}
