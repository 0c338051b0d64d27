/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lz4 legacy format (lz4_Frame_format.md, "Legacy frame"): a magic, then blocks of up to 8 MiB,
 * each after its compressed length.  It has no end mark.  Linux (lib/decompress_unlz4.c) ends at a
 * length of zero or at the end of the image, and takes the magic in place of a length for the start
 * of a glued stream.
 */

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/decompress.h"

enum {
	LZ4_BLOCK = 8 << 20,
	LZ4_BLOCK_BOUND = LZ4_COMPRESSBOUND(LZ4_BLOCK),
	LZ4_MAGIC = 0x184C2102,
};

struct lz4 {
	le32 word; /* a length or magic, as far as it has arrived */
	size_t word_len;
	uint8_t *block; /* compressed */
	size_t block_size, block_len; /* what it shall have, what has arrived */
	uint8_t *plain;
	size_t plain_at, plain_len;
};

static void lz4_close(void *state)
{
	struct lz4 *z = state;

	free(z->block);
	free(z->plain);
	free(z);
}

static int lz4_open(void **state, struct error *e)
{
	struct lz4 *z = calloc(1, sizeof(*z));

	if (!z)
		return error_nomem(e, "lz4 decoder");
	z->block = malloc(LZ4_BLOCK_BOUND);
	z->plain = malloc(LZ4_BLOCK);
	if (!z->block || !z->plain) {
		lz4_close(z);
		return error_nomem(e, "lz4 decoder");
	}
	*state = z;
	return 0;
}

/* Moves input into `to` until `have` is `want`. */
static bool lz4_gather(struct codec_io *io, void *to, size_t *have, size_t want)
{
	size_t n = (size_t)min_u64(io->in_len, want - *have);

	memcpy((uint8_t *)to + *have, io->in, n);
	*have += n;
	io->in += n;
	io->in_len -= n;
	return *have == want;
}

static int lz4_word(struct lz4 *z, struct codec_io *io, struct error *e)
{
	uint32_t word;

	if (!lz4_gather(io, &z->word, &z->word_len, sizeof(z->word))) {
		io->done = io->last;
		io->unread = z->word_len;
		return 0;
	}
	word = get_le32(z->word);
	if (!word) {
		io->done = true;
		io->unread = z->word_len;
		return 0;
	}
	z->word_len = 0;
	if (word == LZ4_MAGIC)
		return 0;
	if (word > LZ4_BLOCK_BOUND)
		return error_set(e, ERR_CORRUPT, "block of %u bytes, more than %u", word,
			(unsigned)LZ4_BLOCK_BOUND);
	z->block_size = word;
	z->block_len = 0;
	return 0;
}

static int lz4_block(struct lz4 *z, struct codec_io *io, struct error *e)
{
	int n;

	if (!lz4_gather(io, z->block, &z->block_len, z->block_size))
		return 0;
	n = LZ4_decompress_safe(
		(const char *)z->block, (char *)z->plain, (int)z->block_size, LZ4_BLOCK);
	if (n < 0)
		return error_set(e, ERR_CORRUPT, "damaged block of %zu bytes (lz4 error %d)",
			z->block_size, n);
	z->block_size = 0;
	z->plain_at = 0;
	z->plain_len = (size_t)n;
	return 0;
}

static int lz4_decode(void *state, struct codec_io *io, struct error *e)
{
	struct lz4 *z = state;
	int rc = 0;

	do {
		size_t n = (size_t)min_u64(io->out_len, z->plain_len);

		memcpy(io->out, z->plain + z->plain_at, n);
		z->plain_at += n;
		z->plain_len -= n;
		io->out += n;
		io->out_len -= n;
		if (z->plain_len)
			return 0;
		rc = z->block_size ? lz4_block(z, io, e) : lz4_word(z, io, e);
	} while (!rc && !io->done && (io->in_len || z->plain_len));
	return rc;
}

const struct codec codec_lz4 = { "lz4", "\x02\x21\x4c\x18", 4, lz4_open, lz4_decode, lz4_close };
