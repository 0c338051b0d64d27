/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks an initramfs as Linux unpacks it (init/initramfs.c, unpack_to_rootfs): plain archives at
 * multiples of 4, compressed streams anywhere, zeros between.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "guest/cpio_read.h"

struct walk {
	const struct initramfs_source *source;
	struct cpio_reader reader;
	struct initramfs_layout layout;
	uint64_t off, budget;
	bool leading; /* only firmware so far */
};

/* Moves w->off over zeros and reads what follows them. */
static int walk_next(struct walk *w, uint8_t *magic, size_t *len, struct error *e)
{
	uint8_t window[4096];

	*len = 0;
	while (w->off < w->source->size) {
		size_t n = (size_t)min_u64(sizeof(window), w->source->size - w->off), zeros = 0;
		int rc = w->source->read(w->source->arg, w->off, window, n, e);

		if (rc)
			return rc;
		while (zeros < n && !window[zeros])
			zeros++;
		w->off += zeros;
		if (zeros == n)
			continue;
		*len = (size_t)min_u64(CODEC_MAGIC_LIMIT, w->source->size - w->off);
		return w->source->read(w->source->arg, w->off, magic, *len, e);
	}
	return 0;
}

static int unknown_magic(const struct walk *w, const uint8_t *magic, size_t len, struct error *e)
{
	static const char lz4_frame[] = "\x04\x22\x4d\x18", lzop[] = "\x89LZO";

	if (len >= 4 && memcmp(magic, lz4_frame, 4) == 0)
		return error_set(e, ERR_UNSUPPORTED,
			"lz4 frame format at offset %" PRIu64
			": Linux unpacks the legacy format only",
			w->off);
	if (len >= 4 && memcmp(magic, lzop, 4) == 0)
		return error_set(e, ERR_UNSUPPORTED, "lzop compression at offset %" PRIu64, w->off);
	return error_set(e, ERR_CORRUPT,
		"neither a cpio archive nor a known compression at offset %" PRIu64
		", which begins with byte 0x%02x",
		w->off, magic[0]);
}

static int segment_plain(struct walk *w, struct stream *s, struct error *e)
{
	bool complete;
	int rc;

	if (w->off & 3)
		return error_set(e, ERR_CORRUPT,
			"plain archive at offset %" PRIu64 ", which is no multiple of 4", w->off);
	rc = cpio_read_archive(&w->reader, s, &complete, e);
	if (rc)
		return rc;
	/* The end of the image ends an archive too, as it does for Linux. */
	w->off = stream_offset(s);
	w->layout.last_unpacked = s->taken;
	strcpy(w->layout.last, "none");
	w->leading = w->leading && w->reader.firmware_only;
	w->layout.early_segments += w->leading;
	return 0;
}

/* Takes zeros between the archives of one stream; *more is whether another archive follows. */
static int stream_skip_zeros(struct stream *s, bool *more, struct error *e)
{
	for (;;) {
		int rc = stream_fill(s, e);
		size_t zeros = 0;

		if (rc)
			return rc;
		*more = s->out_len > 0;
		while (zeros < s->out_len && !s->out[zeros])
			zeros++;
		stream_take(s, zeros);
		if (s->out_len || !*more)
			break;
	}
	if (*more && (s->taken & 3))
		return error_set(e, ERR_CORRUPT,
			"archive at unpacked offset %" PRIu64 ", which is no multiple of 4",
			s->taken);
	return 0;
}

static int segment_compressed(struct walk *w, struct stream *s, struct error *e)
{
	bool complete, more = true;

	while (more) {
		int rc = cpio_read_archive(&w->reader, s, &complete, e);

		if (rc)
			return rc;
		if (!complete)
			return error_set(e, ERR_CORRUPT,
				"archive without a trailer ends at unpacked offset %" PRIu64,
				s->taken);
		rc = stream_skip_zeros(s, &more, e);
		if (rc)
			return rc;
	}
	w->off = s->end;
	w->leading = false;
	w->layout.last_unpacked = s->taken;
	snprintf(w->layout.last, sizeof(w->layout.last), "%s", s->codec->name);
	snprintf(w->layout.compression, sizeof(w->layout.compression), "%s", s->codec->name);
	return 0;
}

static int walk_segment(struct walk *w, const uint8_t *magic, size_t len, struct error *e)
{
	const struct codec *codec = codec_find(magic, len);
	uint64_t start = w->off;
	struct stream s;
	int rc;

	if (!codec && magic[0] != '0')
		return unknown_magic(w, magic, len, e);
	w->reader.segment = w->layout.segments;
	w->reader.firmware_only = true;
	rc = stream_open(&s, w->source, codec, w->off, &w->budget, e);
	if (!rc)
		rc = codec ? segment_compressed(w, &s, e) : segment_plain(w, &s, e);
	stream_close(&s);
	if (rc && codec)
		error_prefix(e, "%s segment at offset %" PRIu64, codec->name, start);
	if (rc)
		return rc;
	w->layout.segments++;
	w->layout.end = w->off;
	return 0;
}

int initramfs_walk(const struct initramfs_source *source, const struct initramfs_visitor *visitor,
	struct initramfs_layout *layout, struct error *e)
{
	struct walk w = { .source = source,
		.reader = { .visitor = visitor },
		.layout = { .compression = "none" },
		.budget = INITRAMFS_UNPACKED_LIMIT,
		.leading = true };
	uint8_t magic[CODEC_MAGIC_LIMIT];
	size_t len;
	int rc = walk_next(&w, magic, &len, e);

	while (!rc && len) {
		rc = walk_segment(&w, magic, len, e);
		if (!rc)
			rc = walk_next(&w, magic, &len, e);
	}
	if (!rc && !w.layout.segments)
		rc = error_set(e, ERR_CORRUPT, "no archive in an initramfs of %" PRIu64 " bytes",
			source->size);
	cpio_reader_free(&w.reader);
	if (!rc && layout)
		*layout = w.layout;
	return rc;
}

uint64_t initramfs_padding(uint64_t end)
{
	return round_up(end + 4, 512) - end;
}
