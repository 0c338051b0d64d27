/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the host: their bytes, and what is beside one, found as Windows would. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/driver_medium.h"

int medium_host_read(const char *path, size_t limit, struct buffer *out, struct error *e)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t piece[1 << 16];
	ssize_t got = 1;
	int rc = 0;

	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	while (!rc && (got = read(fd, piece, sizeof(piece))) > 0)
		rc = out->len + (size_t)got > limit
			? error_set(e, ERR_RANGE, "%s: more than %zu bytes", path, limit)
			: buffer_append(out, piece, (size_t)got, e);
	if (!rc && got < 0)
		rc = error_errno(e, errno, "%s", path);
	close(fd);
	return rc;
}

/* The name in a folder that means `wanted`, spelled so before others; NULL: none. */
static int name_find(
	const char *folder, const char *wanted, size_t len, char **out, struct error *e)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char *found = NULL;
	int rc = 0;

	*out = NULL;
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0
							   : error_errno(e, errno, "%s", folder);
	while (!rc && (errno = 0, entry = readdir(dir))) {
		const bool same = strlen(entry->d_name) == len &&
			!strncasecmp(entry->d_name, wanted, len);

		if (!same || entry->d_type == DT_LNK ||
			(found && strncmp(entry->d_name, wanted, len) &&
				strcmp(entry->d_name, found) > 0))
			continue;
		free(found);
		found = strdup(entry->d_name);
		if (!found)
			rc = error_nomem(e, "a name");
		else if (!strncmp(found, wanted, len))
			break;
	}
	closedir(dir);
	*out = found;
	return rc;
}

int medium_beside(const char *folder, const char *path, char **out, struct error *e)
{
	struct buffer at = { 0 };
	struct stat st;
	int rc = buffer_string(&at, folder, e);

	*out = NULL;
	while (!rc && *path) {
		const size_t len = strcspn(path, "/");
		char *name = NULL;

		rc = name_find(buffer_text(&at), path, len, &name, e);
		if (!rc && !name)
			break;
		if (!rc)
			rc = buffer_format(&at, e, "/%s", name);
		free(name);
		path += len + (path[len] != 0);
	}
	if (!rc && !*path && !lstat(buffer_text(&at), &st) && S_ISREG(st.st_mode)) {
		*out = strdup(buffer_text(&at));
		if (!*out)
			rc = error_nomem(e, "a name");
	}
	buffer_free(&at);
	return rc;
}
