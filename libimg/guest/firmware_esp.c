/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The EFI system partition and the names on it. */
#include <string.h>
#include <strings.h>

#include "guest/firmware.h"

/* Firmware looks at any FAT volume; only one with /EFI is for it. */
static bool has_efi(const struct guest_image *g, size_t i)
{
	struct buffer path = { 0 };
	struct tree *t = NULL;
	struct error e;
	bool has;

	if (!g->volume[i].fs || tree_open(g->volume[i].fs, "", NULL, &t, &e))
		return false;
	has = !firmware_path(t, "/EFI", &path, &e);
	buffer_free(&path);
	tree_close(t);
	return has;
}

size_t firmware_esp(const struct guest_image *g)
{
	size_t typed = SIZE_MAX, untyped = SIZE_MAX;

	for (size_t i = 0; i < g->volumes.count; i++) {
		const bool esp = g->volumes.volume[i].esp;
		const bool fat = g->id[i].type && !strcmp(g->id[i].type, "vfat");

		if (!esp && !fat)
			continue;
		if (esp && typed == SIZE_MAX)
			typed = i;
		if (!has_efi(g, i))
			continue;
		if (esp)
			return i;
		if (untyped == SIZE_MAX)
			untyped = i;
	}
	return typed != SIZE_MAX ? typed : untyped;
}

const char *firmware_fallback_name(const char *arch)
{
	if (arch && !strcmp(arch, "aarch64"))
		return "BOOTAA64.EFI";
	if (arch && !strcmp(arch, "i686"))
		return "BOOTIA32.EFI";
	return "BOOTX64.EFI";
}

const char *firmware_suffix(const char *arch)
{
	if (arch && !strcmp(arch, "aarch64"))
		return "aa64";
	if (arch && !strcmp(arch, "i686"))
		return "ia32";
	return "x64";
}

/* Appends the name that is `wanted` but for case. */
static int name_spelled(
	struct tree *t, struct buffer *path, const char *wanted, size_t len, struct error *e)
{
	struct strings names = { 0 };
	const char *found = NULL;
	int rc = tree_list(t, path->len ? buffer_text(path) : "/", &names, e);

	for (size_t i = 0; i < names.count && !rc; i++) {
		const char *name = names.item[i];

		if (strlen(name) != len || strncasecmp(name, wanted, len))
			continue;
		if (!found || !strncmp(name, wanted, len))
			found = name;
	}
	if (!rc && !found)
		rc = error_set(e, ERR_NOTFOUND, "%.200s has no %.*s",
			path->len ? buffer_text(path) : "/", (int)len, wanted);
	if (!rc)
		rc = buffer_format(path, e, "/%s", found);
	strings_free(&names);
	return rc;
}

/* With `fresh`, what is not there is taken as it is written. */
static int path_spelled(struct tree *t, const char *base, const char *path, bool fresh,
	struct buffer *out, struct error *e)
{
	struct buffer spelled = { 0 };
	bool missing = false;
	int rc = buffer_string(&spelled, base, e);

	for (const char *at = path; *at && !rc;) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len && !missing)
			rc = name_spelled(t, &spelled, at, len, e);
		missing = missing || (fresh && rc == -ERR_NOTFOUND);
		if (len && missing)
			rc = buffer_format(&spelled, e, "/%.*s", (int)len, at);
		at += len;
	}
	if (!rc)
		rc = buffer_string(out, buffer_text(&spelled), e);
	buffer_free(&spelled);
	return rc;
}

int firmware_path(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	return path_spelled(t, "", path, false, out, e);
}

int firmware_path_below(
	struct tree *t, const char *base, const char *path, struct buffer *out, struct error *e)
{
	return path_spelled(t, base, path, false, out, e);
}

int firmware_place(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	return path_spelled(t, "", path, true, out, e);
}
