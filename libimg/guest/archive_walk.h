/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_ARCHIVE_WALK_H
#define LIBIMG_GUEST_ARCHIVE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* The files in packages, archives and media of the host, and in those that they hold, by
 * libarchive.  Nothing is unpacked to the host's file systems. */
enum archive_kind {
	ARCHIVE_NONE,
	ARCHIVE_RPM,
	ARCHIVE_DEB,
	ARCHIVE_TAR,
	ARCHIVE_ISO,
	ARCHIVE_ZIP,
	ARCHIVE_CAB,
};

/* By the end of the name, in any case. */
enum archive_kind archive_kind(const char *path);

/* A regular file that a walk is at, until the visitor returns. */
struct archive_file {
	const char *source; /* "virtio.iso: w10/viostor.sys", shortened where it is very long */
	const char *path; /* in its archive, as written there */
	/* The path there of the file that it is another name of, or NULL.  Which of the names comes
	 * with the bytes is the archive's choice. */
	const char *link;
	enum archive_kind in; /* what that is */
	unsigned depth; /* how many archives are around that one */
	struct archive_media *media;
};

/* What all walks share that belong together; zero in the beginning.  Too much of it is ERR_RANGE.
 */
struct archive_count {
	uint64_t plain; /* bytes unpacked, or announced by files passed over */
	size_t entries;
};

struct archive_visitor {
	int (*visit)(void *arg, struct archive_file *f, struct error *e);
	void *arg;
	struct archive_count *count;
};

/* `path` is a file of the host. */
int archive_walk(
	const char *path, enum archive_kind kind, const struct archive_visitor *v, struct error *e);
/* An archive in memory; its files' depth is that of `f` and one. */
int archive_walk_bytes(const struct buffer *bytes, const struct archive_file *f,
	enum archive_kind kind, const struct archive_visitor *v, struct error *e);

/* The file's bytes, once; ERR_RANGE when there are more than `limit`. */
int archive_file_read(struct archive_file *f, size_t limit, struct buffer *out, struct error *e);
/* Walks the file as an archive, with the visitor of the walk that it is of. */
int archive_file_walk(struct archive_file *f, enum archive_kind kind, struct error *e);

#endif
