/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DECOMPRESS_H
#define LIBIMG_GUEST_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/initramfs.h"

/* What one step of a decoder works on; the decoder moves the pointers on. */
struct codec_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	bool last; /* the source has nothing after `in` */
	bool done; /* set by the decoder at the end of its stream */
	size_t unread; /* then: bytes before `in` that the stream does not own after all */
};

/* A compression that Linux unpacks an initramfs from. */
struct codec {
	const char *name;
	const char *magic;
	size_t magic_len;
	int (*open)(void **state, struct error *e);
	/* May stop for want of input or room; progress without end is the caller's to notice. */
	int (*decode)(void *state, struct codec_io *io, struct error *e);
	void (*close)(void *state);
};

enum { CODEC_MAGIC_LIMIT = 6 };

/* By the first bytes; NULL: not one of ours. */
const struct codec *codec_find(const uint8_t *bytes, size_t len);

extern const struct codec codec_gzip, codec_bzip2, codec_lzma, codec_xz, codec_lz4, codec_zstd;

/* Most memory that a decoder may take for its window: xz -9 needs 65 MiB. */
enum { CODEC_MEMORY_LIMIT = 80 << 20 };

enum { STREAM_WINDOW = 128 << 10 };

/* The plain bytes from some offset of a source on. */
struct stream {
	const struct initramfs_source *source;
	const struct codec *codec; /* NULL: stored */
	void *state;
	uint64_t next; /* source offset after `in` */
	const uint8_t *in; /* inside in_window */
	size_t in_len;
	uint8_t *in_window, *out_window;
	const uint8_t *out; /* inside out_window: plain bytes not taken yet */
	size_t out_len;
	uint64_t taken; /* plain bytes taken so far */
	uint64_t *budget; /* plain bytes that may still be made */
	bool ended;
	uint64_t end; /* when ended: source offset after the stream */
};

int stream_open(struct stream *s, const struct initramfs_source *source, const struct codec *codec,
	uint64_t off, uint64_t *budget, struct error *e);
/* Makes out_len non-zero unless the stream ends. */
int stream_fill(struct stream *s, struct error *e);
/* Takes `len` of the bytes at `out`. */
void stream_take(struct stream *s, size_t len);
/* Copies up to `len` bytes; fewer only at the end. */
int stream_read(struct stream *s, void *buf, size_t len, size_t *got, struct error *e);
/* About where in the source the next byte comes from, for messages; exact in a stored stream. */
uint64_t stream_offset(const struct stream *s);
void stream_close(struct stream *s);

/* Appends the plain bytes of a file that holds one stream; ERR_UNSUPPORTED when its first bytes are
 * of no codec, ERR_RANGE when there are more than `limit`. */
int decompress_file(
	const void *bytes, size_t len, size_t limit, struct buffer *out, struct error *e);

#endif
