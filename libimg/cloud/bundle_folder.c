/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bundle as a folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cloud/bundle_private.h"
#include "cloud/copy.h"
#include "disk/work_folder.h"

struct folder {
	struct bundle bundle;
	struct work_folder work; /* becomes the bundle */
	bool no_sync;
};

static void folder_close(struct bundle *bundle)
{
	struct folder *b = (struct folder *)bundle;

	if (b->work.temporary)
		work_folder_empty(&b->work, NULL);
	work_folder_close(&b->work);
	free(b);
}

static int file_create(
	const struct folder *b, const char *name, unsigned mode, int *fd, struct error *e)
{
	/* The user's umask decides who else may read it. */
	mode |= (mode & 0444) >> 1;
	*fd = openat(b->work.folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
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

/* A second name costs nothing and leaves the first to its owner; where there is none, the file is
 * moved. */
static int folder_take(struct bundle *bundle, const char *path, const char *name, struct error *e)
{
	struct folder *b = (struct folder *)bundle;

	if (linkat(AT_FDCWD, path, b->work.folder, name, 0) &&
		renameat2(AT_FDCWD, path, b->work.folder, name, RENAME_NOREPLACE) &&
		(errno != EINVAL || renameat(AT_FDCWD, path, b->work.folder, name)))
		return error_errno(e, errno, "cannot move %s into it", name);
	return 0;
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
	struct work_folder *w = &b->work;
	int failed = renameat2(w->parent, w->temporary, w->parent, w->name, RENAME_NOREPLACE);

	if (failed && (errno == EINVAL || errno == ENOSYS))
		failed = renameat(w->parent, w->temporary, w->parent, w->name);
	if (failed)
		return error_errno(e, errno, "cannot give the folder its name");
	if (!b->no_sync && fsync(w->parent)) {
		int rc = error_errno(e, errno, "cannot sync the folder above");

		/* What may not last is taken back. */
		renameat(w->parent, w->name, w->parent, w->temporary);
		return rc;
	}
	free(w->temporary);
	w->temporary = NULL;
	return 0;
}

static int folder_commit(struct bundle *bundle, struct error *e)
{
	struct folder *b = (struct folder *)bundle;

	if (!b->no_sync && fsync(b->work.folder))
		return error_errno(e, errno, "cannot sync the folder");
	return give_name(b, e);
}

static const struct bundle_ops folder_ops = {
	.copy = folder_copy,
	.take = folder_take,
	.add = folder_add,
	.commit = folder_commit,
	.close = folder_close,
};

int bundle_folder_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e)
{
	struct folder *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return error_nomem(e, "a bundle");
	b->bundle.ops = &folder_ops;
	b->no_sync = o->no_sync;
	rc = work_folder_open(destination, "hvimg-part", 0777, &b->work, e);
	if (rc) {
		folder_close(&b->bundle);
		return rc;
	}
	/* What a killed run left. */
	work_folder_empty(&b->work, NULL);
	*out = &b->bundle;
	return 0;
}
