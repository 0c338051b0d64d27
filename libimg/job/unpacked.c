/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/unpacked.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/zero.h"
#include "cloud/bundle.h"
#include "cloud/copy.h"
#include "cloud/sums.h"
#include "guest/archive_walk.h"

enum {
	FILES_MAX = 10000,
	PIECE = 64 << 10, /* of which those of zeros stay holes */
};

struct unpacking {
	struct archive *archive;
	struct unpacked *out;
	int (*stop)(void *arg);
	void *stop_arg;
};

bool unpacked_is_wanted(const char *path)
{
	return archive_kind(path) == ARCHIVE_TAR;
}

static int archive_fault(const struct unpacking *u, struct error *e)
{
	const char *text = archive_error_string(u->archive);

	if (archive_errno(u->archive) == ENOMEM)
		return error_nomem(e, "an archive");
	return error_set(e, ERR_CORRUPT, "%s", text ? text : "is no tar that can be read");
}

static bool is_digests(const char *name)
{
	for (size_t i = 0; i < SUM_COUNT; i++)
		if (!strcmp(name, sum_file[i]))
			return true;
	return false;
}

/* Bundles are flat; whoever packed one anew may have packed its folder. */
static int name_check(
	const struct unpacking *u, struct archive_entry *entry, const char **name, struct error *e)
{
	const char *path = archive_entry_pathname_utf8(entry), *slash;

	if (!path)
		path = archive_entry_pathname(entry);
	if (!path)
		return error_set(e, ERR_REFUSED, "a name in it can't be read");
	if (!strncmp(path, "./", 2))
		path += 2;
	slash = strchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return error_set(e, ERR_REFUSED, "%.300s in it is no plain file", path);
	if ((slash && slash - path == 2 && !strncmp(path, "..", 2)) || slash == path ||
		(!bundle_name_fits(*name) && !is_digests(*name)))
		return error_set(
			e, ERR_REFUSED, "%.300s in it is no name of a bundle's file", path);
	if (u->out->files.count == FILES_MAX)
		return error_set(e, ERR_UNSUPPORTED, "more than %d files in it", FILES_MAX);
	return 0;
}

static int content_write(const struct unpacking *u, int fd, uint64_t size, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	uint64_t off = 0;
	la_ssize_t n = 0;
	int rc = piece ? 0 : error_nomem(e, "a bundle");

	while (!rc && (n = archive_read_data(u->archive, piece, PIECE)) > 0) {
		if (u->stop && u->stop(u->stop_arg))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
		else if (!bytes_are_zero(piece, (size_t)n))
			rc = write_fully(fd, off, piece, (size_t)n, e);
		off += (uint64_t)n;
	}
	free(piece);
	if (!rc && n < 0)
		rc = archive_fault(u, e);
	if (!rc && off != size)
		rc = error_set(e, ERR_CORRUPT, "has %llu bytes of %llu", (unsigned long long)off,
			(unsigned long long)size);
	if (!rc && ftruncate(fd, (off_t)size))
		rc = error_errno(e, errno, "cannot write");
	return rc;
}

static int file_take(const struct unpacking *u, struct archive_entry *entry, struct error *e)
{
	const char *name = NULL;
	char *path = NULL;
	int fd, rc = name_check(u, entry, &name, e);

	if (rc)
		return rc;
	if (archive_entry_size(entry) < 0)
		return error_set(e, ERR_CORRUPT, "%.300s has no length", name);
	if (asprintf(&path, "%s/%s", u->out->folder, name) < 0)
		return error_nomem(e, "a bundle");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		rc = error_set(e, ERR_REFUSED, "%.300s is in it twice", name);
	else if (fd < 0)
		rc = error_errno(e, errno, "%s", path);
	if (!rc)
		rc = strings_add(&u->out->files, path, e);
	if (rc && fd >= 0)
		unlink(path);
	if (!rc && (rc = content_write(u, fd, (uint64_t)archive_entry_size(entry), e)))
		error_prefix(e, "%.300s", name);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int files_take(const struct unpacking *u, struct error *e)
{
	struct archive_entry *entry;
	int got, rc = 0;

	while (!rc && (got = archive_read_next_header(u->archive, &entry)) != ARCHIVE_EOF) {
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			rc = archive_fault(u, e);
		else if (archive_entry_filetype(entry) != AE_IFDIR)
			rc = file_take(u, entry, e);
	}
	return rc;
}

static int folders_make(const char *path, const char *tmpdir, struct unpacked *out, struct error *e)
{
	const char *slash = strrchr(path, '/');

	if (asprintf(&out->above, "%s/hvimg-bundle.XXXXXX", tmpdir) < 0) {
		out->above = NULL;
		return error_nomem(e, "a bundle");
	}
	if (!mkdtemp(out->above)) {
		int rc = error_errno(e, errno, "a folder in %s", tmpdir);

		free(out->above);
		out->above = NULL;
		return rc;
	}
	if (asprintf(&out->folder, "%s/%s", out->above, slash ? slash + 1 : path) < 0) {
		out->folder = NULL;
		return error_nomem(e, "a bundle");
	}
	return mkdir(out->folder, 0700) ? error_errno(e, errno, "%s", out->folder) : 0;
}

static int archive_open(struct archive *a, const char *path)
{
	archive_read_support_format_tar(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	return archive_read_open_filename(a, path, PIECE);
}

int unpacked_open(const char *path, const char *tmpdir, int (*stop)(void *arg), void *stop_arg,
	struct unpacked *out, struct error *e)
{
	struct unpacking u = {
		.archive = archive_read_new(), .out = out, .stop = stop, .stop_arg = stop_arg
	};
	int rc = 0;

	*out = (struct unpacked){ 0 };
	if (!u.archive)
		return error_nomem(e, "an archive");
	if (archive_open(u.archive, path) != ARCHIVE_OK)
		rc = archive_fault(&u, e);
	if (!rc)
		rc = folders_make(path, tmpdir, out, e);
	if (!rc)
		rc = files_take(&u, e);
	archive_read_free(u.archive);
	return rc ? error_prefix(e, "%s", path) : 0;
}

void unpacked_close(struct unpacked *u)
{
	for (size_t i = 0; i < u->files.count; i++)
		unlink(u->files.item[i]);
	strings_free(&u->files);
	if (u->folder)
		rmdir(u->folder);
	if (u->above)
		rmdir(u->above);
	free(u->folder);
	free(u->above);
	*u = (struct unpacked){ 0 };
}
