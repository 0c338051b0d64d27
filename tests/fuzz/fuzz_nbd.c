/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes from a client of the NBD server: as they are, and after a well-behaved handshake. */
#include <stdint.h>
#include <stdlib.h>

#include "disk/memory.h"
#include "disk/overlay.h"
#include "tests/unit/nbd_bytes.h"

enum { DISK_SIZE = 300000, HEAR_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Client flags, NBD_OPT_STRUCTURED_REPLY, NBD_OPT_SET_META_CONTEXT of base:allocation, NBD_OPT_GO.
 */
static const char handshake[] = "\0\0\0\3IHAVEOPT\0\0\0\10\0\0\0\0"
				"IHAVEOPT\0\0\0\12\0\0\0\33\0\0\0\0\0\0\0\1\0\0\0\17base:allocation"
				"IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0";

static void play(struct disk *d, const uint8_t *bytes, size_t len, pthread_mutex_t *lock)
{
	struct script s;

	script_play(&s, bytes, len, HEAR_MAX, d, lock);
	buffer_free(&s.heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const size_t greeted = sizeof(handshake) - 1;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct disk *below, *overlay;
	uint8_t *both = malloc(greeted + len);

	if (!both || memory_disk_open(NULL, DISK_SIZE, &below, NULL)) {
		free(both);
		return 0;
	}
	memcpy(both, handshake, greeted);
	if (len)
		memcpy(both + greeted, bytes, len);
	if (!overlay_open(below, "/tmp", DISK_SIZE, &overlay, NULL)) {
		play(below, bytes, len, NULL);
		play(overlay, both, greeted + len, &lock);
		play(overlay, both, greeted + len, &lock);
		disk_close(overlay);
	}
	disk_close(below);
	free(both);
	return 0;
}
