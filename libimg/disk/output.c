/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an output comes to be and gets its name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/output_private.h"

static int folder_open(struct output *o, const char *path, struct error *e)
{
	char *copy = strdup(path), *second = strdup(path);
	int rc = 0;

	if (copy && second) {
		o->folder = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (o->folder < 0)
			rc = error_errno(e, errno, "cannot open the folder of %s", path);
		o->name = strdup(basename(second));
	}
	if (!rc && (!copy || !second || !o->name))
		rc = error_nomem(e, "a file name");
	free(copy);
	free(second);
	return rc;
}

/* A name that tells what the file is, is the same in the next run, and so gets removed by it. */
static int temporary_name(struct output *o, struct error *e)
{
	if (asprintf(&o->temporary, ".%.200s.hvimg-part", o->name) < 0) {
		o->temporary = NULL;
		return error_nomem(e, "a file name");
	}
	return 0;
}

static int named_open(struct output *o, struct error *e)
{
	int rc = temporary_name(o, e);

	if (rc)
		return rc;
	unlinkat(o->folder, o->temporary, 0);
	o->fd = openat(o->folder, o->temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
	if (o->fd < 0) {
		rc = error_errno(e, errno, "cannot create a file beside %s", o->name);
		free(o->temporary);
		o->temporary = NULL;
	}
	return rc;
}

static int file_open(struct output *o, struct error *e)
{
	o->fd = openat(o->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (o->fd >= 0)
		return 0;
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
		return named_open(o, e);
	return error_errno(e, errno, "cannot create a file beside %s", o->name);
}

static int device_open(struct output *o, const char *path, struct error *e)
{
	o->device = true;
	/* O_EXCL: the kernel refuses a device that is mounted or part of another one. */
	o->fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (o->fd < 0)
		return error_errno(e, errno, "cannot open the block device");
	if (ioctl(o->fd, BLKGETSIZE64, &o->device_size))
		return error_errno(e, errno, "cannot get the size of the block device");
	return 0;
}

static int destination_check(
	const char *path, const struct output_options *options, bool *device, struct error *e)
{
	struct stat st;

	*device = false;
	if (*path && path[strlen(path) - 1] == '/')
		return error_set(e, ERR_EXISTS, "names a folder, not a file");
	/* A symbolic link that leads nowhere is there, too. */
	if (stat(path, &st) && (errno != ENOENT || lstat(path, &st)))
		return errno == ENOENT ? 0 : error_errno(e, errno, "cannot look at it");
	if (S_ISLNK(st.st_mode) && options->force)
		return 0;
	*device = S_ISBLK(st.st_mode);
	if (S_ISDIR(st.st_mode))
		return error_set(e, ERR_EXISTS, "is a directory");
	if (!*device && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(e, ERR_EXISTS, "is neither a file nor a block device");
	if (options->force)
		return 0;
	if (*device)
		return error_set(e, ERR_EXISTS, "is a block device: --force overwrites it");
	return error_set(e, ERR_EXISTS, "exists already: --force replaces it");
}

static struct output *output_new(struct error *e)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o) {
		error_nomem(e, "an output");
		return NULL;
	}
	o->fd = -1;
	o->folder = -1;
	return o;
}

int output_discard_open(struct output **out, struct error *e)
{
	struct output *o = output_new(e);

	if (!o)
		return -ERR_NOMEM;
	o->discard = true;
	*out = o;
	return 0;
}

int output_open(const char *path, const struct output_options *options, struct output **out,
	struct error *e)
{
	struct output *o;
	bool device;
	int rc = destination_check(path, options, &device, e);

	if (rc)
		return rc;
	o = output_new(e);
	if (!o)
		return -ERR_NOMEM;
	o->options = *options;
	if (device) {
		rc = device_open(o, path, e);
	} else {
		rc = folder_open(o, path, e);
		if (!rc)
			rc = file_open(o, e);
	}
	if (rc) {
		output_close(o);
		return rc;
	}
	*out = o;
	return 0;
}

int output_scratch_open(const char *tmpdir, struct output **out, struct error *e)
{
	struct output *o = output_new(e);
	int rc;

	if (!o)
		return -ERR_NOMEM;
	o->folder = open(tmpdir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->name = strdup("scratch");
	if (o->folder < 0)
		rc = error_errno(e, errno, "cannot open the folder %s", tmpdir);
	else
		rc = o->name ? file_open(o, e) : error_nomem(e, "an output");
	if (rc)
		output_close(o);
	else
		*out = o;
	return rc;
}

static int file_link(struct output *o, const char *name)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, self, o->folder, name, AT_SYMLINK_FOLLOW);
}

/* linkat never replaces, rename does: so replacing goes through a short-lived name. */
static int file_name(struct output *o, struct error *e)
{
	int rc;

	if (!o->temporary && !o->options.force) {
		if (file_link(o, o->name))
			return error_errno(e, errno, "cannot put %s in place", o->name);
		return 0;
	}
	if (!o->temporary) {
		rc = temporary_name(o, e);
		if (rc)
			return rc;
		unlinkat(o->folder, o->temporary, 0);
		if (file_link(o, o->temporary))
			return error_errno(e, errno, "cannot put %s in place", o->name);
	}
	if (renameat2(o->folder, o->temporary, o->folder, o->name,
		    o->options.force ? 0 : RENAME_NOREPLACE))
		return error_errno(e, errno, "cannot put %s in place", o->name);
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

/* Names the file and syncs the folder.  A file whose name may not last is taken back, if it has not
 * replaced another. */
static int file_name_sync(struct output *o, struct error *e)
{
	int fd = openat(o->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return error_errno(e, errno, "cannot open the folder of %s", o->name);
	rc = file_name(o, e);
	if (!rc && fsync(fd) && errno != EINVAL) {
		rc = error_errno(e, errno, "cannot sync the folder of %s", o->name);
		if (!o->options.force)
			unlinkat(o->folder, o->name, 0);
	}
	close(fd);
	return rc;
}

int output_reopen_path(struct output *o, uint64_t size, struct buffer *path, struct error *e)
{
	int rc = output_set_length(o, size, e);

	return rc ? rc : buffer_format(path, e, "/proc/self/fd/%d", o->fd);
}

int output_commit(struct output *o, uint64_t size, struct error *e)
{
	int rc = output_set_length(o, size, e);

	if (rc)
		return rc;
	if (!o->options.no_sync && fsync(o->fd))
		return error_errno(e, errno, "cannot sync");
	if (o->device)
		return 0;
	return o->options.no_sync ? file_name(o, e) : file_name_sync(o, e);
}

void output_close(struct output *o)
{
	if (!o)
		return;
	if (o->temporary)
		unlinkat(o->folder, o->temporary, 0);
	if (o->fd >= 0)
		close(o->fd);
	if (o->folder >= 0)
		close(o->folder);
	free(o->temporary);
	free(o->name);
	free(o);
}

int output_file(const char *path, const void *bytes, size_t len,
	const struct output_options *options, struct error *e)
{
	struct output *o;
	int rc = output_open(path, options, &o, e);

	if (rc)
		return rc;
	rc = output_write(o, 0, bytes, len, e);
	if (!rc)
		rc = output_commit(o, len, e);
	output_close(o);
	return rc;
}
