/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths in INF files: of files in the package, and below a folder of Windows. */
#include <stdlib.h>
#include <string.h>

#include "guest/inf_private.h"

/* A name that Windows takes, so that what it names is one file on both sides. */
static bool is_sound_name(const char *name, size_t len)
{
	if (name[len - 1] == '.' || name[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || strchr("<>:\"|?*", name[i]))
			return false;
	return true;
}

int inf_path_append(struct buffer *out, const char *path, unsigned number, struct error *e)
{
	int rc = 0;

	for (const char *at = path; !rc && *at;) {
		const size_t len = strcspn(at, "/\\");

		if (len && !(len == 1 && *at == '.')) {
			if (!is_sound_name(at, len))
				return error_set(e, ERR_CORRUPT,
					"line %u: \"%.200s\" leaves its folder, or is no path",
					number, path);
			rc = buffer_string(out, out->len ? "/" : "", e);
			if (!rc)
				rc = buffer_append(out, at, len, e);
		}
		at += len + (at[len] != 0);
	}
	return rc;
}

/* The folder's number and what is behind it; NULL: it begins with none. */
static const char *dirid_take(const char *path, unsigned *dirid)
{
	const char *end = *path == '%' ? strchr(path + 1, '%') : NULL;
	char digits[12];
	uint32_t n;

	if (!end || (size_t)(end - path - 1) >= sizeof(digits))
		return NULL;
	memcpy(digits, path + 1, (size_t)(end - path - 1));
	digits[end - path - 1] = 0;
	if (!inf_number_read(digits, &n))
		return NULL;
	*dirid = n;
	return end + 1;
}

int inf_path_split(const char *path, unsigned number, unsigned *dirid, char **subdirectory,
	char **name, struct error *e)
{
	const char *rest = dirid_take(path, dirid);
	struct buffer clean = { 0 };
	char *slash;
	int rc;

	if (!rest)
		return error_set(e, ERR_CORRUPT,
			"line %u: \"%.200s\" does not begin with the number of a folder, %%12%%",
			number, path);
	rc = inf_path_append(&clean, rest, number, e);
	if (!rc && !clean.len)
		rc = error_set(e, ERR_CORRUPT, "line %u: \"%.200s\" names no file", number, path);
	if (!rc) {
		slash = strrchr((char *)clean.data, '/');
		if (slash)
			*slash = 0;
		rc = inf_copy(name, slash ? slash + 1 : (char *)clean.data, e);
		if (!rc)
			rc = inf_copy(subdirectory, slash ? (char *)clean.data : "", e);
	}
	buffer_free(&clean);
	return rc;
}
