/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bundle as a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/bundle_private.h"
#include "cloud/copy.h"

struct folder {
	struct bundle bundle;
	int parent; /* the folder of the destination */
	int folder; /* the bundle, locked; -1 before it is made */
	char *name; /* of the destination in its folder */
	char *temporary; /* name while there is no other, else NULL */
	bool no_sync;
};

/* Splits the destination into an open folder and a name. */
static int split(struct folder *b, const char *destination, struct error *e)
{
	size_t end = strlen(destination);
	size_t start;
	char *folder;

	while (end > 1 && destination[end - 1] == '/')
		end--;
	for (start = end; start && destination[start - 1] != '/'; start--)
		;
	b->name = strndup(destination + start, end - start);
	folder = start ? strndup(destination, start) : strdup(".");
	if (!b->name || !folder) {
		free(folder);
		return error_nomem(e, "a file name");
	}
	b->parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (b->parent < 0)
		return error_errno(e, errno, "cannot open its folder");
	return 0;
}

/* Removes the files of a folder that hvimg made: it holds no folders. */
static void empty_folder(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(folder, entry->d_name, 0);
	closedir(dir);
}

/* Whether the locked folder still has its temporary name: its maker may just have finished it. */
static int still_there(const struct folder *b, bool *answer)
{
	struct stat locked, named;

	*answer = false;
	if (fstat(b->folder, &locked))
		return -1;
	if (fstatat(b->parent, b->temporary, &named, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -1;
	*answer = locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
	return 0;
}

static int take_folder(struct folder *b, struct error *e)
{
	bool ours;

	b->folder = openat(
		b->parent, b->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (b->folder < 0)
		return error_errno(e, errno, "cannot open %s beside it", b->temporary);
	if (flock(b->folder, LOCK_EX | LOCK_NB))
		ours = false;
	else if (still_there(b, &ours))
		return error_errno(e, errno, "cannot look at %s beside it", b->temporary);
	if (!ours)
		return error_set(
			e, ERR_EXISTS, "another hvimg is writing to %s beside it", b->temporary);
	empty_folder(b->folder);
	return 0;
}

/*
 * Makes the folder, or takes over what a killed run left.  The lock tells the two apart from
 * another run that is at work on the same destination.
 */
static int make_folder(struct folder *b, struct error *e)
{
	bool made;
	int rc;

	if (asprintf(&b->temporary, ".%.200s.hvimg-part", b->name) < 0) {
		b->temporary = NULL;
		return error_nomem(e, "a file name");
	}
	made = !mkdirat(b->parent, b->temporary, 0777);
	if (!made && errno != EEXIST) {
		rc = error_errno(e, errno, "cannot make a folder beside it");
	} else {
		rc = take_folder(b, e);
		if (!rc)
			return 0;
		/* Another's is not ours to remove. */
		if (made && rc != -ERR_EXISTS)
			unlinkat(b->parent, b->temporary, AT_REMOVEDIR);
	}
	free(b->temporary);
	b->temporary = NULL;
	return rc;
}

static void folder_close(struct bundle *bundle)
{
	struct folder *b = (struct folder *)bundle;

	if (b->temporary) {
		empty_folder(b->folder);
		unlinkat(b->parent, b->temporary, AT_REMOVEDIR);
	}
	if (b->folder >= 0)
		close(b->folder);
	if (b->parent >= 0)
		close(b->parent);
	free(b->temporary);
	free(b->name);
	free(b);
}

static int file_create(
	const struct folder *b, const char *name, unsigned mode, int *fd, struct error *e)
{
	/* The user's umask decides who else may read it. */
	mode |= (mode & 0444) >> 1;
	*fd = openat(b->folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
	return *fd < 0 ? error_errno(e, errno, "cannot create %s", name) : 0;
}

/* Errors of a network or full file system may only show up here. */
static int file_end(const struct folder *b, const char *name, int fd, int rc, struct error *e)
{
	if (!rc && !b->no_sync && fsync(fd))
		rc = error_errno(e, errno, "cannot sync %s", name);
	if (close(fd) && !rc)
		rc = error_errno(e, errno, "cannot close %s", name);
	return rc;
}

static int folder_copy(struct bundle *bundle, const char *source, const char *name,
	const struct convert_options *progress, uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX],
	struct error *e)
{
	struct folder *b = (struct folder *)bundle;
	int fd;
	int rc = file_create(b, name, 0644, &fd, e);

	if (rc)
		return rc;
	rc = copy_with_sums(source, fd, progress, size, hex, e);
	return file_end(b, name, fd, rc, e);
}

static int folder_add(struct bundle *bundle, const char *name, const void *bytes, size_t len,
	unsigned mode, struct error *e)
{
	struct folder *b = (struct folder *)bundle;
	int fd;
	int rc = file_create(b, name, mode, &fd, e);

	if (rc)
		return rc;
	rc = write_fully(fd, 0, bytes, len, e);
	if (rc)
		error_prefix(e, "%s", name);
	return file_end(b, name, fd, rc, e);
}

/* Never over something that came there meanwhile, where the file system can tell. */
static int give_name(struct folder *b, struct error *e)
{
	int failed = renameat2(b->parent, b->temporary, b->parent, b->name, RENAME_NOREPLACE);

	if (failed && (errno == EINVAL || errno == ENOSYS))
		failed = renameat(b->parent, b->temporary, b->parent, b->name);
	if (failed)
		return error_errno(e, errno, "cannot give the folder its name");
	if (!b->no_sync && fsync(b->parent)) {
		int rc = error_errno(e, errno, "cannot sync the folder above");

		/* What may not last is taken back. */
		renameat(b->parent, b->name, b->parent, b->temporary);
		return rc;
	}
	free(b->temporary);
	b->temporary = NULL;
	return 0;
}

static int folder_commit(struct bundle *bundle, struct error *e)
{
	struct folder *b = (struct folder *)bundle;

	if (!b->no_sync && fsync(b->folder))
		return error_errno(e, errno, "cannot sync the folder");
	return give_name(b, e);
}

static const struct bundle_ops folder_ops = {
	.copy = folder_copy,
	.add = folder_add,
	.commit = folder_commit,
	.close = folder_close,
};

int bundle_folder_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e)
{
	struct folder *b = calloc(1, sizeof(*b));
	struct stat st;
	int rc;

	if (!b)
		return error_nomem(e, "a bundle");
	b->bundle.ops = &folder_ops;
	b->parent = -1;
	b->folder = -1;
	b->no_sync = o->no_sync;
	if (!lstat(destination, &st))
		rc = error_set(e, ERR_EXISTS, "exists already: remove it or name another folder");
	else
		rc = split(b, destination, e);
	if (!rc)
		rc = make_folder(b, e);
	if (rc)
		folder_close(&b->bundle);
	else
		*out = &b->bundle;
	return rc;
}
