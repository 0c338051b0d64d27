/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_NTFS_WOF_H
#define LIBIMG_FS_NTFS_WOF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A file that Windows compressed with `compact /exe`, as Compact OS does with all of Windows: the
 * reparse point says how, the unnamed stream is a hole of the file's size, and the bytes are in the
 * stream NTFS_WOF_STREAM.
 */
struct ntfs_wof;

#define NTFS_WOF_STREAM "WofCompressedData"
#define NTFS_WOF_TAG UINT32_C(0x80000017)

struct ntfs_wof_stream {
	uint64_t size; /* bytes */
	/* Fills exactly `len` bytes from `off` of the stream, inside it. */
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
	void *arg;
};

/*
 * `reparse` is the whole reparse point, tag first; `size` is that of the unnamed stream.  The
 * stream is copied, what it points at has to live as long as *out.  ERR_UNSUPPORTED for files that
 * are kept in a WIM, and for what is not known; ERR_CORRUPT when the sizes can't be right.
 */
int ntfs_wof_open(const void *reparse, size_t reparse_len, uint64_t size,
	const struct ntfs_wof_stream *stream, struct ntfs_wof **out, struct error *e);
/* Reads exactly `len` bytes of the file; past the end is ERR_RANGE.  Two chunks of 32 KiB are kept
 * in memory, one of them decompressed, so reading on from where a read ended costs nothing twice.
 */
int ntfs_wof_read(struct ntfs_wof *w, uint64_t off, void *buf, size_t len, struct error *e);
/* NULL is fine. */
void ntfs_wof_close(struct ntfs_wof *w);

#endif
