/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file on its way: written and digested as it comes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "job/fetch_private.h"

enum { PIECE = 1 << 20 };

static void digests_drop(struct fetch_part *p)
{
	digest_close(p->sha256);
	digest_close(p->pinned);
	p->sha256 = p->pinned = NULL;
}

static int digests_begin(const struct fetch_job *j, struct fetch_part *p, struct error *e)
{
	int rc;

	digests_drop(p);
	rc = digest_open(&p->sha256, "sha256", e);
	if (!rc && j->digest && strcmp(j->digest_name, "sha256") != 0)
		rc = digest_open(&p->pinned, j->digest_name, e);
	return rc;
}

static void digests_more(struct fetch_part *p, const void *bytes, size_t len)
{
	digest_add(p->sha256, bytes, len);
	if (p->pinned)
		digest_add(p->pinned, bytes, len);
}

static void digests_end(
	struct fetch_part *p, char sha256[DIGEST_HEX_MAX], char pinned[DIGEST_HEX_MAX])
{
	digest_hex(p->sha256, sha256);
	if (p->pinned)
		digest_hex(p->pinned, pinned);
	else
		memcpy(pinned, sha256, DIGEST_HEX_MAX);
	digests_drop(p);
}

/* Digests the file's first `size` bytes; it ends sooner when somebody cuts it. */
static int digest_bytes_of(
	const struct fetching *f, struct fetch_part *p, uint64_t size, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? digests_begin(f->job, p, e) : error_nomem(e, "a download");

	p->have = 0;
	while (!rc && p->have < size) {
		size_t len = (size_t)min_u64(PIECE, size - p->have);
		ssize_t got = pread(p->fd, piece, len, (off_t)p->have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = error_errno(e, errno, "cannot read %s", p->path);
		if (got <= 0)
			break;
		digests_more(p, piece, (size_t)got);
		p->have += (uint64_t)got;
		rc = fetch_progress(f, p->have, size, e);
	}
	free(piece);
	return rc;
}

static int size_of(const struct fetch_part *p, uint64_t *size, struct error *e)
{
	struct stat st;

	if (fstat(p->fd, &st))
		return error_errno(e, errno, "cannot look at %s", p->path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_REFUSED, "%s: no file", p->path);
	*size = (uint64_t)st.st_size;
	return 0;
}

int fetch_part_open(struct fetching *f, struct error *e)
{
	struct fetch_part *p = &f->part;

	p->path = buffer_text(&f->names.part);
	p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return error_errno(e, errno, "cannot open %s", p->path);
	p->opened = true;
	return size_of(p, &p->have, e);
}

int fetch_part_resume(struct fetching *f, uint64_t keep, struct error *e)
{
	struct fetch_part *p = &f->part;
	int rc;

	if (ftruncate(p->fd, (off_t)keep))
		return error_errno(
			e, errno, "cannot cut %s to %llu bytes", p->path, (unsigned long long)keep);
	rc = digest_bytes_of(f, p, keep, e);
	if (!rc && p->have != keep)
		rc = error_set(e, ERR_IO, "%s: somebody else changes it", p->path);
	return rc;
}

int fetch_part_restart(struct fetching *f, struct error *e)
{
	f->continued = false;
	return fetch_part_resume(f, 0, e);
}

int fetch_part_append(struct fetching *f, const void *bytes, size_t len, struct error *e)
{
	struct fetch_part *p = &f->part;
	const uint8_t *from = bytes;

	for (size_t done = 0; done < len;) {
		ssize_t put = pwrite(p->fd, from + done, len - done, (off_t)(p->have + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_errno(e, errno, "cannot write %s", p->path);
		done += (size_t)put;
	}
	digests_more(p, bytes, len);
	p->have += len;
	return 0;
}

int fetch_part_room(const struct fetching *f, uint64_t total, struct error *e)
{
	const struct fetch_part *p = &f->part;
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(p->fd, &fs) || !mul_fits(fs.f_bavail, fs.f_frsize, &room))
		return 0;
	if (total <= p->have || total - p->have <= room)
		return 0;
	return error_set(e, ERR_IO, "%llu more bytes do not fit into %s, where %llu are free",
		(unsigned long long)(total - p->have), f->job->cache, (unsigned long long)room);
}

void fetch_part_digests(
	struct fetching *f, char sha256[DIGEST_HEX_MAX], char pinned[DIGEST_HEX_MAX])
{
	digests_end(&f->part, sha256, pinned);
}

void fetch_part_close(struct fetch_part *p)
{
	digests_drop(p);
	if (p->opened)
		close(p->fd);
	p->opened = false;
}

int fetch_file_digests(const struct fetching *f, const char *path, bool *there,
	char sha256[DIGEST_HEX_MAX], char pinned[DIGEST_HEX_MAX], struct error *e)
{
	struct fetch_part p = { .path = path };
	uint64_t size;
	int rc;

	*there = false;
	p.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p.fd < 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "cannot open %s", path);
	p.opened = true;
	rc = size_of(&p, &size, e);
	if (!rc)
		rc = digest_bytes_of(f, &p, size, e);
	if (!rc) {
		digests_end(&p, sha256, pinned);
		*there = true;
	}
	fetch_part_close(&p);
	return rc;
}
