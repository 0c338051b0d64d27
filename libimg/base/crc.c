/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crc.h"

#include <zlib.h>
#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#endif

#ifdef HAVE_ISAL
enum { ISAL_CHUNK = 1 << 30 }; /* its length is an int */

uint32_t crc32c_more(uint32_t before, const void *bytes, size_t len)
{
	/* ISA-L's prototype lacks const, but it only reads. */
	union {
		const void *in;
		unsigned char *out;
	} p = { bytes };
	uint32_t crc = ~before;

	while (len) {
		size_t part = len < ISAL_CHUNK ? len : ISAL_CHUNK;

		crc = crc32_iscsi(p.out, (int)part, crc);
		p.out += part;
		len -= part;
	}
	return ~crc;
}
#else
/* Bit by bit: checked structures are small, and this build is for processors that ISA-L does not
 * know. */
uint32_t crc32c_more(uint32_t before, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~before;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}
#endif

uint32_t crc32c(const void *bytes, size_t len)
{
	return crc32c_more(0, bytes, len);
}

uint32_t crc32_of(const void *bytes, size_t len)
{
	return (uint32_t)crc32_z(0, bytes, len);
}

uint32_t crc32_plain(uint32_t initial, const void *bytes, size_t len)
{
	return ~(uint32_t)crc32_z(~initial, bytes, len);
}
