/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A boot driver's files, where they lie before Windows has installed anything. */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/windows_inject.h"

enum { DIRID_WINDOWS = 10, DIRID_SYSTEM32 = 11, DIRID_DRIVERS = 12, DIRID_STORE = 13 };

static bool is_driver_file(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcasecmp(name + len - 4, ".sys");
}

/*
 * Where a file lies before Windows has installed anything, below its folder; false: it waits for
 * that.  A driver that is to be run from the package's own folder in the driver store, which only
 * Windows can name, starts from where drivers always were.
 */
static bool early_folder(unsigned dirid, const char *name, const char **folder)
{
	switch (dirid) {
	case DIRID_WINDOWS:
		*folder = "";
		return true;
	case DIRID_SYSTEM32:
		*folder = "System32/";
		return true;
	case DIRID_DRIVERS:
		*folder = "System32/drivers/";
		return true;
	case DIRID_STORE:
		*folder = "System32/drivers/";
		return is_driver_file(name);
	default:
		return false;
	}
}

int driver_early_path(unsigned dirid, const char *subdirectory, const char *name,
	struct buffer *out, struct error *e)
{
	const char *folder = NULL;

	if (!early_folder(dirid, name, &folder))
		return error_set(e, ERR_UNSUPPORTED,
			"the boot driver %s is to be put into a folder (%u) that hvimg does not "
			"know",
			name, dirid);
	/* The driver store's folders are of the package's making. */
	if (dirid == DIRID_STORE)
		subdirectory = "";
	return buffer_format(
		out, e, "%s%s%s%s", folder, subdirectory, *subdirectory ? "/" : "", name);
}

/* Of what lies there below the folder of Windows. */
static int guest_path(
	const struct inject *in, const char *below, struct buffer *out, struct error *e)
{
	struct strings parts = { 0 };
	const char *system32 = windows_of(in->g)->system32;
	int rc = strings_split(&parts, below, "/", e);

	for (size_t i = 0; i < parts.count && !rc; i++)
		if (!windows_is_plain_name(parts.item[i]))
			rc = error_set(e, ERR_UNSUPPORTED,
				"\"%s\" is a name that can't be given to a file of the guest",
				below);
	strings_free(&parts);
	if (rc)
		return rc;
	return strncmp(below, "System32/", 9)
		? buffer_format(out, e, "%s/%s", windows_of(in->g)->root, below)
		: buffer_format(out, e, "%s/%s", system32, below + 9);
}

int driver_is_newer_at(const struct inject *in, const char *path, const struct driver_file *file,
	bool *newer, struct error *e)
{
	struct buffer staged = { 0 };
	int rc = 0;

	*newer = false;
	if (!tree_is(in->g->tree, path, S_IFREG))
		return 0;
	rc = buffer_format(&staged, e, "%s/%s", in->folder, file->path);
	if (!rc)
		rc = driver_is_newer(in->g, path, buffer_text(&staged), newer, e);
	buffer_free(&staged);
	return rc;
}

int driver_file_put(const struct inject *in, const struct inf_file *f, struct error *e)
{
	const struct driver_file *file = NULL;
	const char *folder = NULL;
	struct buffer below = { 0 }, path = { 0 };
	bool newer = false;
	int rc;

	if (!early_folder(f->dirid, f->name, &folder))
		return 0;
	rc = driver_early_path(f->dirid, f->subdirectory, f->name, &below, e);
	if (!rc)
		rc = inject_file(in, f->source, &file, e);
	if (!rc)
		rc = guest_path(in, buffer_text(&below), &path, e);
	if (!rc)
		rc = driver_is_newer_at(in, buffer_text(&path), file, &newer, e);
	if (!rc && newer)
		rc = inject_note(in, "driver-newer-kept", SEVERITY_INFO, buffer_text(&path), e,
			"%s is newer than that of the package and stays", buffer_text(&path));
	else if (!rc)
		rc = windows_put(
			in->g, buffer_text(&path), file->bytes.data, file->bytes.len, in->why, e);
	buffer_free(&below);
	buffer_free(&path);
	return rc;
}
