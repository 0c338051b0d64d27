/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a newc archive to be appended to an initramfs. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/initramfs.h"

enum { CPIO_ALIGN = 4, CPIO_BLOCK = 512, CPIO_PATH_LIMIT = 4096 };

static int cpio_pad(struct cpio_writer *w, size_t unit, struct error *e)
{
	return buffer_zeros(&w->out, (unit - w->out.len % unit) % unit, e);
}

static uint32_t cpio_time(int64_t t)
{
	if (t < 0)
		return 0;
	return t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

static int cpio_entry(struct cpio_writer *w, const char *path, uint32_t mode, const void *bytes,
	size_t len, struct error *e)
{
	bool trailer = !mode;
	size_t name = strlen(path) + 1;
	int rc = buffer_format(&w->out, e,
		"070701%08" PRIX32 "%08" PRIX32 "%08X%08X%08X%08" PRIX32
		"%08zX%08X%08X%08X%08X%08zX%08X",
		trailer ? 0 : ++w->inode, mode, 0, 0, S_ISDIR(mode) ? 2 : 1,
		trailer ? 0 : cpio_time(w->mtime), len, 0, 0, 0, 0, name, 0);

	if (!rc)
		rc = buffer_append(&w->out, path, name, e);
	if (!rc)
		rc = cpio_pad(w, CPIO_ALIGN, e);
	if (!rc)
		rc = buffer_append(&w->out, bytes, len, e);
	return rc ? rc : cpio_pad(w, CPIO_ALIGN, e);
}

/* The path without leading "/" and "./". */
static const char *path_trim(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (path[0] == '.' && path[1] == '/')
			path += 2;
		else
			return path;
	}
}

static int path_check(const char *path, struct error *e)
{
	size_t len = strlen(path);

	if (!len || len >= CPIO_PATH_LIMIT || path[len - 1] == '/')
		return error_set(e, ERR_USAGE, "\"%.100s\" (%zu bytes) is no path for an initramfs",
			path, len);
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
			return error_set(
				e, ERR_USAGE, "path %.100s leads out of the initramfs", path);
	}
	return 0;
}

int cpio_known_directory(struct cpio_writer *w, const char *path, struct error *e)
{
	size_t len;

	path = path_trim(path);
	for (len = strlen(path); len && path[len - 1] == '/';)
		len--;
	return strings_add_len(&w->directories, path, len, e);
}

/* Emits the directories on the way to `path` that are not there yet. */
static int cpio_parents(struct cpio_writer *w, const char *path, struct error *e)
{
	const char *slash = strchr(path, '/');
	int rc = 0;

	for (; slash && !rc; slash = strchr(slash + 1, '/')) {
		char *directory = strndup(path, (size_t)(slash - path));

		if (!directory)
			return error_nomem(e, "directory name");
		if (!strings_have(&w->directories, directory)) {
			rc = cpio_entry(w, directory, S_IFDIR | 0755, NULL, 0, e);
			if (!rc)
				rc = strings_add(&w->directories, directory, e);
		}
		free(directory);
	}
	return rc;
}

int cpio_file(struct cpio_writer *w, const char *path, uint32_t mode, const void *bytes, size_t len,
	struct error *e)
{
	int rc;

	path = path_trim(path);
	rc = path_check(path, e);
	if (rc)
		return rc;
	if (len > UINT32_MAX)
		return error_set(
			e, ERR_RANGE, "%s has %zu bytes, more than a cpio entry holds", path, len);
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	rc = cpio_parents(w, path, e);
	return rc ? rc : cpio_entry(w, path, mode, bytes, len, e);
}

int cpio_finish(struct cpio_writer *w, struct error *e)
{
	int rc = cpio_entry(w, "TRAILER!!!", 0, NULL, 0, e);

	return rc ? rc : cpio_pad(w, CPIO_BLOCK, e);
}

void cpio_free(struct cpio_writer *w)
{
	buffer_free(&w->out);
	strings_free(&w->directories);
	*w = (struct cpio_writer){ 0 };
}
