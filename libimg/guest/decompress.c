/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns a part of a source into plain bytes, a window at a time. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/decompress.h"

/* Linux: lib/decompress.c. */
const struct codec *codec_find(const uint8_t *bytes, size_t len)
{
	static const struct codec *const codecs[] = { &codec_gzip, &codec_bzip2, &codec_lzma,
		&codec_xz, &codec_lz4, &codec_zstd };

	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++)
		if (len >= codecs[i]->magic_len &&
			memcmp(bytes, codecs[i]->magic, codecs[i]->magic_len) == 0)
			return codecs[i];
	return NULL;
}

int stream_open(struct stream *s, const struct initramfs_source *source, const struct codec *codec,
	uint64_t off, uint64_t *budget, struct error *e)
{
	*s = (struct stream){ .source = source, .codec = codec, .next = off, .budget = budget };
	s->out_window = malloc(STREAM_WINDOW);
	s->in_window = codec ? malloc(STREAM_WINDOW) : NULL;
	if (!s->out_window || (codec && !s->in_window))
		return error_nomem(e, "initramfs window");
	return codec ? codec->open(&s->state, e) : 0;
}

static int source_read(struct stream *s, uint8_t *buf, size_t *len, struct error *e)
{
	const struct initramfs_source *source = s->source;
	uint64_t left = source->size > s->next ? source->size - s->next : 0;
	int rc;

	*len = (size_t)min_u64(left, STREAM_WINDOW);
	if (!*len)
		return 0;
	rc = source->read(source->arg, s->next, buf, *len, e);
	s->next += rc ? 0 : *len;
	return rc;
}

static int decode_step(struct stream *s, struct error *e)
{
	struct codec_io io = { .in = s->in,
		.in_len = s->in_len,
		.out = s->out_window,
		.out_len = STREAM_WINDOW,
		.last = s->next >= s->source->size };
	int rc = s->codec->decode(s->state, &io, e);
	bool stuck = io.in_len == s->in_len && io.out_len == STREAM_WINDOW;

	if (rc) {
		error_prefix(e, "%s stream near offset %" PRIu64, s->codec->name, stream_offset(s));
		return rc;
	}
	if (stuck && !io.done && (io.last || io.in_len))
		return error_set(e, ERR_CORRUPT, "%s stream is cut off at offset %" PRIu64,
			s->codec->name, stream_offset(s));
	s->in = io.in;
	s->in_len = io.in_len;
	s->out = s->out_window;
	s->out_len = STREAM_WINDOW - io.out_len;
	s->ended = io.done;
	s->end = s->next - s->in_len - io.unread;
	return 0;
}

static int stream_decode(struct stream *s, struct error *e)
{
	int rc = 0;

	while (!rc && !s->out_len && !s->ended) {
		if (!s->in_len) {
			s->in = s->in_window;
			rc = source_read(s, s->in_window, &s->in_len, e);
		}
		if (!rc)
			rc = decode_step(s, e);
	}
	return rc;
}

static int stream_load(struct stream *s, struct error *e)
{
	s->out = s->out_window;
	s->ended = s->next >= s->source->size;
	s->end = s->next;
	return source_read(s, s->out_window, &s->out_len, e);
}

int stream_fill(struct stream *s, struct error *e)
{
	int rc;

	if (s->out_len || s->ended)
		return 0;
	rc = s->codec ? stream_decode(s, e) : stream_load(s, e);
	if (rc)
		return rc;
	if (s->out_len > *s->budget)
		return error_set(e, ERR_RANGE,
			"the initramfs unpacks to more than %" PRIu64 " bytes",
			(uint64_t)INITRAMFS_UNPACKED_LIMIT);
	*s->budget -= s->out_len;
	return 0;
}

void stream_take(struct stream *s, size_t len)
{
	s->out += len;
	s->out_len -= len;
	s->taken += len;
}

int stream_read(struct stream *s, void *buf, size_t len, size_t *got, struct error *e)
{
	uint8_t *to = buf;

	*got = 0;
	while (*got < len) {
		int rc = stream_fill(s, e);
		size_t n = (size_t)min_u64(s->out_len, len - *got);

		if (rc)
			return rc;
		if (!n)
			break;
		memcpy(to + *got, s->out, n);
		*got += n;
		stream_take(s, n);
	}
	return 0;
}

uint64_t stream_offset(const struct stream *s)
{
	return s->next - (s->codec ? s->in_len : s->out_len);
}

void stream_close(struct stream *s)
{
	if (s->state)
		s->codec->close(s->state);
	free(s->in_window);
	free(s->out_window);
	*s = (struct stream){ 0 };
}
