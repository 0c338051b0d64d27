/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients of the NBD server: any bytes as they are, as options with the right magic, and as
 * requests after a well-behaved handshake. */
#include <stdint.h>
#include <stdlib.h>

#include "base/checked.h"
#include "disk/memory.h"
#include "disk/overlay.h"
#include "disk/resized.h"
#include "tests/unit/nbd_bytes.h"

enum { BELOW = 8192, DISK_SIZE = (1 << 20) + 123, HEAR_MAX = 1 << 20, PAYLOAD_MAX = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define FLAGS "\0\0\0\3"
/* Structured replies, base:allocation, go. */
#define HANDSHAKE                                                                                  \
	FLAGS "IHAVEOPT\0\0\0\10\0\0\0\0"                                                          \
	      "IHAVEOPT\0\0\0\12\0\0\0\33\0\0\0\0\0\0\0\1\0\0\0\17base:allocation"                 \
	      "IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0"

/* Each option: its number, the length of its data, the data. */
static void say_options(struct buffer *b, const uint8_t *bytes, size_t len)
{
	buffer_append(b, FLAGS, 4, NULL);
	while (len >= 2) {
		size_t data = min_u64(bytes[1], len - 2);
		uint8_t head[16] = "IHAVEOPT";

		head[11] = bytes[0] & 15;
		head[15] = (uint8_t)data;
		buffer_append(b, head, sizeof(head), NULL);
		buffer_append(b, bytes + 2, data, NULL);
		bytes += 2 + data;
		len -= 2 + data;
	}
}

/* Each request: flags and type, three bytes of offset, three of length. */
static void say_requests(struct buffer *b, const uint8_t *bytes, size_t len)
{
	buffer_append(b, HANDSHAKE, sizeof(HANDSHAKE) - 1, NULL);
	for (; len >= 7; bytes += 7, len -= 7) {
		uint8_t head[28] = { 0x25, 0x60, 0x95, 0x13, 0, bytes[0] >> 4, 0, bytes[0] & 15 };
		uint32_t length = (uint32_t)(bytes[4] & 31) << 16 | bytes[5] << 8 | bytes[6];

		head[21] = bytes[1] & 31;
		head[22] = bytes[2];
		head[23] = bytes[3];
		head[25] = bytes[4] & 31;
		head[26] = bytes[5];
		head[27] = bytes[6];
		buffer_append(b, head, sizeof(head), NULL);
		if ((bytes[0] & 15) == 1)
			buffer_zeros(b, min_u64(length, PAYLOAD_MAX), NULL);
	}
}

static void play(struct disk *d, const uint8_t *bytes, size_t len, pthread_mutex_t *lock)
{
	struct script s;

	script_play(&s, bytes, len, HEAR_MAX, d, lock);
	buffer_free(&s.heard);
}

static void play_formed(struct disk *d, const uint8_t *bytes, size_t len, pthread_mutex_t *lock,
	void (*say)(struct buffer *, const uint8_t *, size_t))
{
	struct buffer b = { 0 };

	say(&b, bytes, len);
	play(d, b.data, b.len, lock);
	buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct disk *memory = NULL, *below = NULL, *overlay = NULL;

	if (!memory_disk_open(NULL, BELOW, &memory, NULL) &&
		!resized_open(memory, DISK_SIZE, &below, NULL) &&
		!overlay_open(below, "/tmp", DISK_SIZE, &overlay, NULL)) {
		play(below, bytes, len, NULL);
		play_formed(below, bytes, len, NULL, say_options);
		play_formed(overlay, bytes, len, &lock, say_requests);
		play_formed(overlay, bytes, len, &lock, say_requests);
	}
	disk_close(overlay);
	disk_close(below);
	disk_close(memory);
	return 0;
}
