/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_BYTES_H
#define LIBIMG_BASE_BYTES_H

#include <stdint.h>

/*
 * On-disk integers.  Being structs of bytes they have alignment 1 and no arithmetic, so a compiler
 * refuses a forgotten conversion and structures made of them need no packing.
 */
typedef struct {
	uint8_t b[2];
} le16;
typedef struct {
	uint8_t b[4];
} le32;
typedef struct {
	uint8_t b[8];
} le64;
typedef struct {
	uint8_t b[2];
} be16;
typedef struct {
	uint8_t b[4];
} be32;
typedef struct {
	uint8_t b[8];
} be64;

static inline uint16_t get_le16(le16 v)
{
	return (uint16_t)(v.b[0] | v.b[1] << 8);
}

static inline uint32_t get_le32(le32 v)
{
	return v.b[0] | (uint32_t)v.b[1] << 8 | (uint32_t)v.b[2] << 16 | (uint32_t)v.b[3] << 24;
}

static inline uint64_t get_le64(le64 v)
{
	le32 low = { { v.b[0], v.b[1], v.b[2], v.b[3] } };
	le32 high = { { v.b[4], v.b[5], v.b[6], v.b[7] } };

	return get_le32(low) | (uint64_t)get_le32(high) << 32;
}

static inline uint16_t get_be16(be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline uint32_t get_be32(be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 | v.b[3];
}

static inline uint64_t get_be64(be64 v)
{
	be32 high = { { v.b[0], v.b[1], v.b[2], v.b[3] } };
	be32 low = { { v.b[4], v.b[5], v.b[6], v.b[7] } };

	return (uint64_t)get_be32(high) << 32 | get_be32(low);
}

static inline le16 put_le16(uint16_t n)
{
	return (le16){ { (uint8_t)n, (uint8_t)(n >> 8) } };
}

static inline le32 put_le32(uint32_t n)
{
	return (le32){ { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) } };
}

static inline le64 put_le64(uint64_t n)
{
	return (le64){ { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24),
		(uint8_t)(n >> 32), (uint8_t)(n >> 40), (uint8_t)(n >> 48), (uint8_t)(n >> 56) } };
}

static inline be16 put_be16(uint16_t n)
{
	return (be16){ { (uint8_t)(n >> 8), (uint8_t)n } };
}

static inline be32 put_be32(uint32_t n)
{
	return (be32){ { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static inline be64 put_be64(uint64_t n)
{
	return (be64){ { (uint8_t)(n >> 56), (uint8_t)(n >> 48), (uint8_t)(n >> 40),
		(uint8_t)(n >> 32), (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		(uint8_t)n } };
}

#endif
