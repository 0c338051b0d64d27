/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct host_file {
	struct disk disk;
	int fd;
	bool device;
	struct timespec mtime;
};

static int host_file_shrunk(const struct host_file *h, struct error *e)
{
	struct stat st;

	if (fstat(h->fd, &st))
		return error_errno(e, errno, "cannot look at the file again");
	return error_set(e, ERR_CORRUPT,
		"the file became shorter while it was read: %llu bytes, now %llu",
		(unsigned long long)h->disk.size, (unsigned long long)st.st_size);
}

static int host_file_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct host_file *h = (struct host_file *)d;
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(h->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "cannot read %zu bytes at %llu", len,
				(unsigned long long)off);
		if (n == 0)
			return host_file_shrunk(h, e);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int host_file_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct host_file *h = (struct host_file *)d;
	off_t data, hole;

	out->plain = true;
	out->offset = off;
	if (h->device)
		return 0;
	data = lseek(h->fd, (off_t)off, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		*out = (struct extent){ .length = out->length, .zero = true };
		return 0;
	}
	if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
		return 0; /* the file system does not tell: all is data */
	if (data < 0)
		return error_errno(e, errno, "cannot find data");
	if ((uint64_t)data > off) {
		*out = (struct extent){ .length = (uint64_t)data - off, .zero = true };
		return 0;
	}
	hole = lseek(h->fd, (off_t)off, SEEK_HOLE);
	if (hole > data)
		out->length = (uint64_t)hole - off;
	else if (hole < 0 && errno != EINVAL)
		return error_errno(e, errno, "cannot find holes");
	return 0;
}

static void host_file_close(struct disk *d)
{
	close(((struct host_file *)d)->fd);
	free(d);
}

static const struct disk_ops host_file_ops = {
	.read = host_file_read,
	.extent = host_file_extent,
	.close = host_file_close,
};

static int host_file_measure(struct host_file *h, struct error *e)
{
	uint64_t bytes = 0;
	int logical = 512;
	struct stat st;

	if (fstat(h->fd, &st))
		return error_errno(e, errno, "cannot look at the file");
	if (S_ISDIR(st.st_mode))
		return error_set(e, ERR_UNSUPPORTED, "is a directory, not an image");
	h->disk.logical_sector = 512;
	if (S_ISREG(st.st_mode)) {
		h->disk.size = (uint64_t)st.st_size;
		h->mtime = st.st_mtim;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return error_set(e, ERR_UNSUPPORTED, "is neither a file nor a block device");
	if (ioctl(h->fd, BLKGETSIZE64, &bytes) || ioctl(h->fd, BLKSSZGET, &logical))
		return error_errno(e, errno, "cannot get the size of the block device");
	h->device = true;
	h->disk.size = bytes;
	h->disk.logical_sector = (uint32_t)logical;
	return 0;
}

int host_file_open(const char *path, struct disk **out, struct error *e)
{
	struct host_file *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return error_nomem(e, "a file");
	h->disk.ops = &host_file_ops;
	/* O_NONBLOCK: a FIFO must be refused, not waited for. */
	h->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (h->fd < 0) {
		rc = error_errno(e, errno, "cannot open");
		free(h);
		return rc;
	}
	rc = host_file_measure(h, e);
	if (rc) {
		host_file_close(&h->disk);
		return rc;
	}
	*out = &h->disk;
	return 0;
}

int host_file_descriptor(struct disk *d)
{
	return ((struct host_file *)d)->fd;
}

int host_file_identity(struct disk *d, uint64_t *device, uint64_t *inode, struct error *e)
{
	struct stat st;

	if (fstat(((struct host_file *)d)->fd, &st))
		return error_errno(e, errno, "cannot look at the file again");
	*device = st.st_dev;
	*inode = st.st_ino;
	return 0;
}

int host_file_is(struct disk *d, const char *path, bool *same, struct error *e)
{
	struct stat own, other;

	if (fstat(((struct host_file *)d)->fd, &own))
		return error_errno(e, errno, "cannot look at the file again");
	*same = false;
	if (stat(path, &other))
		return 0;
	*same = own.st_dev == other.st_dev && own.st_ino == other.st_ino;
	/* A device has as many names as there are nodes for it. */
	if (S_ISBLK(own.st_mode) && S_ISBLK(other.st_mode))
		*same = own.st_rdev == other.st_rdev;
	return 0;
}

int host_file_modified(struct disk *d, int64_t *out, struct error *e)
{
	struct stat st;

	if (fstat(((struct host_file *)d)->fd, &st))
		return error_errno(e, errno, "cannot look at the file again");
	*out = st.st_mtim.tv_sec;
	return 0;
}

int host_file_unchanged(struct disk *d, struct error *e)
{
	struct host_file *h = (struct host_file *)d;
	struct stat st;

	if (h->device)
		return 0;
	if (fstat(h->fd, &st))
		return error_errno(e, errno, "cannot look at the file again");
	if ((uint64_t)st.st_size != d->size)
		return error_set(e, ERR_CORRUPT,
			"the file changed while it was read: %llu bytes, now %llu",
			(unsigned long long)d->size, (unsigned long long)st.st_size);
	if (memcmp(&st.st_mtim, &h->mtime, sizeof(st.st_mtim)) != 0)
		return error_set(e, ERR_CORRUPT, "the file was written to while it was read");
	return 0;
}
