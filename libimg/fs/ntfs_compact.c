/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that Windows compressed: from libntfs-3g's streams to what is in them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"
#include "fs/ntfs_wof.h"

struct packed {
	struct ntfs *n;
	ntfs_attr *stream;
};

static int packed_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct packed *p = arg;

	return ntfs_data_read(p->n, p->stream, off, buf, len, e);
}

static int stream_open(struct ntfs *n, ntfs_inode *ni, ntfs_attr **out, struct error *e)
{
	ntfschar *name = NULL;
	int units = ntfs_mbstoucs(NTFS_WOF_STREAM, &name);

	if (units < 0)
		return error_nomem(e, "a stream's name");
	*out = ntfs_attr_open(ni, AT_DATA, name, (u32)units);
	free(name);
	if (!*out)
		return ntfs_error(n, e, "stream %s of file record %" PRIu64, NTFS_WOF_STREAM,
			(uint64_t)ni->mft_no);
	if ((*out)->data_size < 0)
		return ntfs_corrupt(e, "file record %" PRIu64 ": a stream of %" PRId64 " bytes",
			(uint64_t)ni->mft_no, (int64_t)(*out)->data_size);
	return 0;
}

int ntfs_compact_read(
	struct ntfs *n, ntfs_inode *ni, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct packed p = { .n = n };
	struct ntfs_wof_stream s = { .read = packed_read, .arg = &p };
	struct ntfs_wof *w = NULL;
	uint8_t *reparse = NULL;
	size_t reparse_len = 0;
	int rc = ntfs_reparse_load(n, ni, &reparse, &reparse_len, e);

	if (!rc)
		rc = stream_open(n, ni, &p.stream, e);
	if (!rc && ni->data_size < 0)
		rc = ntfs_corrupt(e, "file record %" PRIu64 ": a size of %" PRId64 " bytes",
			(uint64_t)ni->mft_no, (int64_t)ni->data_size);
	if (!rc) {
		s.size = (uint64_t)p.stream->data_size;
		rc = ntfs_wof_open(reparse, reparse_len, (uint64_t)ni->data_size, &s, &w, e);
	}
	if (!rc)
		rc = ntfs_wof_read(w, off, buf, len, e);
	if (rc)
		error_prefix(e, "it is compressed by Windows (Compact OS)");
	ntfs_wof_close(w);
	if (p.stream)
		ntfs_attr_close(p.stream);
	free(reparse);
	return rc;
}
