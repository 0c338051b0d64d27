/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that Windows compressed: streams made here with wimlib's compressor, one chunk out of
 * Microsoft's specification, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wimlib.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "fs/ntfs_wof.h"

enum { XPRESS4K, LZX, XPRESS8K, XPRESS16K };

static const struct {
	enum wimlib_compression_type type;
	size_t chunk;
} algorithms[] = {
	[XPRESS4K] = { WIMLIB_COMPRESSION_TYPE_XPRESS, 4096 },
	[LZX] = { WIMLIB_COMPRESSION_TYPE_LZX, 32768 },
	[XPRESS8K] = { WIMLIB_COMPRESSION_TYPE_XPRESS, 8192 },
	[XPRESS16K] = { WIMLIB_COMPRESSION_TYPE_XPRESS, 16384 },
};

static struct error e;

static void reparse_make(uint32_t provider, uint32_t algorithm, uint8_t out[24])
{
	const le32 fields[6] = { put_le32(0x80000017), put_le32(16), put_le32(1),
		put_le32(provider), put_le32(1), put_le32(algorithm) };

	memcpy(out, fields, 24);
}

static int buffer_read(void *arg, uint64_t off, void *buf, size_t len, struct error *err)
{
	const struct buffer *b = arg;

	(void)err;
	assert_true(off <= b->len && len <= b->len - off);
	memcpy(buf, b->data + off, len);
	return 0;
}

static int open_stream(
	struct buffer *stream, uint32_t algorithm, uint64_t size, struct ntfs_wof **out)
{
	const struct ntfs_wof_stream s = {
		.size = stream->len, .read = buffer_read, .arg = stream
	};
	uint8_t reparse[24];

	reparse_make(2, algorithm, reparse);
	return ntfs_wof_open(reparse, sizeof(reparse), size, &s, out, &e);
}

/* The stream that Windows would make of the bytes. */
static void compress(unsigned algorithm, const uint8_t *bytes, size_t len, struct buffer *out)
{
	size_t chunk = algorithms[algorithm].chunk, chunks = (len + chunk - 1) / chunk;
	struct wimlib_compressor *c;
	struct buffer data = { 0 };
	uint8_t packed[32768];

	assert_int_equal(wimlib_create_compressor(algorithms[algorithm].type, chunk, 0, &c), 0);
	for (size_t i = 0; i < chunks; i++) {
		const uint8_t *from = bytes + i * chunk;
		size_t plain = len - i * chunk < chunk ? len - i * chunk : chunk;
		size_t got = wimlib_compress(from, plain, packed, plain - 1, c);
		const le32 at = put_le32((uint32_t)data.len);

		if (i)
			assert_int_equal(buffer_append(out, &at, sizeof(at), &e), 0);
		assert_int_equal(
			buffer_append(&data, got ? packed : from, got ? got : plain, &e), 0);
	}
	assert_int_equal(buffer_append(out, data.data, data.len, &e), 0);
	buffer_free(&data);
	wimlib_free_compressor(c);
}

/* Text, code-like bytes (relative calls, which LZX translates) and noise, which stays as it is. */
static uint8_t *sample(size_t len)
{
	uint8_t *bytes = malloc(len + 8);
	uint32_t noise = 1;

	for (size_t i = 0; i < len; i++) {
		noise = noise * 1664525 + 1013904223;
		if (i / 50000 % 3 == 0)
			bytes[i] = (uint8_t) "the quick brown fox "[i % 20];
		else if (i / 50000 % 3 == 1)
			bytes[i] = i % 16 == 3 ? 0xe8 : i % 16 > 5 ? 0 : (uint8_t)(i >> 8);
		else
			bytes[i] = (uint8_t)(noise >> 24);
	}
	return bytes;
}

static void check_read(struct ntfs_wof *w, const uint8_t *bytes, uint64_t off, size_t len)
{
	uint8_t *got = malloc(len + 1);

	if (ntfs_wof_read(w, off, got, len, &e))
		fail_msg("%zu bytes at %llu: %s", len, (unsigned long long)off, e.text);
	assert_memory_equal(got, bytes + off, len);
	free(got);
}

static void test_read(void **state)
{
	static const size_t lengths[] = { 1, 4095, 4096, 4097, 32768, 65536, 400003 };

	(void)state;
	for (unsigned a = 0; a < 4; a++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			size_t len = lengths[i];
			uint8_t *bytes = sample(len), beyond[2];
			struct buffer stream = { 0 };
			struct ntfs_wof *w = NULL;

			compress(a, bytes, len, &stream);
			assert_true(len < 100 || stream.len < len);
			if (open_stream(&stream, a, len, &w))
				fail_msg("%s", e.text);
			check_read(w, bytes, 0, len);
			check_read(w, bytes, len, 0);
			check_read(w, bytes, len / 2, len - len / 2);
			check_read(w, bytes, len - 1, 1);
			for (size_t at = 0; at < len; at += 7001)
				check_read(w, bytes, at, len - at < 9000 ? len - at : 9000);
			for (size_t at = len; at-- > 0 && at + 40 > len;)
				check_read(w, bytes, at, 1);
			assert_int_equal(ntfs_wof_read(w, len - 1, beyond, 2, &e), -ERR_RANGE);
			assert_int_equal(ntfs_wof_read(w, UINT64_MAX, beyond, 2, &e), -ERR_RANGE);
			ntfs_wof_close(w);
			buffer_free(&stream);
			free(bytes);
		}
}

/* A file of no bytes has no chunk, and no table. */
static void test_empty(void **state)
{
	struct buffer stream = { 0 };
	struct ntfs_wof *w = NULL;

	(void)state;
	assert_int_equal(open_stream(&stream, LZX, 0, &w), 0);
	check_read(w, (const uint8_t *)"", 0, 0);
	ntfs_wof_close(w);
	ntfs_wof_close(NULL);
}

/* The second example of [MS-XCA] 3.2: 100 times "abc". */
static void test_specification(void **state)
{
	uint8_t chunk[263] = { [48] = 0x30,
		[49] = 0x23,
		[128] = 0x02,
		[143] = 0x20,
		[256] = 0xa8,
		[257] = 0xdc,
		[260] = 0xff,
		[261] = 0x26,
		[262] = 0x01 };
	struct buffer stream = { .data = chunk, .len = sizeof(chunk) };
	struct ntfs_wof *w = NULL;
	uint8_t wanted[300];

	(void)state;
	for (size_t i = 0; i < sizeof(wanted); i++)
		wanted[i] = (uint8_t) "abc"[i % 3];
	assert_int_equal(open_stream(&stream, XPRESS8K, sizeof(wanted), &w), 0);
	check_read(w, wanted, 0, sizeof(wanted));
	ntfs_wof_close(w);
}

/* A file of more than 4 GiB, all chunks of which are stored, so its table has 8 bytes for each. */
#define LARGE (UINT64_C(5) << 30)
enum { LARGE_CHUNKS = (int)(LARGE / 4096) };

static uint8_t large_byte(uint64_t at)
{
	return (uint8_t)(at / 4096 * 7 + at % 4096 * 13);
}

static int large_read(void *arg, uint64_t off, void *buf, size_t len, struct error *err)
{
	const uint64_t table = (LARGE_CHUNKS - 1) * 8;
	uint8_t *to = buf;

	(void)arg;
	(void)err;
	for (size_t i = 0; i < len; i++, off++) {
		le64 at = put_le64((off / 8 + 1) * 4096);

		to[i] = off < table ? at.b[off % 8] : large_byte(off - table);
	}
	return 0;
}

static void test_large(void **state)
{
	static const uint64_t places[] = { 0, 4095, (UINT64_C(1) << 32) - 5, LARGE - 10,
		12345678901 % LARGE };
	const struct ntfs_wof_stream s = { .size = (LARGE_CHUNKS - 1) * 8 + LARGE,
		.read = large_read };
	struct ntfs_wof *w = NULL;
	uint8_t reparse[24], got[10];

	(void)state;
	reparse_make(2, XPRESS4K, reparse);
	assert_int_equal(ntfs_wof_open(reparse, sizeof(reparse), LARGE, &s, &w, &e), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		assert_int_equal(ntfs_wof_read(w, places[i], got, sizeof(got), &e), 0);
		for (size_t n = 0; n < sizeof(got); n++)
			assert_int_equal(got[n], large_byte(places[i] + n));
	}
	ntfs_wof_close(w);
}

static void expect_refused(const uint8_t *reparse, size_t len, int code, const char *text)
{
	struct buffer stream = { .data = (uint8_t *)"x", .len = 1 };
	const struct ntfs_wof_stream s = { .size = 1, .read = buffer_read, .arg = &stream };
	struct ntfs_wof *w = NULL;

	assert_int_equal(ntfs_wof_open(reparse, len, 1, &s, &w, &e), -code);
	assert_null(w);
	if (!strstr(e.text, text))
		fail_msg("%s, not %s", e.text, text);
}

static void test_reparse(void **state)
{
	uint8_t reparse[24];

	(void)state;
	reparse_make(1, LZX, reparse);
	expect_refused(reparse, 24, ERR_UNSUPPORTED, "WIM");
	expect_refused(reparse, 16, ERR_UNSUPPORTED, "WIM");
	reparse_make(3, LZX, reparse);
	expect_refused(reparse, 24, ERR_UNSUPPORTED, "provider 3");
	reparse_make(2, 4, reparse);
	expect_refused(reparse, 24, ERR_UNSUPPORTED, "(4)");
	reparse_make(2, LZX, reparse);
	expect_refused(reparse, 23, ERR_UNSUPPORTED, "provider 2");
	expect_refused(reparse, 15, ERR_CORRUPT, "15 bytes");
	reparse[0] = 0x13;
	expect_refused(reparse, 24, ERR_UNSUPPORTED, "none of WOF");
}

/* Reads the second chunk of a file of two and a half. */
static int second_chunk(struct buffer *stream, uint64_t size)
{
	struct ntfs_wof *w = NULL;
	uint8_t got[100];
	int rc = open_stream(stream, XPRESS4K, size, &w);

	if (!rc)
		rc = ntfs_wof_read(w, 5000, got, sizeof(got), &e);
	ntfs_wof_close(w);
	return rc;
}

static void test_broken(void **state)
{
	const size_t size = 10000;
	uint8_t *bytes = sample(size);
	struct buffer stream = { 0 };
	struct {
		uint32_t first, second; /* where the chunks are said to be */
	} places[] = { { 0, 500 }, { 900, 400 }, { 400, 400 }, { 400, UINT32_MAX },
		{ UINT32_MAX, 600 }, { UINT32_MAX, UINT32_MAX }, { 0, 5000 } };

	(void)state;
	compress(XPRESS4K, bytes, size, &stream);
	assert_int_equal(second_chunk(&stream, size), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct buffer copy = { 0 };
		const le32 table[2] = { put_le32(places[i].first), put_le32(places[i].second) };
		uint8_t got[10000];
		struct ntfs_wof *w = NULL;

		assert_int_equal(buffer_append(&copy, stream.data, stream.len, &e), 0);
		memcpy(copy.data, table, sizeof(table));
		assert_int_equal(open_stream(&copy, XPRESS4K, size, &w), 0);
		assert_int_equal(ntfs_wof_read(w, 0, got, size, &e), -ERR_CORRUPT);
		ntfs_wof_close(w);
		buffer_free(&copy);
	}
	/* A table that is longer than the stream, or leaves nothing of it. */
	assert_int_equal(second_chunk(&stream, UINT64_C(4096000000)), -ERR_CORRUPT);
	assert_int_equal(second_chunk(&stream, UINT64_MAX), -ERR_CORRUPT);
	stream.len = 8;
	assert_int_equal(second_chunk(&stream, size), -ERR_CORRUPT);
	buffer_free(&stream);
	free(bytes);
}

/* What can't be decompressed is told, whatever the bytes are; what can is no crash. */
static void test_noise(void **state)
{
	const size_t size = 70000;
	uint8_t *bytes = sample(size), *got = malloc(size);
	unsigned refused = 0;

	(void)state;
	for (unsigned a = 0; a < 4; a++) {
		struct buffer stream = { 0 };

		compress(a, bytes, size, &stream);
		for (size_t i = 0; i < 400; i++) {
			size_t at = i * 7919 % stream.len;
			struct ntfs_wof *w = NULL;

			stream.data[at] ^= (uint8_t)(1 + i % 255);
			assert_int_equal(open_stream(&stream, a, size, &w), 0);
			if (ntfs_wof_read(w, 0, got, size, &e)) {
				assert_int_equal(e.code, ERR_CORRUPT);
				refused++;
			}
			ntfs_wof_close(w);
			stream.data[at] ^= (uint8_t)(1 + i % 255);
		}
		buffer_free(&stream);
	}
	assert_true(refused > 20);
	free(got);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_specification),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_reparse),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
