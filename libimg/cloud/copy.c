/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/digests.h"
#include "base/zero.h"

enum { PIECE = 4 << 20, HOLE = 64 << 10 };

struct copy {
	int from, to; /* `to` -1: the sink takes it */
	const struct copy_sink *sink;
	uint64_t size;
	uint64_t next_data; /* before it, from where we are, the source is a hole */
	bool shared; /* `to` has the source's blocks already */
	struct digests *digests;
	uint8_t *piece[2]; /* one is digested while the other is read */
};

int write_fully(int fd, uint64_t off, const void *bytes, size_t len, struct error *e)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t n = pwrite(fd, at, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(e, n ? errno : EIO, "cannot write %zu bytes at %llu",
				len, (unsigned long long)off);
		at += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int read_fully(int fd, uint64_t off, void *into, size_t len, struct error *e)
{
	uint8_t *buf = into;

	while (len) {
		ssize_t n = pread(fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "cannot read %zu bytes at %llu", len,
				(unsigned long long)off);
		if (!n)
			return error_set(e, ERR_CORRUPT,
				"became shorter, %llu bytes, while it was read",
				(unsigned long long)off);
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads a piece, or fills it with zeros when the source has a hole there. */
static int piece_load(struct copy *c, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	if (off >= c->next_data) {
		off_t data = lseek(c->from, (off_t)off, SEEK_DATA);

		if (data >= 0)
			c->next_data = (uint64_t)data;
		else
			c->next_data = errno == ENXIO ? c->size : off;
	}
	if (c->next_data >= off + len) {
		memset(buf, 0, len);
		return 0;
	}
	return read_fully(c->from, off, buf, len, e);
}

/* Writes what is not zero, in runs of whole holes' size. */
static int write_sparse(int fd, uint64_t off, const uint8_t *buf, size_t len, struct error *e)
{
	size_t at = 0;
	int rc = 0;

	while (!rc && at < len) {
		size_t end = at;
		size_t step = (size_t)min_u64(HOLE, len - at);

		if (bytes_are_zero(buf + at, step)) {
			at += step;
			continue;
		}
		do {
			end += (size_t)min_u64(HOLE, len - end);
		} while (end < len && !bytes_are_zero(buf + end, (size_t)min_u64(HOLE, len - end)));
		rc = write_fully(fd, off + at, buf + at, end - at, e);
		at = end;
	}
	return rc;
}

static int copy_pieces(struct copy *c, const struct convert_options *progress, struct error *e)
{
	size_t turn = 0;
	int rc = 0;

	for (uint64_t off = 0; !rc && off < c->size; off += PIECE, turn = !turn) {
		size_t len = (size_t)min_u64(PIECE, c->size - off);
		uint8_t *buf = c->piece[turn];

		rc = piece_load(c, off, buf, len, e);
		if (rc)
			break;
		digests_add(c->digests, buf, len);
		if (c->sink)
			rc = c->sink->write(c->sink->arg, buf, len, e);
		else if (!c->shared)
			rc = write_sparse(c->to, off, buf, len, e);
		if (!rc && progress->progress &&
			progress->progress(progress->progress_arg, off + len, c->size))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	return rc;
}

static int copy_all(struct copy *c, const struct convert_options *progress,
	char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e)
{
	int rc;

	c->piece[0] = malloc(PIECE);
	c->piece[1] = malloc(PIECE);
	rc = c->piece[0] && c->piece[1] ? digests_open(&c->digests, sum_algorithm, SUM_COUNT, e)
					: error_nomem(e, "copying");
	if (!rc) {
		c->shared = !c->sink && !ioctl(c->to, FICLONE, c->from);
		rc = copy_pieces(c, progress, e);
	}
	if (!rc && !c->sink && !c->shared && ftruncate(c->to, (off_t)c->size))
		rc = error_errno(
			e, errno, "cannot set a length of %llu", (unsigned long long)c->size);
	if (!rc)
		digests_finish(c->digests, hex);
	/* Closing waits for the threads, which read the pieces. */
	digests_close(c->digests);
	free(c->piece[0]);
	free(c->piece[1]);
	return rc;
}

static int check_unchanged(int fd, const struct stat *before, struct error *e)
{
	struct stat now;

	if (fstat(fd, &now))
		return error_errno(e, errno, "cannot look at it");
	if (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return error_set(e, ERR_CORRUPT, "changed while it was copied");
	return 0;
}

static int copy_file(struct copy *c, const char *source, const struct convert_options *progress,
	uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e)
{
	struct stat st;
	int rc = 0;

	c->from = open(source, O_RDONLY | O_CLOEXEC);
	if (c->from < 0)
		return error_errno(e, errno, "cannot open %s", source);
	if (fstat(c->from, &st))
		rc = error_errno(e, errno, "cannot look at it");
	else if (!S_ISREG(st.st_mode))
		rc = error_set(e, ERR_UNSUPPORTED, "is no plain file: convert it first");
	if (!rc) {
		c->size = (uint64_t)st.st_size;
		rc = c->sink ? c->sink->begin(c->sink->arg, c->size, e) : 0;
	}
	if (!rc)
		rc = copy_all(c, progress, hex, e);
	if (!rc)
		rc = check_unchanged(c->from, &st, e);
	close(c->from);
	if (rc)
		return error_prefix(e, "%s", source);
	*size = c->size;
	return 0;
}

int copy_with_sums(const char *source, int to, const struct convert_options *progress,
	uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e)
{
	struct copy c = { .to = to };

	return copy_file(&c, source, progress, size, hex, e);
}

int copy_to_sink(const char *source, const struct copy_sink *sink,
	const struct convert_options *progress, uint64_t *size, char hex[SUM_COUNT][DIGEST_HEX_MAX],
	struct error *e)
{
	struct copy c = { .to = -1, .sink = sink };

	return copy_file(&c, source, progress, size, hex, e);
}
