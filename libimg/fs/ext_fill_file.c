/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of new files, in long writes of whole blocks. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ext_fill.h"
#include "fs/ext_fill_private.h"

enum { PIECE = 1 << 20 }; /* bytes in memory, whole blocks */

struct ext_fill_file {
	struct ext_blocks blocks;
	uint32_t block; /* bytes */
	uint64_t start; /* of the piece in the file, a whole block */
	size_t len; /* bytes in the piece */
	uint8_t *piece;
};

int ext_fill_open(struct fs *fs, uint64_t node, struct ext_fill_file **out, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext_fill_file *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return error_nomem(e, "a file");
	f->block = x->e2->blocksize;
	f->piece = malloc(PIECE);
	rc = f->piece ? ext_blocks_open(&f->blocks, x, (ext2_ino_t)node, e)
		      : error_nomem(e, "a file");
	if (rc)
		ext_fill_close(f);
	else
		*out = f;
	return rc;
}

/* The piece to the disk, its last block filled up with zeros. */
static int piece_write(struct ext_fill_file *f, struct error *e)
{
	struct ext *x = f->blocks.x;
	const uint64_t count = div_up(f->len, f->block);
	int rc = 0;

	memset(f->piece + f->len, 0, (size_t)(count * f->block) - f->len);
	for (uint64_t done = 0, at = 0, got = 0; !rc && done < count; done += got) {
		errcode_t code;

		rc = ext_blocks_take(
			&f->blocks, f->start / f->block + done, count - done, &at, &got, e);
		if (rc)
			break;
		code = io_channel_write_blk64(x->e2->io, at, (int)got, f->piece + done * f->block);
		if (code)
			rc = ext_error(x, code, e, "content of a file");
	}
	f->len = 0;
	return rc;
}

/* Makes `off` the end of the piece: a gap inside a block becomes zeros, a wider one is a hole. */
static int seek(struct ext_fill_file *f, uint64_t off, struct error *e)
{
	const uint64_t end = f->start + f->len, from = off / f->block * f->block;
	int rc;

	if (off < end)
		return error_set(e, ERR_CORRUPT,
			"content of a file goes back from byte %llu to "
			"%llu",
			(unsigned long long)end, (unsigned long long)off);
	if (f->len && from < round_up(end, f->block)) {
		memset(f->piece + f->len, 0, (size_t)(off - end));
		f->len += (size_t)(off - end);
		return 0;
	}
	if (off == end)
		return 0;
	rc = f->len ? piece_write(f, e) : 0;
	f->start = from;
	f->len = (size_t)(off - from);
	memset(f->piece, 0, f->len);
	return rc;
}

int ext_fill_write(
	struct ext_fill_file *f, uint64_t off, const void *bytes, size_t len, struct error *e)
{
	const uint8_t *from = bytes;
	int rc = len ? seek(f, off, e) : 0;

	while (!rc && len) {
		size_t part = (size_t)min_u64(PIECE - f->len, len);

		memcpy(f->piece + f->len, from, part);
		f->len += part;
		from += part;
		len -= part;
		if (f->len < PIECE)
			continue;
		rc = piece_write(f, e);
		f->start += PIECE;
	}
	return rc;
}

int ext_fill_finish(struct ext_fill_file *f, uint64_t size, struct error *e)
{
	int rc = f->len ? piece_write(f, e) : 0;

	return rc ? rc : ext_blocks_finish(&f->blocks, size, e);
}

void ext_fill_close(struct ext_fill_file *f)
{
	if (!f)
		return;
	ext_blocks_close(&f->blocks);
	free(f->piece);
	free(f);
}
