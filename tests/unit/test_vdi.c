/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VDI images made by hand: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "disk/format.h"
#include "disk/memory.h"

extern const struct format vdi_format;

enum {
	BLOCK = 4096,
	BLOCKS = 6,
	SIZE = BLOCKS * BLOCK - 512, /* the last block is not whole */
	MAP = 512,
	DATA = 1024,
	TYPE = 0x4c,
	MAP_OFF = 0x154,
	DATA_OFF = 0x158,
	SECTOR = 0x168,
	DISK_SIZE = 0x170,
	BLOCK_SIZE = 0x178,
	EXTRA = 0x17c,
	COUNT = 0x180,
	PARENT = 0x1a8,
};

struct image {
	uint8_t bytes[DATA + 3 * BLOCK];
	size_t len;
};

static void set32(struct image *m, size_t off, uint32_t value)
{
	le32 v = put_le32(value);

	memcpy(m->bytes + off, &v, sizeof(v));
}

static struct image image_make(void)
{
	static const uint32_t map[BLOCKS] = { 1, 2, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX, 0 };
	struct image m = { .len = sizeof(m.bytes) };

	memcpy(m.bytes + 0x40, "\x7f\x10\xda\xbe\1\0\1\0", 8);
	set32(&m, 0x48, 0x180);
	set32(&m, TYPE, 1);
	set32(&m, MAP_OFF, MAP);
	set32(&m, DATA_OFF, DATA);
	set32(&m, SECTOR, 512);
	set32(&m, DISK_SIZE, SIZE);
	set32(&m, BLOCK_SIZE, BLOCK);
	set32(&m, COUNT, BLOCKS);
	for (size_t i = 0; i < BLOCKS; i++)
		set32(&m, MAP + 4 * i, map[i]);
	for (size_t i = 0; i < 3; i++)
		memset(m.bytes + DATA + i * BLOCK, "cab"[i], BLOCK);
	return m;
}

static int image_try(const struct image *m, struct disk **out, struct error *e)
{
	struct disk *file;
	int rc;

	assert_int_equal(memory_disk_open(m->bytes, m->len, &file, NULL), 0);
	rc = vdi_format.open(file, &(struct open_options){ 0 }, out, e);
	if (rc)
		disk_close(file);
	return rc;
}

static struct disk *image_get(const struct image *m)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (image_try(m, &d, &e))
		fail_msg("%s", e.text);
	return d;
}

static void blocks_are_found(void **state)
{
	struct image m = image_make();
	struct disk *d = image_get(&m);
	uint8_t got[SIZE], want[SIZE] = { 0 };
	struct extent x;

	(void)state;
	memset(want, 'a', BLOCK);
	memset(want + BLOCK, 'b', BLOCK);
	memset(want + (BLOCKS - 1) * BLOCK, 'c', BLOCK - 512);
	assert_int_equal(d->size, SIZE);
	assert_int_equal(disk_read(d, 0, got, SIZE, NULL), 0);
	assert_memory_equal(got, want, SIZE);
	assert_int_equal(disk_read(d, 1000, got, 9000, NULL), 0);
	assert_memory_equal(got, want + 1000, 9000);
	assert_int_equal(disk_extent(d, 10, &x, NULL), 0);
	assert_true(x.plain && x.stored && !x.zero);
	assert_int_equal(x.offset, DATA + BLOCK + 10);
	assert_int_equal(x.length, 2 * BLOCK - 10);
	assert_int_equal(disk_extent(d, 2 * BLOCK, &x, NULL), 0);
	assert_true(x.zero && !x.stored && !x.plain);
	assert_int_equal(x.length, 3 * BLOCK);
	assert_int_equal(disk_extent(d, 5 * BLOCK, &x, NULL), 0);
	assert_int_equal(x.length, BLOCK - 512);
	disk_close(d);
}

static void headers_are_checked(void **state)
{
	static const struct {
		size_t off;
		uint32_t value;
		const char *text;
	} bad[] = {
		{ 0x40, 0, "signature" },
		{ 0x44, 0x10002, "version 1.2" },
		{ 0x48, 8, "8 bytes" },
		{ TYPE, 0, "type 0" },
		{ TYPE, 5, "type 5" },
		{ PARENT, 7, "names a parent" },
		{ SECTOR, 4096, "4096" },
		{ BLOCK_SIZE, 0, "block size 0" },
		{ BLOCK_SIZE, 4097, "4097" },
		{ BLOCK_SIZE, UINT32_C(1) << 31, "2147483648" },
		{ EXTRA, 512, "512 extra" },
		{ COUNT, 5, "5 blocks" },
		{ DISK_SIZE, 0, "virtual size 0" },
		{ DISK_SIZE + 4, UINT32_MAX, "8 EiB" },
		{ MAP_OFF, 0, "over the header" },
		{ MAP_OFF, UINT32_MAX, "past the end" },
		{ DATA_OFF, MAP, "data at 512" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct image m = image_make();
		struct error e = { 0 };
		struct disk *d = NULL;

		set32(&m, bad[i].off, bad[i].value);
		assert_int_not_equal(image_try(&m, &d, &e), 0);
		if (!strstr(e.text, bad[i].text))
			fail_msg("'%s' does not say '%s'", e.text, bad[i].text);
	}
}

/* VirtualBox makes images of files of any size; where the data starts is for nobody to round. */
static void odd_numbers_are_read(void **state)
{
	struct image m = image_make();
	struct error e = { 0 };
	struct disk *d = NULL;

	(void)state;
	set32(&m, DISK_SIZE, SIZE - 100);
	set32(&m, DATA_OFF, DATA + 1);
	if (image_try(&m, &d, &e))
		fail_msg("%s", e.text);
	assert_int_equal(d->size, SIZE);
	disk_close(d);
}

static void large_map_has_to_be_there(void **state)
{
	struct image m = image_make();
	struct error e = { 0 };
	struct disk *d = NULL;

	(void)state;
	set32(&m, DISK_SIZE + 4, 0x1000);
	set32(&m, COUNT, UINT32_MAX);
	set32(&m, BLOCK_SIZE, 1 << 20);
	assert_int_equal(image_try(&m, &d, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "past the end of the file"));
}

static void bad_entries_are_told_when_reached(void **state)
{
	struct image m = image_make();
	struct error e = { 0 };
	struct extent x;
	struct disk *d;
	uint8_t byte;

	(void)state;
	set32(&m, MAP + 4, 3);
	set32(&m, MAP + 8, UINT32_MAX - 2);
	d = image_get(&m);
	assert_int_equal(disk_read(d, BLOCK - 1, &byte, 1, &e), 0);
	assert_int_equal(disk_extent(d, 0, &x, &e), 0);
	assert_int_equal(x.length, BLOCK);
	assert_int_equal(disk_read(d, BLOCK, &byte, 1, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "block 1"));
	assert_int_equal(disk_extent(d, 2 * BLOCK, &x, &e), -ERR_CORRUPT);
	disk_close(d);
}

static void differencing_is_not_read(void **state)
{
	struct image_info info = { 0 };
	struct image m = image_make();
	struct error e = { 0 };
	struct extent x;
	struct disk *d;
	uint8_t byte;

	(void)state;
	set32(&m, TYPE, 4);
	set32(&m, PARENT, 7);
	d = image_get(&m);
	assert_int_equal(disk_read(d, 0, &byte, 1, &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "differencing"));
	assert_non_null(strstr(e.text, "00000007-"));
	assert_int_equal(disk_extent(d, 2 * BLOCK, &x, &e), 0);
	assert_false(x.zero);
	assert_int_equal(vdi_format.info(d, &info, &e), 0);
	assert_string_equal(info.subformat, "differencing");
	image_info_free(&info);
	disk_close(d);
}

/* Any byte of the header or the map may be any other: no crash, and what opens can be read or not.
 */
static void flipped_bytes_do_no_harm(void **state)
{
	static uint8_t buf[SIZE];

	(void)state;
	for (size_t i = 0x40; i < MAP + BLOCKS * 4; i++) {
		struct image m = image_make();
		struct error e = { 0 };
		struct disk *d = NULL;
		struct extent x;

		m.bytes[i] ^= 0xff;
		if (image_try(&m, &d, &e))
			continue;
		disk_extent(d, 0, &x, &e);
		disk_read(d, 0, buf, d->size < SIZE ? (size_t)d->size : SIZE, &e);
		disk_close(d);
	}
}

static void cut_files_do_no_harm(void **state)
{
	(void)state;
	for (size_t len = 1; len < DATA + 2; len += 3) {
		struct image m = image_make();
		struct error e = { 0 };
		struct disk *d = NULL;
		uint8_t byte;

		m.len = len;
		if (image_try(&m, &d, &e))
			continue;
		assert_int_equal(disk_read(d, 0, &byte, 1, &e), -ERR_CORRUPT);
		disk_close(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_found),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(odd_numbers_are_read),
		cmocka_unit_test(large_map_has_to_be_there),
		cmocka_unit_test(bad_entries_are_told_when_reached),
		cmocka_unit_test(differencing_is_not_read),
		cmocka_unit_test(flipped_bytes_do_no_harm),
		cmocka_unit_test(cut_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
