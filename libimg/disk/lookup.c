/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a reference leads.  The names are not checked, since symbolic links and ".." make any name
 * mean anything: the file is pinned with O_PATH, which opens nothing, and the kernel is asked where
 * it really is.
 */
#include "disk/lookup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/strings.h"
#include "disk/host_file.h"

enum { PROC_PATH = 40 };

static void proc_path(int fd, char out[PROC_PATH])
{
	snprintf(out, PROC_PATH, "/proc/self/fd/%d", fd);
}

/* "C:\x", "\\host\x", ".\x": nobody names a Unix file like that. */
static bool looks_windows(const char *s)
{
	if (isalpha((unsigned char)s[0]) && s[1] == ':' && (s[2] == '\\' || s[2] == '/'))
		return true;
	return s[0] == '\\' || !strncmp(s, ".\\", 2) || !strncmp(s, "..\\", 3);
}

/* "json:...", "nbd://...", "file:...": what QEMU would take for something else than a file name. */
static bool has_protocol(const char *s)
{
	return s[strcspn(s, ":/")] == ':';
}

/* The reference with slashes; a drive or a server makes it absolute. */
static int windows_path(const char *reference, char **out, struct error *e)
{
	bool drive = isalpha((unsigned char)reference[0]) && reference[1] == ':';
	char *path = strdup(reference + (drive ? 2 : 0));

	if (!path)
		return error_nomem(e, "a file name");
	for (char *c = path; *c; c++)
		if (*c == '\\')
			*c = '/';
	*out = path;
	return 0;
}

/* Adds FOLDER/PATH, where FOLDER is the first `len` bytes of `folder`, "." when there are none. */
static int place_add(
	struct strings *s, const char *folder, size_t len, const char *path, struct error *e)
{
	struct buffer b = { 0 };
	int rc = len ? buffer_append(&b, folder, len, e) : buffer_string(&b, ".", e);

	if (!rc)
		rc = buffer_format(&b, e, "/%s", path);
	if (!rc)
		rc = strings_add_new(s, buffer_text(&b), e);
	buffer_free(&b);
	return rc;
}

/* The places where the file could be, in the order in which to look. */
static int places_list(const char *image, const char *folder, const char *path, bool windows,
	struct strings *out, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *own = image ? strrchr(image, '/') : NULL;
	int rc = 0;

	if (*path != '/') {
		/* The slash is kept, so that "/x" is in "/". */
		rc = place_add(out, image, own ? (size_t)(own - image) + 1 : 0, path, e);
		if (!rc)
			rc = place_add(out, folder, strlen(folder), path, e);
	} else if (!windows) {
		rc = strings_add(out, path, e);
	}
	if (!rc && (*path == '/' || windows) && slash && slash[1])
		rc = place_add(out, folder, strlen(folder), slash + 1, e);
	return rc;
}

static bool is_inside(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	/* Only the root's name ends with a slash. */
	if (len && folder[len - 1] == '/')
		len--;
	return !strncmp(path, folder, len) && path[len] == '/';
}

/* Where the kernel says that the file is.  A name that does not fit is none. */
static bool real_path(int fd, char *out, size_t size)
{
	char proc[PROC_PATH];
	ssize_t len;

	proc_path(fd, proc);
	len = readlink(proc, out, size - 1);
	if (len <= 0 || (size_t)len == size - 1)
		return false;
	out[len] = '\0';
	return true;
}

static int found_check(int fd, const char *path, const char *folder, struct error *e)
{
	char real[4096];
	struct stat st;

	if (!real_path(fd, real, sizeof(real)) || !is_inside(real, folder))
		return error_set(e, ERR_REFUSED,
			"%.256s is not in %.256s, the folder whose files the image may refer to",
			path, folder);
	if (fstat(fd, &st))
		return error_errno(e, errno, "%.256s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_REFUSED, "%.256s is not a regular file", path);
	return 0;
}

/* The first place that has a fit file; what is wrong with the others is told only when none has. */
static int places_try(
	const struct strings *places, const char *folder, struct lookup *out, struct error *e)
{
	char real[4096];
	int rc = -ERR_NOTFOUND;

	for (size_t i = 0; i < places->count; i++) {
		int fd = open(places->item[i], O_PATH | O_CLOEXEC);

		if (fd < 0)
			continue;
		rc = found_check(fd, places->item[i], folder, e);
		if (!rc && real_path(fd, real, sizeof(real)) && (out->path = strdup(real))) {
			out->fd = fd;
			return 0;
		}
		close(fd);
		if (!rc)
			return error_nomem(e, "a file name");
	}
	return rc;
}

static int reference_find(const char *image, const char *folder, const char *path, bool windows,
	struct lookup *out, struct error *e)
{
	struct strings places = { 0 };
	char *real = realpath(folder, NULL);
	int rc;

	if (!real)
		return error_errno(e, errno, "the folder %.512s", folder);
	rc = places_list(image, real, path, windows, &places, e);
	if (!rc) {
		rc = places_try(&places, real, out, e);
		if (rc == -ERR_NOTFOUND)
			error_set(e, ERR_NOTFOUND, "no such file in %.512s", real);
	}
	strings_free(&places);
	free(real);
	return rc;
}

int lookup_open(const char *image, const char *folder, const char *reference, bool windows,
	struct lookup *out, struct error *e)
{
	char *path = NULL;
	int rc;

	*out = (struct lookup){ .fd = -1 };
	windows = windows || looks_windows(reference);
	if (!windows && has_protocol(reference))
		return error_set(e, ERR_REFUSED,
			"the image refers to %.512s, which is not the name of a file", reference);
	rc = windows ? windows_path(reference, &path, e)
		     : ((path = strdup(reference)) ? 0 : error_nomem(e, "a file name"));
	if (!rc)
		rc = reference_find(image, folder, path, windows, out, e);
	free(path);
	return rc ? error_prefix(e, "the image refers to %.384s", reference) : 0;
}

int lookup_file(const struct lookup *l, struct disk **out, struct error *e)
{
	char proc[PROC_PATH];

	/* Opens what is pinned, whatever has the name by now. */
	proc_path(l->fd, proc);
	return host_file_open(proc, out, e);
}

void lookup_close(struct lookup *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct lookup){ .fd = -1 };
}
