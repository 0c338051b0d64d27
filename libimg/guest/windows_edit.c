/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe asks of a Windows guest.  Files and folders get the security that their folder
 * hands down. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/guest_edit_work.h"
#include "guest/windows_edit.h"

/* "C:\Windows\x" and "/Windows/x" are the same; the guest's own drive is C. */
static int path_make(const char *path, struct buffer *out, struct error *e)
{
	const bool has_drive = isalpha((unsigned char)path[0]) && path[1] == ':';
	int rc;

	if (has_drive && toupper((unsigned char)path[0]) != 'C')
		return error_set(
			e, ERR_NOTREADY, "%.200s is on a drive that is not the system's", path);
	rc = buffer_string(out, path + (has_drive ? 2 : 0), e);
	for (size_t i = 0; i < out->len && !rc; i++)
		if (out->data[i] == '\\')
			out->data[i] = '/';
	if (!rc && *buffer_text(out) != '/')
		return error_set(
			e, ERR_USAGE, "%.200s does not begin with \"/\" or \"C:\\\"", path);
	for (const char *at = rc ? NULL : strstr(buffer_text(out), "/.."); at;
		at = strstr(at + 1, "/.."))
		if (!at[3] || at[3] == '/')
			return error_set(e, ERR_USAGE, "%.200s holds \"..\"", path);
	return rc;
}

/* Numbers, and names of accounts, mean nothing here. */
static int looks_check(const struct guest_edit *edit, struct error *e)
{
	return edit->has_mode || edit->owner || edit->group
		? error_set(e, ERR_NOTREADY,
			  "Windows guests can't have permissions and owners of Linux")
		: 0;
}

/* A hive that is held in memory is written whole afterwards: a file put in its place would be lost,
 * or what was changed in it. */
static int hive_check(const struct edit_work *w, const char *path, struct error *e)
{
	const struct windows_guest *windows = windows_of(w->g);
	const size_t len = strlen(path);

	for (size_t i = 0; i < WINDOWS_HIVES; i++) {
		const char *hive = windows->hive[i].path;

		if (hive && !strncasecmp(hive, path, len) &&
			(!hive[len] || hive[len] == '/' || path[len - 1] == '/'))
			return error_set(e, ERR_REFUSED,
				"%s holds the guest's registry, which is changed by value only",
				path);
	}
	return 0;
}

static int path_edit(struct edit_work *w, int (*edit)(const struct edit_work *w, struct error *e),
	struct error *e)
{
	struct buffer path = { 0 };
	int rc = looks_check(w->edit, e);

	if (!rc)
		rc = path_make(w->edit->path, &path, e);
	w->path = buffer_text(&path);
	w->check = hive_check;
	w->crlf = true;
	if (!rc)
		rc = edit(w, e);
	w->path = NULL;
	buffer_free(&path);
	return rc;
}

int windows_edit(struct edit_work *w, struct error *e)
{
	switch (w->edit->kind) {
	case GUEST_COPY:
		return path_edit(w, edit_copy, e);
	case GUEST_WRITE:
		return path_edit(w, edit_write, e);
	case GUEST_APPEND:
		return path_edit(w, edit_append, e);
	case GUEST_REMOVE:
		return path_edit(w, edit_remove, e);
	case GUEST_MKDIR:
		return path_edit(w, edit_make_directory, e);
	case GUEST_REGISTRY:
		return windows_registry_edit(w, e);
	case GUEST_FIRST_BOOT:
		return windows_first_boot_edit(w, e);
	case GUEST_LINK:
	case GUEST_MODE:
	case GUEST_OWNER:
	case GUEST_ENABLE:
	case GUEST_DISABLE:
	case GUEST_USER:
	case GUEST_HOSTNAME:
	case GUEST_TIMEZONE:
	case GUEST_DATASOURCES:
	case GUEST_EDIT_KINDS:
		break;
	}
	return edit_refuse("Windows", e);
}
