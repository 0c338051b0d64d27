/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "guest/windows_setting.h"

int host_file_open(const char *path, uint64_t limit, struct host_file *out, struct error *e)
{
	struct stat st;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	if (fstat(fd, &st))
		rc = error_errno(e, errno, "%s", path);
	else if (!S_ISREG(st.st_mode))
		rc = error_set(e, ERR_USAGE, "%s: not a file", path);
	else if ((uint64_t)st.st_size > limit)
		rc = error_set(e, ERR_RANGE, "%s: %" PRIu64 " bytes, more than %" PRIu64, path,
			(uint64_t)st.st_size, limit);
	if (rc)
		close(fd);
	else
		*out = (struct host_file){ .fd = fd, .size = (uint64_t)st.st_size };
	return rc;
}

int host_file_read(void *file, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct host_file *f = file;

	while (len) {
		const ssize_t got = pread(f->fd, buf, len, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "reading a file of the host");
		if (!got)
			return error_set(e, ERR_IO,
				"a file of the host ends at byte %" PRIu64 ": it was changed", off);
		buf = (uint8_t *)buf + got;
		off += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

int host_file_digest(struct host_file *f, char hex[DIGEST_HEX_MAX], struct error *e)
{
	enum { PIECE = 1 << 20 };
	struct digest *d = NULL;
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? digest_open(&d, "sha256", e) : error_nomem(e, "a digest");

	for (uint64_t off = 0; off < f->size && !rc; off += PIECE) {
		const size_t len = (size_t)min_u64(PIECE, f->size - off);

		rc = host_file_read(f, off, piece, len, e);
		if (!rc)
			digest_add(d, piece, len);
	}
	if (!rc)
		digest_hex(d, hex);
	digest_close(d);
	free(piece);
	return rc;
}

void host_file_close(struct host_file *f)
{
	close(f->fd);
}

int host_file_load(const char *path, uint64_t limit, struct buffer *out, struct error *e)
{
	struct host_file f;
	int rc = host_file_open(path, limit, &f, e);

	if (rc)
		return rc;
	rc = buffer_zeros(out, (size_t)f.size, e);
	if (!rc)
		rc = host_file_read(&f, 0, out->data, out->len, e);
	host_file_close(&f);
	return rc ? error_prefix(e, "%s", path) : 0;
}
