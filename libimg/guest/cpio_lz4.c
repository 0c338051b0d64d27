/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes lz4's legacy format (lz4_Frame_format.md, "Legacy frame"). */
#include <lz4hc.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/initramfs.h"

enum { LZ4_MAGIC = 0x184C2102, LZ4_BLOCK = 8 << 20 };

static int block_pack(struct buffer *out, const uint8_t *bytes, size_t len, struct error *e)
{
	const size_t at = out->len, room = (size_t)LZ4_compressBound((int)len);
	int packed, rc = buffer_zeros(out, sizeof(le32) + room, e);
	le32 size;

	if (rc)
		return rc;
	packed = LZ4_compress_HC((const char *)bytes, (char *)out->data + at + sizeof(size),
		(int)len, (int)room, LZ4HC_CLEVEL_DEFAULT);
	if (packed <= 0)
		return error_nomem(e, "lz4");
	size = put_le32((uint32_t)packed);
	for (size_t i = 0; i < sizeof(size); i++)
		out->data[at + i] = size.b[i];
	out->len = at + sizeof(size) + (size_t)packed;
	return 0;
}

int cpio_lz4(const struct buffer *plain, struct buffer *out, struct error *e)
{
	const le32 magic = put_le32(LZ4_MAGIC);
	int rc = buffer_append(out, &magic, sizeof(magic), e);

	for (size_t at = 0; at < plain->len && !rc; at += LZ4_BLOCK)
		rc = block_pack(
			out, plain->data + at, (size_t)min_u64(LZ4_BLOCK, plain->len - at), e);
	return rc;
}
