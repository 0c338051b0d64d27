/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoders that a library does: gzip, bzip2, lzma, xz, zstd.  Each stops after one stream, as Linux
 * does. */

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "guest/decompress.h"

/* The windows are far smaller than an unsigned int holds. */
_Static_assert(STREAM_WINDOW <= UINT_MAX, "window");

static int gzip_open(void **state, struct error *e)
{
	z_stream *z = calloc(1, sizeof(*z));

	/* 15 bits of window, and 16: a gzip header. */
	if (!z || inflateInit2(z, 15 + 16) != Z_OK) {
		free(z);
		return error_nomem(e, "gzip decoder");
	}
	*state = z;
	return 0;
}

static int gzip_decode(void *state, struct codec_io *io, struct error *e)
{
	z_stream *z = state;
	int rc;

	z->next_in = (z_const Bytef *)(uintptr_t)io->in;
	z->avail_in = (uInt)io->in_len;
	z->next_out = io->out;
	z->avail_out = (uInt)io->out_len;
	rc = inflate(z, Z_NO_FLUSH);
	io->in += io->in_len - z->avail_in;
	io->in_len = z->avail_in;
	io->out += io->out_len - z->avail_out;
	io->out_len = z->avail_out;
	io->done = rc == Z_STREAM_END;
	if (rc == Z_MEM_ERROR)
		return error_nomem(e, "gzip decoder");
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return error_set(
			e, ERR_CORRUPT, "%s (zlib error %d)", z->msg ? z->msg : "damaged data", rc);
	return 0;
}

static void gzip_close(void *state)
{
	inflateEnd(state);
	free(state);
}

static int bzip2_open(void **state, struct error *e)
{
	bz_stream *z = calloc(1, sizeof(*z));

	if (!z || BZ2_bzDecompressInit(z, 0, 0) != BZ_OK) {
		free(z);
		return error_nomem(e, "bzip2 decoder");
	}
	*state = z;
	return 0;
}

static int bzip2_decode(void *state, struct codec_io *io, struct error *e)
{
	bz_stream *z = state;
	int rc;

	z->next_in = (char *)(uintptr_t)io->in;
	z->avail_in = (unsigned)io->in_len;
	z->next_out = (char *)io->out;
	z->avail_out = (unsigned)io->out_len;
	rc = BZ2_bzDecompress(z);
	io->in += io->in_len - z->avail_in;
	io->in_len = z->avail_in;
	io->out += io->out_len - z->avail_out;
	io->out_len = z->avail_out;
	io->done = rc == BZ_STREAM_END;
	if (rc == BZ_MEM_ERROR)
		return error_nomem(e, "bzip2 decoder");
	if (rc != BZ_OK && rc != BZ_STREAM_END)
		return error_set(e, ERR_CORRUPT, "damaged data (bzip2 error %d)", rc);
	return 0;
}

static void bzip2_close(void *state)
{
	BZ2_bzDecompressEnd(state);
	free(state);
}

static int lzma_state_open(void **state, bool alone, struct error *e)
{
	lzma_stream *z = calloc(1, sizeof(*z));
	lzma_ret rc;

	if (!z)
		return error_nomem(e, "lzma decoder");
	rc = alone ? lzma_alone_decoder(z, CODEC_MEMORY_LIMIT)
		   : lzma_stream_decoder(z, CODEC_MEMORY_LIMIT, 0);
	if (rc != LZMA_OK) {
		free(z);
		return error_nomem(e, "lzma decoder");
	}
	*state = z;
	return 0;
}

static int lzma_open(void **state, struct error *e)
{
	return lzma_state_open(state, true, e);
}

static int xz_open(void **state, struct error *e)
{
	return lzma_state_open(state, false, e);
}

static int xz_decode(void *state, struct codec_io *io, struct error *e)
{
	lzma_stream *z = state;
	lzma_ret rc;

	z->next_in = io->in;
	z->avail_in = io->in_len;
	z->next_out = io->out;
	z->avail_out = io->out_len;
	rc = lzma_code(z, io->last ? LZMA_FINISH : LZMA_RUN);
	io->in = z->next_in;
	io->in_len = z->avail_in;
	io->out = z->next_out;
	io->out_len = z->avail_out;
	io->done = rc == LZMA_STREAM_END;
	if (rc == LZMA_MEM_ERROR)
		return error_nomem(e, "lzma decoder");
	if (rc == LZMA_MEMLIMIT_ERROR)
		return error_set(e, ERR_UNSUPPORTED, "needs %llu bytes of memory, more than %d",
			(unsigned long long)lzma_memusage(z), CODEC_MEMORY_LIMIT);
	if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		return error_set(e, ERR_CORRUPT, "damaged data (liblzma error %d)", (int)rc);
	return 0;
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}

/* Frames with a larger window (zstd --ultra beyond -19, or --long) are refused: 2^26 bytes are 64
 * MiB. */
enum { ZSTD_WINDOW_LOG = 26 };

static int zstd_open(void **state, struct error *e)
{
	ZSTD_DStream *z = ZSTD_createDStream();

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
		ZSTD_freeDStream(z);
		return error_nomem(e, "zstd decoder");
	}
	*state = z;
	return 0;
}

static int zstd_decode(void *state, struct codec_io *io, struct error *e)
{
	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	size_t rc = ZSTD_decompressStream(state, &out, &in);

	if (ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge)
		return error_set(e, ERR_UNSUPPORTED, "window of more than %d MiB",
			1 << (ZSTD_WINDOW_LOG - 20));
	if (ZSTD_isError(rc))
		return error_set(e, ERR_CORRUPT, "%s", ZSTD_getErrorName(rc));
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	io->done = rc == 0;
	return 0;
}

static void zstd_close(void *state)
{
	ZSTD_freeDStream(state);
}

const struct codec codec_gzip = { "gzip", "\x1f\x8b", 2, gzip_open, gzip_decode, gzip_close };
const struct codec codec_bzip2 = { "bzip2", "BZh", 3, bzip2_open, bzip2_decode, bzip2_close };
const struct codec codec_lzma = { "lzma", "\x5d\0", 2, lzma_open, xz_decode, xz_close };
const struct codec codec_xz = { "xz",
	"\xfd"
	"7zXZ",
	6, xz_open, xz_decode, xz_close };
const struct codec codec_zstd = { "zstd", "\x28\xb5\x2f\xfd", 4, zstd_open, zstd_decode,
	zstd_close };
