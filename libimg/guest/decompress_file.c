/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A compressed file in memory, such as a module. */
#include <string.h>

#include "guest/decompress.h"

static int memory_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const uint8_t *const *bytes = arg;

	(void)e;
	memcpy(buf, *bytes + off, len);
	return 0;
}

int decompress_file(
	const void *bytes, size_t len, size_t limit, struct buffer *out, struct error *e)
{
	const struct initramfs_source source = { .size = len, .read = memory_read, .arg = &bytes };
	const struct codec *codec = codec_find(bytes, len);
	uint64_t budget = INITRAMFS_UNPACKED_LIMIT;
	struct stream s;
	int rc;

	if (!codec)
		return error_set(e, ERR_UNSUPPORTED, "compression of an unknown kind");
	rc = stream_open(&s, &source, codec, 0, &budget, e);
	while (!rc) {
		rc = stream_fill(&s, e);
		if (rc || !s.out_len)
			break;
		if (s.taken + s.out_len > limit)
			rc = error_set(e, ERR_RANGE, "it unpacks to more than %zu bytes", limit);
		if (!rc)
			rc = buffer_append(out, s.out, s.out_len, e);
		stream_take(&s, s.out_len);
	}
	stream_close(&s);
	return rc;
}
