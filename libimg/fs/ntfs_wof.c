/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that the Windows Overlay Filter keeps compressed.  The reparse point is
 * WOF_EXTERNAL_INFO and FILE_PROVIDER_EXTERNAL_INFO_V1 of Windows' headers.  The stream is a table
 * of where each chunk but the first starts, from the end of the table, and then the chunks; numbers
 * have 8 bytes when the file has 4 GiB or more.  A chunk that would not get smaller is stored as it
 * is.  The codecs are those of WIM files.
 */
#include "fs/ntfs_wof.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <wimlib.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	PROVIDER_WIM = 1,
	PROVIDER_FILE = 2,
	VERSION = 1,
	CHUNK_MAX = 32 << 10,
	OFFSETS = 512, /* of the table, in memory */
};
#define NO_CHUNK UINT64_MAX

struct reparse {
	le32 tag; /* +0x00 */
	le16 len; /* +0x04 of what follows the next field */
	le16 reserved; /* +0x06 */
	le32 version; /* +0x08 */
	le32 provider; /* +0x0c */
	le32 provider_version; /* +0x10 */
	le32 algorithm; /* +0x14 */
};
_Static_assert(sizeof(struct reparse) == 24, "WOF reparse point");

struct ntfs_wof {
	struct ntfs_wof_stream stream;
	uint64_t size, chunks;
	uint32_t chunk; /* bytes */
	unsigned width; /* bytes of a number in the table */
	uint64_t table; /* bytes */
	struct wimlib_decompressor *codec;
	uint64_t first, count; /* numbers of the table that are in `offset` */
	uint64_t offset[OFFSETS];
	uint64_t plain_chunk; /* that is in `plain`; NO_CHUNK: none */
	uint8_t plain[CHUNK_MAX];
	uint8_t packed[CHUNK_MAX];
};

static const struct algorithm {
	enum wimlib_compression_type type;
	uint32_t chunk;
} algorithms[] = {
	{ WIMLIB_COMPRESSION_TYPE_XPRESS, 4 << 10 },
	{ WIMLIB_COMPRESSION_TYPE_LZX, 32 << 10 },
	{ WIMLIB_COMPRESSION_TYPE_XPRESS, 8 << 10 },
	{ WIMLIB_COMPRESSION_TYPE_XPRESS, 16 << 10 },
};

static int reparse_take(
	const void *bytes, size_t len, const struct algorithm **out, struct error *e)
{
	struct reparse r;
	uint32_t algorithm;

	if (len < offsetof(struct reparse, provider_version))
		return error_set(e, ERR_CORRUPT, "a reparse point of WOF with %zu bytes", len);
	memset(&r, 0, sizeof(r));
	memcpy(&r, bytes, min_u64(len, sizeof(r)));
	if (get_le32(r.tag) != NTFS_WOF_TAG || get_le32(r.version) != VERSION)
		return error_set(e, ERR_UNSUPPORTED,
			"a reparse point 0x%08x of version %u is none of WOF", get_le32(r.tag),
			get_le32(r.version));
	if (get_le32(r.provider) == PROVIDER_WIM)
		return error_set(e, ERR_UNSUPPORTED,
			"the file's content is in a WIM file (WIMBoot): decompress it in the guest "
			"(compact /u)");
	if (get_le32(r.provider) != PROVIDER_FILE || len < sizeof(r) ||
		get_le32(r.provider_version) != VERSION)
		return error_set(e, ERR_UNSUPPORTED,
			"the file's content is kept by provider %u of WOF, version %u",
			get_le32(r.provider), get_le32(r.provider_version));
	algorithm = get_le32(r.algorithm);
	if (algorithm >= sizeof(algorithms) / sizeof(*algorithms))
		return error_set(e, ERR_UNSUPPORTED,
			"the file is compressed by Windows in a way that hvimg does not know (%u)",
			algorithm);
	*out = &algorithms[algorithm];
	return 0;
}

static int sizes_take(struct ntfs_wof *w, uint64_t size, struct error *e)
{
	w->size = size;
	w->chunks = div_up(size, w->chunk);
	w->width = size > UINT32_MAX ? 8 : 4;
	w->table = w->chunks ? (w->chunks - 1) * w->width : 0;
	if (w->table > w->stream.size || (w->chunks && w->table == w->stream.size))
		return error_set(e, ERR_CORRUPT,
			"a compressed file of %" PRIu64 " bytes has a table of %" PRIu64
			" in a stream of %" PRIu64,
			size, w->table, w->stream.size);
	return 0;
}

int ntfs_wof_open(const void *reparse, size_t reparse_len, uint64_t size,
	const struct ntfs_wof_stream *stream, struct ntfs_wof **out, struct error *e)
{
	const struct algorithm *a = NULL;
	struct ntfs_wof *w;
	int rc = reparse_take(reparse, reparse_len, &a, e);

	if (rc)
		return rc;
	w = calloc(1, sizeof(*w));
	if (!w)
		return error_nomem(e, "a compressed file");
	w->stream = *stream;
	w->chunk = a->chunk;
	w->plain_chunk = NO_CHUNK;
	rc = sizes_take(w, size, e);
	if (!rc && wimlib_create_decompressor(a->type, a->chunk, &w->codec))
		rc = error_nomem(e, "a decompressor");
	if (rc)
		ntfs_wof_close(w);
	else
		*out = w;
	return rc;
}

/* Reads numbers of the table from that one on. */
static int offsets_load(struct ntfs_wof *w, uint64_t first, struct error *e)
{
	uint8_t bytes[OFFSETS * 8];
	size_t count = (size_t)min_u64(OFFSETS, w->chunks - 1 - first);
	int rc = w->stream.read(w->stream.arg, first * w->width, bytes, count * w->width, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		le64 n = { { 0 } };

		memcpy(&n, bytes + i * w->width, w->width);
		w->offset[i] = get_le64(n);
	}
	w->first = first;
	w->count = count;
	return 0;
}

/* Where a chunk starts in the stream, or the one behind the last would. */
static int chunk_offset(struct ntfs_wof *w, uint64_t chunk, uint64_t *out, struct error *e)
{
	int rc = 0;

	*out = 0;
	if (chunk == w->chunks) {
		*out = w->stream.size - w->table;
	} else if (chunk) {
		if (chunk - 1 < w->first || chunk - 1 - w->first >= w->count)
			rc = offsets_load(w, chunk - 1, e);
		if (!rc)
			*out = w->offset[chunk - 1 - w->first];
	}
	return rc;
}

static int chunk_load(struct ntfs_wof *w, uint64_t chunk, struct error *e)
{
	size_t plain = (size_t)min_u64(w->chunk, w->size - chunk * w->chunk);
	uint64_t start, end, room = w->stream.size - w->table;
	bool stored;
	int rc = chunk_offset(w, chunk, &start, e);

	if (!rc)
		rc = chunk_offset(w, chunk + 1, &end, e);
	if (rc)
		return rc;
	if (start >= end || end > room || end - start > plain)
		return error_set(e, ERR_CORRUPT,
			"chunk %" PRIu64 " of %zu bytes is said to be at %" PRIu64 " to %" PRIu64
			" of %" PRIu64,
			chunk, plain, start, end, room);
	stored = end - start == plain;
	w->plain_chunk = NO_CHUNK;
	rc = w->stream.read(w->stream.arg, w->table + start, stored ? w->plain : w->packed,
		(size_t)(end - start), e);
	if (rc)
		return rc;
	if (!stored &&
		wimlib_decompress(w->packed, (size_t)(end - start), w->plain, plain, w->codec))
		return error_set(e, ERR_CORRUPT,
			"chunk %" PRIu64 " of a compressed file can't be decompressed", chunk);
	w->plain_chunk = chunk;
	return 0;
}

int ntfs_wof_read(struct ntfs_wof *w, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;
	int rc = 0;

	if (!range_fits(off, len, w->size))
		return error_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of a file of %" PRIu64,
			len, off, w->size);
	while (!rc && len) {
		uint64_t chunk = off / w->chunk;
		size_t in = (size_t)(off % w->chunk);
		size_t n = (size_t)min_u64(len, w->chunk - in);

		if (chunk != w->plain_chunk)
			rc = chunk_load(w, chunk, e);
		if (!rc)
			memcpy(to, w->plain + in, n);
		off += n;
		to += n;
		len -= n;
	}
	return rc;
}

void ntfs_wof_close(struct ntfs_wof *w)
{
	if (!w)
		return;
	wimlib_free_decompressor(w->codec);
	free(w);
}
