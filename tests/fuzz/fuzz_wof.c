/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a stream of a file that Windows compressed: algorithm, five bytes of the file's
 * size, and the stream. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_wof.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct input {
	const uint8_t *bytes;
	size_t len;
};

static int input_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct input *in = arg;

	(void)e;
	if (!range_fits(off, len, in->len))
		abort();
	memcpy(buf, in->bytes + off, len);
	return 0;
}

static void read_some(struct ntfs_wof *w, uint64_t size)
{
	static uint8_t buf[100000];
	struct error e;

	ntfs_wof_read(w, 0, buf, (size_t)min_u64(sizeof(buf), size), &e);
	ntfs_wof_read(w, size / 2, buf, (size_t)min_u64(sizeof(buf), size - size / 2), &e);
	if (size)
		ntfs_wof_read(w, size - 1, buf, 1, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t reparse[24] = { 0x17, 0, 0, 0x80, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1 };
	struct input in;
	struct ntfs_wof_stream stream = { .read = input_read, .arg = &in };
	struct ntfs_wof *w;
	struct error e;
	uint64_t size = 0;

	if (len < 6)
		return 0;
	reparse[20] = bytes[0] & 3;
	for (size_t i = 5; i; i--)
		size = size << 8 | bytes[i];
	in = (struct input){ bytes + 6, len - 6 };
	stream.size = in.len;
	if (ntfs_wof_open(reparse, sizeof(reparse), size, &stream, &w, &e))
		return 0;
	read_some(w, size);
	ntfs_wof_close(w);
	return 0;
}
