/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc.h"
#include "base/digest.h"
#include "base/guid.h"
#include "base/report.h"
#include "base/size.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "base/zero.h"

static void error_text_grows_at_the_front(void **state)
{
	struct error e = { 0 };

	(void)state;
	assert_int_equal(error_set(&e, ERR_CORRUPT, "entry %d is bad", 7), -ERR_CORRUPT);
	assert_int_equal(error_prefix(&e, "%s", "a.vhdx"), -ERR_CORRUPT);
	assert_string_equal(e.text, "a.vhdx: entry 7 is bad");
}

static void error_longer_than_its_text_is_cut(void **state)
{
	struct error e = { 0 };
	char name[3000];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	error_set(&e, ERR_IO, "%s", name);
	error_prefix(&e, "%s", name);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void bytes_keep_their_order(void **state)
{
	le32 little = put_le32(0x01020304);
	be64 big = put_be64(UINT64_C(0x0102030405060708));

	(void)state;
	assert_memory_equal(little.b, "\4\3\2\1", 4);
	assert_memory_equal(big.b, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(get_le32(little), 0x01020304);
	assert_true(get_be64(big) == UINT64_C(0x0102030405060708));
	assert_true(get_le64(put_le64(UINT64_MAX - 5)) == UINT64_MAX - 5);
	assert_int_equal(get_be16(put_be16(0xabcd)), 0xabcd);
}

static void ranges_at_the_limits(void **state)
{
	uint64_t n = 1;

	(void)state;
	assert_true(range_fits(10, 0, 10));
	assert_false(range_fits(10, 1, 10));
	assert_false(range_fits(UINT64_MAX, 2, 10));
	assert_false(add_fits(UINT64_MAX, 1, &n));
	assert_false(mul_fits(UINT64_C(1) << 32, UINT64_C(1) << 32, &n));
	assert_true(mul_fits(0, UINT64_MAX, &n));
	assert_true(n == 0);
}

static void sums_match_published_values(void **state)
{
	char hex[DIGEST_HEX_MAX];
	uint8_t fast[FAST_DIGEST_SIZE];
	/* XXH3-128 of nothing, from xxHash's own test vectors. */
	static const uint8_t empty[] = { 0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01,
		0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f };

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32_of("123456789", 9), 0xcbf43926);
	assert_int_equal(digest_bytes("md5", "", 0, hex, NULL), 0);
	assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(digest_bytes("whirlwind", "", 0, hex, NULL), -ERR_UNSUPPORTED);
	fast_digest("", 0, fast);
	assert_memory_equal(fast, empty, sizeof(empty));
}

static void zero_test_sees_every_byte(void **state)
{
	uint8_t bytes[100] = { 0 };

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		assert_true(bytes_are_zero(bytes, len));
		for (size_t at = 0; at < len; at++) {
			bytes[at] = 1;
			assert_false(bytes_are_zero(bytes, len));
			bytes[at] = 0;
		}
	}
}

static void guid_text_goes_both_ways(void **state)
{
	/* The BAT region's GUID as MS-VHDX prints it, and as it lies in a file. */
	const char *text = "2dc27766-f623-4200-9d64-115e9bfd4a08";
	static const uint8_t stored[] = { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d,
		0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 };
	char back[GUID_TEXT_SIZE];
	struct guid g;

	(void)state;
	assert_true(guid_parse("{2DC27766-F623-4200-9D64-115E9BFD4A08}", &g));
	assert_memory_equal(g.b, stored, sizeof(stored));
	guid_text(g, back);
	assert_string_equal(back, text);
	assert_false(guid_parse("2dc27766-f623-4200-9d64-115e9bfd4a0", &g));
	assert_false(guid_parse("{2dc27766-f623-4200-9d64-115e9bfd4a08", &g));
}

static void derived_guids_differ_by_purpose(void **state)
{
	uint8_t digest[16] = { 1 };
	char text[GUID_TEXT_SIZE];
	struct guid disk = guid_derive(digest, "disk");

	(void)state;
	assert_false(guid_equal(disk, guid_derive(digest, "data")));
	assert_true(guid_equal(disk, guid_derive(digest, "disk")));
	guid_text(disk, text);
	assert_int_equal(text[14], '8');
}

static void sizes_with_suffixes(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(size_parse("3G", &n, NULL), 0);
	assert_true(n == UINT64_C(3) << 30);
	assert_int_equal(size_parse("512", &n, NULL), 0);
	assert_true(n == 512);
	assert_int_equal(size_parse("", &n, NULL), -ERR_USAGE);
	assert_int_equal(size_parse("-1", &n, NULL), -ERR_USAGE);
	assert_int_equal(size_parse("1GB", &n, NULL), -ERR_USAGE);
	assert_int_equal(size_parse("99999999T", &n, NULL), -ERR_USAGE);
	assert_int_equal(size_parse("99999999999999999999", &n, NULL), -ERR_USAGE);
}

static void lists_and_buffers(void **state)
{
	struct strings s = { 0 };
	struct buffer b = { 0 };

	(void)state;
	assert_int_equal(strings_split(&s, ",b,,a,b", ",", NULL), 0);
	assert_int_equal(s.count, 3);
	assert_int_equal(strings_add_new(&s, "a", NULL), 0);
	assert_int_equal(s.count, 3);
	strings_sort(&s);
	assert_string_equal(s.item[0], "a");
	strings_free(&s);
	assert_int_equal(buffer_format(&b, NULL, "%d-%s", 5, "x"), 0);
	assert_int_equal(buffer_zeros(&b, 3, NULL), 0);
	assert_int_equal(buffer_append(&b, "y", 1, NULL), 0);
	assert_memory_equal(b.data, "5-x\0\0\0y", 8);
	assert_int_equal(buffer_reserve(&b, SIZE_MAX, NULL), -ERR_NOMEM);
	buffer_free(&b);
}

/* RFC 3629, and the bytes that "printf '\\u20ac' | xxd" and its like show. */
static void utf8_both_ways(void **state)
{
	static const struct {
		uint32_t c;
		const char *bytes;
	} good[] = { { 0x24, "\x24" }, { 0xa2, "\xc2\xa2" }, { 0x20ac, "\xe2\x82\xac" },
		{ 0xffff, "\xef\xbf\xbf" }, { 0x10348, "\xf0\x90\x8d\x88" },
		{ 0x10ffff, "\xf4\x8f\xbf\xbf" } };
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xe2\x82", "\xe2x\xac", "" };
	char out[UTF8_MAX];
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		const size_t len = strlen(good[i].bytes);

		assert_int_equal(utf8_write(out, good[i].c), len);
		assert_memory_equal(out, good[i].bytes, len);
		assert_int_equal(utf8_read((const uint8_t *)good[i].bytes, len, &c), len);
		assert_int_equal(c, good[i].c);
		assert_int_equal(utf8_read((const uint8_t *)good[i].bytes, len - 1, &c), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(utf8_read((const uint8_t *)bad[i], strlen(bad[i]), &c), 0);
}

static void report_counts_by_severity(void **state)
{
	struct report r = { 0 };
	struct finding f = { .code = (char[]){ "x" }, .severity = SEVERITY_WARNING };

	(void)state;
	assert_int_equal(report_add(&r, &f, NULL), 0);
	f.severity = SEVERITY_ERROR;
	assert_int_equal(report_add(&r, &f, NULL), 0);
	assert_int_equal(report_count(&r, SEVERITY_WARNING), 2);
	assert_int_equal(report_count(&r, SEVERITY_ERROR), 1);
	report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_text_grows_at_the_front),
		cmocka_unit_test(error_longer_than_its_text_is_cut),
		cmocka_unit_test(bytes_keep_their_order),
		cmocka_unit_test(ranges_at_the_limits),
		cmocka_unit_test(sums_match_published_values),
		cmocka_unit_test(zero_test_sees_every_byte),
		cmocka_unit_test(guid_text_goes_both_ways),
		cmocka_unit_test(derived_guids_differ_by_purpose),
		cmocka_unit_test(sizes_with_suffixes),
		cmocka_unit_test(lists_and_buffers),
		cmocka_unit_test(utf8_both_ways),
		cmocka_unit_test(report_counts_by_severity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
