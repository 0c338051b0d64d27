/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/work_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Splits the destination into an open folder and a name. */
static int split(struct work_folder *w, const char *destination, struct error *e)
{
	size_t end = strlen(destination);
	size_t start;
	char *folder;

	while (end > 1 && destination[end - 1] == '/')
		end--;
	for (start = end; start && destination[start - 1] != '/'; start--)
		;
	w->name = strndup(destination + start, end - start);
	folder = start ? strndup(destination, start) : strdup(".");
	if (!w->name || !folder) {
		free(folder);
		return error_nomem(e, "a file name");
	}
	w->parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (w->parent < 0)
		return error_errno(e, errno, "cannot open its folder");
	return 0;
}

void work_folder_empty(const struct work_folder *w, const struct strings *kept)
{
	int fd = openat(w->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			!(kept && strings_have(kept, entry->d_name)))
			unlinkat(w->folder, entry->d_name, 0);
	closedir(dir);
}

static int owner_check(const struct work_folder *w, struct error *e)
{
	struct stat st;

	if (fstat(w->folder, &st))
		return error_errno(e, errno, "cannot look at %s beside it", w->temporary);
	if (st.st_uid != geteuid())
		return error_set(e, ERR_REFUSED,
			"%s beside it belongs to another user (%u): remove it", w->temporary,
			(unsigned)st.st_uid);
	return 0;
}

/* Whether the locked folder still has its temporary name: its maker may just have finished it. */
static int still_there(const struct work_folder *w, bool *answer)
{
	struct stat locked, named;

	*answer = false;
	if (fstat(w->folder, &locked))
		return -1;
	if (fstatat(w->parent, w->temporary, &named, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -1;
	*answer = locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
	return 0;
}

static int take_folder(struct work_folder *w, struct error *e)
{
	bool ours;

	w->folder = openat(
		w->parent, w->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->folder < 0)
		return error_errno(e, errno, "cannot open %s beside it", w->temporary);
	if (flock(w->folder, LOCK_EX | LOCK_NB))
		ours = false;
	else if (still_there(w, &ours))
		return error_errno(e, errno, "cannot look at %s beside it", w->temporary);
	if (!ours)
		return error_set(
			e, ERR_EXISTS, "another hvimg is writing to %s beside it", w->temporary);
	return 0;
}

static int make_folder(struct work_folder *w, const char *ending, unsigned mode, struct error *e)
{
	bool made;
	int rc;

	if (asprintf(&w->temporary, ".%.200s.%s", w->name, ending) < 0) {
		w->temporary = NULL;
		return error_nomem(e, "a file name");
	}
	made = !mkdirat(w->parent, w->temporary, mode);
	if (!made && errno != EEXIST) {
		rc = error_errno(e, errno, "cannot make a folder beside it");
	} else {
		rc = take_folder(w, e);
		if (!rc && !made)
			rc = owner_check(w, e);
		if (!rc)
			return 0;
		/* Another's is not ours to remove. */
		if (made && rc != -ERR_EXISTS)
			unlinkat(w->parent, w->temporary, AT_REMOVEDIR);
	}
	free(w->temporary);
	w->temporary = NULL;
	return rc;
}

int work_folder_open(const char *destination, const char *ending, unsigned mode,
	struct work_folder *w, struct error *e)
{
	struct stat st;
	int rc;

	*w = WORK_FOLDER_NONE;
	if (!lstat(destination, &st))
		return error_set(
			e, ERR_EXISTS, "exists already: remove it or name another destination");
	rc = split(w, destination, e);
	return rc ? rc : make_folder(w, ending, mode, e);
}

void work_folder_close(struct work_folder *w)
{
	if (w->temporary)
		unlinkat(w->parent, w->temporary, AT_REMOVEDIR);
	if (w->folder >= 0)
		close(w->folder);
	if (w->parent >= 0)
		close(w->parent);
	free(w->temporary);
	free(w->name);
	*w = WORK_FOLDER_NONE;
}
