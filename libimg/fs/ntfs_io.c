/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libntfs-3g's view of a disk, and what its failures are called. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

static struct ntfs_io *io_of(struct ntfs_device *dev)
{
	return dev->d_private;
}

static int device_open(struct ntfs_device *dev, int flags)
{
	NDevSetOpen(dev);
	if (flags == O_RDONLY)
		NDevSetReadOnly(dev);
	io_of(dev)->position = 0;
	return 0;
}

static int device_close(struct ntfs_device *dev)
{
	dev->d_state &= ~(1UL << ND_Open);
	return 0;
}

static int failed(int number)
{
	errno = number;
	return -1;
}

/* Keeps what the library can't pass on. */
static int io_failed(struct ntfs_io *io, const struct error *why)
{
	if (!io->error.code)
		io->error = *why;
	return failed(EIO);
}

/* Past the end there is nothing, as in a file: a volume that says otherwise is not the disk's
 * failure. */
static s64 device_pread(struct ntfs_device *dev, void *buf, s64 count, s64 offset)
{
	struct ntfs_io *io = io_of(dev);
	struct error e = { 0 };
	size_t len;

	if (count < 0 || offset < 0)
		return failed(EINVAL);
	if ((uint64_t)offset >= io->disk->size)
		return 0;
	len = (size_t)min_u64((uint64_t)count, io->disk->size - (uint64_t)offset);
	if (cache_read(io->cache, (uint64_t)offset, buf, len, &e))
		return io_failed(io, &e);
	return (s64)len;
}

static s64 device_pwrite(struct ntfs_device *dev, const void *buf, s64 count, s64 offset)
{
	struct ntfs_io *io = io_of(dev);
	struct error e = { 0 };

	if (NDevReadOnly(dev))
		return failed(EROFS);
	if (count < 0 || offset < 0 ||
		!range_fits((uint64_t)offset, (uint64_t)count, io->disk->size))
		return failed(EINVAL);
	if (cache_write(io->cache, (uint64_t)offset, buf, (size_t)count, &e))
		return io_failed(io, &e);
	return count;
}

static s64 device_seek(struct ntfs_device *dev, s64 offset, int whence)
{
	struct ntfs_io *io = io_of(dev);
	int64_t base = whence == SEEK_SET ? 0
		: whence == SEEK_CUR      ? io->position
					  : (int64_t)io->disk->size;

	if (offset < -base || offset > (int64_t)io->disk->size - base)
		return failed(EINVAL);
	io->position = base + offset;
	return io->position;
}

static s64 device_read(struct ntfs_device *dev, void *buf, s64 count)
{
	s64 done = device_pread(dev, buf, count, io_of(dev)->position);

	if (done > 0)
		io_of(dev)->position += done;
	return done;
}

static s64 device_write(struct ntfs_device *dev, const void *buf, s64 count)
{
	s64 done = device_pwrite(dev, buf, count, io_of(dev)->position);

	if (done > 0)
		io_of(dev)->position += done;
	return done;
}

/* The cache is flushed when the file system is synced; until then the disk below stays as it was.
 */
static int device_sync(struct ntfs_device *dev)
{
	(void)dev;
	return 0;
}

static int device_stat(struct ntfs_device *dev, struct stat *st)
{
	*st = (struct stat){ .st_mode = S_IFREG | 0600, .st_size = (off_t)io_of(dev)->disk->size };
	return 0;
}

static int device_ioctl(struct ntfs_device *dev, unsigned long request, void *argp)
{
	(void)dev;
	(void)request;
	(void)argp;
	return failed(EOPNOTSUPP);
}

int ntfs_io_open(struct disk *d, struct ntfs_io *io, struct error *e)
{
	*io = (struct ntfs_io){ .disk = d };
	io->operations = (struct ntfs_device_operations){
		.open = device_open,
		.close = device_close,
		.seek = device_seek,
		.read = device_read,
		.write = device_write,
		.pread = device_pread,
		.pwrite = device_pwrite,
		.sync = device_sync,
		.stat = device_stat,
		.ioctl = device_ioctl,
	};
	return cache_open(d, &io->cache, e);
}

void ntfs_io_close(struct ntfs_io *io)
{
	cache_close(io->cache);
}

struct ntfs_device *ntfs_io_device(struct ntfs_io *io)
{
	return ntfs_device_alloc("disk", 0, &io->operations, io);
}

void ntfs_begin(struct ntfs *n)
{
	n->io.error = (struct error){ 0 };
	errno = 0;
}

int ntfs_io_error(struct ntfs *n, struct error *e)
{
	if (!n->io.error.code)
		return 0;
	if (e)
		*e = n->io.error;
	return -n->io.error.code;
}

int ntfs_corrupt(struct error *e, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(e, ERR_CORRUPT, "%s (chkdsk /f in Windows may mend it)", text);
}

int ntfs_error(struct ntfs *n, struct error *e, const char *format, ...)
{
	int number = errno;
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n->io.error.code) {
		(void)ntfs_io_error(n, e);
		return error_prefix(e, "%s", text);
	}
	switch (number) {
	case ENOMEM:
		return error_nomem(e, text);
	case ENOSPC:
		return error_set(e, ERR_RANGE, "%s: the ntfs file system is full", text);
	case EFBIG:
		return error_set(e, ERR_RANGE, "%s: too large for ntfs", text);
	default:
		return ntfs_corrupt(
			e, "%s: what the volume says about it contradicts itself", text);
	}
}
