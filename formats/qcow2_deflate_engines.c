/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compressors behind qcow2's two types.  A deflate stream refers back at most 4 KiB: readers
 * inflate with that window ("windowBits" -12 in qemu).
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>
#ifdef HAVE_ISAL
#include <isa-l.h>
#endif

#include "formats/qcow2_write.h"

enum {
	WINDOW_BITS = 12,
	ZSTD_FAST = 2, /* qemu-img's 3 takes a third more time for a hundredth of the size */
	ZSTD_BEST = 15, /* level 19 gains one percent in more than twice the time */
};

#ifdef HAVE_ISAL
/*
 * A stream that begins without history makes what ISA-L 2.30 writes depend on where the stream is
 * in memory: the cluster's third position goes into the hash bucket of the stream's address instead
 * of its own (igzip_icf_body_h1_gr_bt.asm, .write_first_byte: tmp2 still holds the argument), and
 * any later position of that bucket may find it.  So each begins with a window of history, and a
 * hash table that says "position 0" everywhere.  Distances count modulo the window: position 0
 * itself looks at the first byte of the history, which is made to differ from it, and no other
 * position ever looks at the history, which the reader does not have.
 */
enum {
	WINDOW = 1 << WINDOW_BITS,
	ISAL_LEVEL = 2, /* what level 3 makes depends on the processor */
	/* Processors differ in how far from the end of the room they give up, but by less. */
	END_ROOM = 512,
};

struct isal {
	struct isal_zstream stream;
	struct isal_dict history;
	uint8_t level_buf[ISAL_DEF_LVL2_SMALL];
	uint8_t out[(1 << QCOW2_MAX_BITS) + END_ROOM];
};

static void isal_close(void *state)
{
	free(state);
}

/* What is never touched of the state takes no memory. */
static int isal_open(void **state, struct error *e)
{
	struct isal *s = calloc(1, sizeof(*s));

	if (!s)
		return error_nomem(e, "a compressor");
	s->history.level = ISAL_LEVEL;
	s->history.hist_size = WINDOW;
	s->history.hash_size = IGZIP_LVL2_HASH_SIZE;
	*state = s;
	return 0;
}

static int isal_begin(struct isal *s, const uint8_t *in, size_t len, size_t room)
{
	struct isal_zstream *z = &s->stream;

	isal_deflate_init(z);
	z->level = ISAL_LEVEL;
	z->level_buf = s->level_buf;
	z->level_buf_size = sizeof(s->level_buf);
	z->hist_bits = WINDOW_BITS;
	z->end_of_stream = 1;
	z->next_in = (uint8_t *)(uintptr_t)in; /* not written, though not const */
	z->avail_in = (uint32_t)len;
	z->next_out = s->out;
	z->avail_out = (uint32_t)(room + END_ROOM);
	s->history.history[0] = (uint8_t)~in[0];
	return isal_deflate_reset_dict(z, &s->history);
}

static int isal_run(void *state, const uint8_t *in, size_t len, uint8_t *out, size_t room,
	size_t *made, struct error *e)
{
	struct isal *s = state;
	int rc = isal_begin(s, in, len, room);

	if (rc == COMP_OK)
		rc = isal_deflate(&s->stream);
	if (rc != COMP_OK)
		return error_set(e, ERR_UNSUPPORTED, "ISA-L refuses to compress: %d", rc);
	*made = 0;
	if (s->stream.internal_state.state != ZSTATE_END || s->stream.total_out > room)
		return 0;
	*made = s->stream.total_out;
	memcpy(out, s->out, *made);
	return 0;
}

static const struct qcow2_engine fast = { isal_open, isal_run, isal_close };
#endif

static int zlib_open(void **state, int level, int memory_level, struct error *e)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z ||
		deflateInit2(z, level, Z_DEFLATED, -WINDOW_BITS, memory_level,
			Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return error_nomem(e, "a compressor");
	}
	*state = z;
	return 0;
}

static void zlib_close(void *state)
{
	deflateEnd(state);
	free(state);
}

/* All at once, with a stream made ready for it: `rc` says whether that worked. */
static int zlib_finish(z_stream *z, int rc, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *made, struct error *e)
{
	z->next_in = (uint8_t *)(uintptr_t)in; /* not written, though not const */
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)room;
	if (rc == Z_OK)
		rc = deflate(z, Z_FINISH);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return error_set(e, ERR_UNSUPPORTED, "zlib refuses to compress: %d", rc);
	*made = rc == Z_STREAM_END ? room - z->avail_out : 0;
	return 0;
}

/*
 * Level 6 takes as long as qemu-img does and level 9 twice that, for half a percent.  Most of that
 * half comes from blocks of 8192 symbols, to which the codes fit better (memory level 7), and from
 * somewhat longer chains.  A reset brings the level's own limits back.
 */
static int zlib_best_open(void **state, struct error *e)
{
	enum { LEVEL = 6, SHORT_BLOCKS = 7 };

	return zlib_open(state, LEVEL, SHORT_BLOCKS, e);
}

static int zlib_best_run(void *state, const uint8_t *in, size_t len, uint8_t *out, size_t room,
	size_t *made, struct error *e)
{
	enum { GOOD = 8, LAZY = 32, NICE = 258, CHAIN = 192 };
	int rc = deflateReset(state);

	if (rc == Z_OK)
		rc = deflateTune(state, GOOD, LAZY, NICE, CHAIN);
	return zlib_finish(state, rc, in, len, out, room, made, e);
}

static const struct qcow2_engine best = { zlib_best_open, zlib_best_run, zlib_close };

#ifndef HAVE_ISAL
static int zlib_fast_open(void **state, struct error *e)
{
	return zlib_open(state, Z_BEST_SPEED, MAX_MEM_LEVEL, e);
}

static int zlib_fast_run(void *state, const uint8_t *in, size_t len, uint8_t *out, size_t room,
	size_t *made, struct error *e)
{
	return zlib_finish(state, deflateReset(state), in, len, out, room, made, e);
}

static const struct qcow2_engine fast = { zlib_fast_open, zlib_fast_run, zlib_close };
#endif

static int zstd_open(void **state, int level, struct error *e)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	if (!z || ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level))) {
		ZSTD_freeCCtx(z);
		return error_nomem(e, "a compressor");
	}
	*state = z;
	return 0;
}

static void zstd_close(void *state)
{
	ZSTD_freeCCtx(state);
}

static int zstd_run(void *state, const uint8_t *in, size_t len, uint8_t *out, size_t room,
	size_t *made, struct error *e)
{
	size_t n = ZSTD_compress2(state, out, room, in, len);

	*made = n;
	if (ZSTD_isError(n)) {
		*made = 0;
		if (ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall)
			return error_set(e, ERR_UNSUPPORTED, "zstd refuses to compress: %s",
				ZSTD_getErrorName(n));
	}
	return 0;
}

static int zstd_fast_open(void **state, struct error *e)
{
	return zstd_open(state, ZSTD_FAST, e);
}

static int zstd_best_open(void **state, struct error *e)
{
	return zstd_open(state, ZSTD_BEST, e);
}

static const struct qcow2_engine zstd_fast = { zstd_fast_open, zstd_run, zstd_close };
static const struct qcow2_engine zstd_best = { zstd_best_open, zstd_run, zstd_close };

const struct qcow2_engine *qcow2_engine_for(enum qcow2_compression type, bool smallest)
{
	if (type == QCOW2_ZSTD)
		return smallest ? &zstd_best : &zstd_fast;
	return smallest ? &best : &fast;
}
