/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/pack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <zstd.h>

#include "base/checked.h"
#include "base/pool.h"

enum {
	PIECE = 2 << 20,
	PIECES_A_THREAD = 2,
	GZIP_LEVEL = 6,
	ZSTD_LEVEL = 6,
};

struct pack_piece {
	uint8_t *plain, *packed;
	size_t len, packed_len;
};

struct pack {
	enum pack_kind kind;
	struct output *file;
	uint64_t off; /* in the file */
	unsigned threads;
	size_t room; /* bytes of a packed piece at most */
	struct pack_piece *piece;
	size_t count; /* pieces */
	size_t filled; /* of them; the next one is being filled */
	atomic_size_t next; /* to be packed */
	atomic_bool failed; /* for want of memory: nothing else can go wrong */
};

static size_t gzip_piece(struct libdeflate_compressor *c, struct pack *p, struct pack_piece *piece)
{
	return libdeflate_gzip_compress(c, piece->plain, piece->len, piece->packed, p->room);
}

static size_t zstd_piece(ZSTD_CCtx *c, struct pack *p, struct pack_piece *piece)
{
	size_t n = ZSTD_compress2(c, piece->packed, p->room, piece->plain, piece->len);

	return ZSTD_isError(n) ? 0 : n;
}

/* The next piece that nobody has taken yet; NULL: none is left. */
static struct pack_piece *piece_take(struct pack *p)
{
	size_t i = atomic_fetch_add(&p->next, 1);

	return i < p->filled ? &p->piece[i] : NULL;
}

static void gzip_work(struct pack *p)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(GZIP_LEVEL);
	struct pack_piece *piece;

	while (c && (piece = piece_take(p)))
		if (!(piece->packed_len = gzip_piece(c, p, piece)))
			p->failed = true;
	if (!c)
		p->failed = true;
	libdeflate_free_compressor(c);
}

static void zstd_work(struct pack *p)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct pack_piece *piece;

	if (!c || ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)))
		p->failed = true;
	while (!p->failed && (piece = piece_take(p)))
		if (!(piece->packed_len = zstd_piece(c, p, piece)))
			p->failed = true;
	ZSTD_freeCCtx(c);
}

static void work(void *arg)
{
	struct pack *p = arg;

	if (p->kind == PACK_GZIP)
		gzip_work(p);
	else
		zstd_work(p);
}

static int file_append(struct pack *p, const void *bytes, size_t len, struct error *e)
{
	int rc = output_write(p->file, p->off, bytes, len, e);

	p->off += len;
	return rc;
}

/* Packs and writes the pieces that are filled. */
static int flush(struct pack *p, struct error *e)
{
	int rc = 0;

	p->next = 0;
	if (p->filled)
		pool_run((unsigned)min_u64(p->threads, p->filled), work, p);
	if (p->failed)
		return error_nomem(e, "compressing");
	for (size_t i = 0; !rc && i < p->filled; i++) {
		rc = file_append(p, p->piece[i].packed, p->piece[i].packed_len, e);
		p->piece[i].len = 0;
	}
	p->filled = 0;
	return rc;
}

static int pieces_open(struct pack *p, struct error *e)
{
	p->threads = pool_threads(p->threads);
	p->room = p->kind == PACK_ZSTD ? ZSTD_compressBound(PIECE)
				       : libdeflate_gzip_compress_bound(NULL, PIECE);
	p->count = (size_t)p->threads * PIECES_A_THREAD;
	p->piece = calloc(p->count, sizeof(*p->piece));
	for (size_t i = 0; p->piece && i < p->count; i++) {
		p->piece[i].plain = malloc(PIECE);
		p->piece[i].packed = malloc(p->room);
		if (!p->piece[i].plain || !p->piece[i].packed)
			return error_nomem(e, "compressing");
	}
	return p->piece ? 0 : error_nomem(e, "compressing");
}

int pack_open(enum pack_kind kind, unsigned threads, struct output *file, struct pack **out,
	struct error *e)
{
	struct pack *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_nomem(e, "a stream");
	p->kind = kind;
	p->file = file;
	p->threads = threads;
	rc = kind == PACK_NONE ? 0 : pieces_open(p, e);
	if (rc)
		pack_close(p);
	else
		*out = p;
	return rc;
}

int pack_write(struct pack *p, const void *bytes, size_t len, struct error *e)
{
	const uint8_t *from = bytes;
	int rc = 0;

	if (p->kind == PACK_NONE)
		return file_append(p, bytes, len, e);
	while (!rc && len) {
		struct pack_piece *piece = &p->piece[p->filled];
		size_t part = (size_t)min_u64(len, PIECE - piece->len);

		memcpy(piece->plain + piece->len, from, part);
		piece->len += part;
		from += part;
		len -= part;
		if (piece->len == PIECE && ++p->filled == p->count)
			rc = flush(p, e);
	}
	return rc;
}

int pack_finish(struct pack *p, uint64_t *size, struct error *e)
{
	int rc = 0;

	if (p->kind != PACK_NONE) {
		p->filled += p->piece[p->filled].len > 0;
		rc = flush(p, e);
	}
	*size = p->off;
	return rc;
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->piece && i < p->count; i++) {
		free(p->piece[i].plain);
		free(p->piece[i].packed);
	}
	free(p->piece);
	free(p);
}
