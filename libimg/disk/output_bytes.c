/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an output holds: written, shared, read back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "disk/host_file.h"
#include "disk/output_private.h"

int output_check_room(const struct output *o, uint64_t size, struct error *e)
{
	if (!o->device || size <= o->device_size)
		return 0;
	return error_set(e, ERR_RANGE, "the block device has %llu bytes, at least %llu are needed",
		(unsigned long long)o->device_size, (unsigned long long)size);
}

int output_write(struct output *o, uint64_t off, const void *buf, size_t len, struct error *e)
{
	const uint8_t *p = buf;
	int rc;

	if (o->discard)
		return 0;
	rc = output_check_room(o, off + len, e);
	if (rc)
		return rc;
	while (len) {
		ssize_t n = pwrite(o->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(e, n ? errno : ENOSPC, "cannot write %zu bytes at %llu",
				len, (unsigned long long)off);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int output_read(struct output *o, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *p = buf;

	if (o->discard)
		return error_set(e, ERR_UNSUPPORTED, "what was discarded cannot be read back");
	while (len) {
		ssize_t n = pread(o->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "cannot read back %zu bytes at %llu", len,
				(unsigned long long)off);
		if (n == 0) { /* never written */
			memset(p, 0, len);
			return 0;
		}
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* What a file system says that can't share these bytes. */
static bool is_no_clone(int number)
{
	return number == EOPNOTSUPP || number == EXDEV || number == EINVAL || number == ENOTTY ||
		number == ENOSYS || number == ETXTBSY || number == EPERM;
}

int output_clone(struct output *o, uint64_t off, struct disk *file, uint64_t from, uint64_t len,
	bool *cloned, struct error *e)
{
	struct file_clone_range range = {
		.src_fd = host_file_descriptor(file),
		.src_offset = from,
		.src_length = len,
		.dest_offset = off,
	};

	*cloned = o->discard || ioctl(o->fd, FICLONERANGE, &range) == 0;
	if (*cloned || is_no_clone(errno))
		return 0;
	return error_errno(e, errno, "cannot share %llu bytes at %llu with the source",
		(unsigned long long)len, (unsigned long long)off);
}

bool output_is_fresh(const struct output *o)
{
	return !o->device;
}

int output_set_length(struct output *o, uint64_t size, struct error *e)
{
	if (o->discard)
		return error_set(e, ERR_UNSUPPORTED, "what was discarded has no file");
	if (!o->device && ftruncate(o->fd, (off_t)size))
		return error_errno(
			e, errno, "cannot set the length to %llu", (unsigned long long)size);
	return 0;
}

/* Where fallocate is not there: zeros into the holes. */
static int holes_write(struct output *o, uint64_t size, struct error *e)
{
	static const uint8_t zeros[65536];
	off_t at = 0, end;
	int rc = 0;

	while (!rc && (at = lseek(o->fd, at, SEEK_HOLE)) >= 0 && (uint64_t)at < size) {
		end = lseek(o->fd, at, SEEK_DATA);
		if (end < 0)
			end = (off_t)size;
		for (; at < end && !rc; at += (off_t)sizeof(zeros)) {
			uint64_t len = (uint64_t)(end - at);

			rc = output_write(o, (uint64_t)at, zeros,
				len < sizeof(zeros) ? (size_t)len : sizeof(zeros), e);
		}
		at = end;
	}
	return rc;
}

int output_fill_holes(struct output *o, uint64_t size, struct error *e)
{
	int rc = output_set_length(o, size, e);

	if (rc || o->device || !size)
		return rc;
	if (!fallocate(o->fd, 0, 0, (off_t)size))
		return 0;
	if (errno == EOPNOTSUPP)
		return holes_write(o, size, e);
	return error_errno(e, errno, "cannot allocate %llu bytes", (unsigned long long)size);
}
