/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMDK images made by hand: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "disk/memory.h"
#include "formats/vmdk.h"

extern const struct format vmdk_format;

#define HEAD "# Disk DescriptorFile\nversion=1\nCID=12345678\n"
#define SPARSE HEAD "parentCID=ffffffff\ncreateType=\"monolithicSparse\"\nRW 71 SPARSE \"a.vmdk\"\n"

enum {
	SECTOR = 512,
	GRAIN = 4096,
	PER_TABLE = 4,
	CAPACITY = 71, /* nine grains less a sector */
	SIZE = CAPACITY * SECTOR,
	DIRECTORY = 3, /* sectors */
	TABLE = 4,
	REDUNDANT = 5,
	LAST_TABLE = 6,
	DATA = 8,
	FILE_SIZE = DATA * SECTOR + 3 * GRAIN,
};

struct image {
	union {
		struct vmdk_header header;
		uint8_t bytes[FILE_SIZE];
	};
	size_t len;
};

static void set32(struct image *m, size_t off, uint32_t value)
{
	le32 v = put_le32(value);

	memcpy(m->bytes + off, &v, sizeof(v));
}

static void set_entry(struct image *m, size_t sector, size_t index, uint32_t value)
{
	set32(m, sector * SECTOR + 4 * index, value);
}

static void set_text(struct image *m, const char *text)
{
	assert_true(strlen(text) < 2 * SECTOR);
	memset(m->bytes + SECTOR, 0, 2 * SECTOR);
	memcpy(m->bytes + SECTOR, text, strlen(text));
}

/* Grains 0 and 1 are there, 2 and 4..7 absent, 3 zeroed, 8 is the first in the
 * file. */
static struct image image_make(void)
{
	struct image m = { .len = FILE_SIZE };
	struct vmdk_header *h = &m.header;

	memcpy(h->magic, "KDMV", 4);
	h->version = put_le32(2);
	h->flags = put_le32(7);
	h->capacity = put_le64(CAPACITY);
	h->grain = put_le64(GRAIN / SECTOR);
	h->descriptor_off = put_le64(1);
	h->descriptor_size = put_le64(2);
	h->per_table = put_le32(PER_TABLE);
	h->redundant_off = put_le64(REDUNDANT);
	h->directory_off = put_le64(DIRECTORY);
	memcpy(h->line_ends, "\n \r\n", 4);
	set_text(&m, SPARSE);
	for (size_t i = 0; i < 2; i++) {
		set_entry(&m, i ? REDUNDANT : DIRECTORY, 0, TABLE);
		set_entry(&m, i ? REDUNDANT : DIRECTORY, 2, LAST_TABLE);
	}
	set_entry(&m, TABLE, 0, DATA + 8);
	set_entry(&m, TABLE, 1, DATA + 16);
	set_entry(&m, TABLE, 3, 1);
	set_entry(&m, LAST_TABLE, 0, DATA);
	for (size_t i = 0; i < 3; i++)
		memset(m.bytes + DATA * SECTOR + i * GRAIN, "cab"[i], GRAIN);
	return m;
}

static size_t deflate(const void *in, size_t len, uint8_t *out, size_t room)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t packed = libdeflate_zlib_compress(c, in, len, out, room);

	libdeflate_free_compressor(c);
	assert_true(packed > 0);
	return packed;
}

/* A stream: grain 1 is there, the directory is told by the footer. */
static struct image stream_make(void)
{
	struct image m = image_make();
	uint8_t *data = m.bytes + DATA * SECTOR, grain[GRAIN];

	memset(m.bytes + TABLE * SECTOR, 0, FILE_SIZE - TABLE * SECTOR);
	m.len = (DATA + 4) * SECTOR;
	m.header.version = put_le32(3);
	m.header.flags = put_le32(0x30001);
	m.header.compression = put_le16(1);
	set_entry(&m, DIRECTORY, 2, 0);
	set_entry(&m, TABLE, 1, DATA);
	memset(grain, 'a', GRAIN);
	set32(&m, DATA * SECTOR, GRAIN / SECTOR);
	set32(&m, DATA * SECTOR + 8, (uint32_t)deflate(grain, GRAIN, data + 12, SECTOR - 12));
	set32(&m, (DATA + 1) * SECTOR + 12, 3);
	memcpy(m.bytes + (DATA + 2) * SECTOR, &m.header, SECTOR);
	m.header.directory_off = put_le64(UINT64_MAX);
	return m;
}

static int image_try(const struct image *m, struct disk **out, struct error *e)
{
	struct disk *file;
	int rc;

	assert_int_equal(memory_disk_open(m->bytes, m->len, &file, NULL), 0);
	rc = vmdk_format.open(file, &(struct open_options){ 0 }, out, e);
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

static void refused(const struct image *m, const char *text)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	assert_int_not_equal(image_try(m, &d, &e), 0);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

static void unreadable(const struct image *m, uint64_t off, int code, const char *text)
{
	struct error e = { 0 };
	struct disk *d = image_get(m);
	uint8_t byte;

	assert_int_equal(disk_read(d, off, &byte, 1, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
	disk_close(d);
}

static struct extent extent_at(struct disk *d, uint64_t off)
{
	struct extent x;

	assert_int_equal(disk_extent(d, off, &x, NULL), 0);
	return x;
}

static void assert_content(const struct image *m)
{
	struct disk *d = image_get(m);
	uint8_t got[SIZE], want[SIZE] = { 0 };

	memset(want, 'a', GRAIN);
	memset(want + GRAIN, 'b', GRAIN);
	memset(want + 8 * GRAIN, 'c', GRAIN - SECTOR);
	assert_int_equal(d->size, SIZE);
	assert_int_equal(disk_read(d, 0, got, SIZE, NULL), 0);
	assert_memory_equal(got, want, SIZE);
	assert_int_equal(disk_read(d, 4000, got, 30000, NULL), 0);
	assert_memory_equal(got, want + 4000, 30000);
	disk_close(d);
}

static void grains_are_found(void **state)
{
	struct image m = image_make();
	struct disk *d = image_get(&m);
	struct extent x = extent_at(d, 10);

	(void)state;
	assert_content(&m);
	assert_true(x.plain && x.stored && !x.zero && !x.file);
	assert_int_equal(x.offset, (DATA + 8) * SECTOR + 10);
	assert_int_equal(x.length, 2 * GRAIN - 10);
	x = extent_at(d, 2 * GRAIN);
	assert_true(x.zero && !x.plain);
	assert_int_equal(x.length, GRAIN);
	x = extent_at(d, 4 * GRAIN + 1);
	assert_true(x.zero && !x.plain);
	assert_int_equal(x.length, 4 * GRAIN - 1);
	x = extent_at(d, 8 * GRAIN);
	assert_int_equal(x.length, GRAIN - SECTOR);
	disk_close(d);
}

static void second_directory_is_used(void **state)
{
	struct image m = image_make();

	(void)state;
	m.header.directory_off = put_le64(1 << 30);
	memset(m.bytes + DIRECTORY * SECTOR, 0xff, SECTOR);
	assert_content(&m);
	m.header.flags = put_le32(5);
	refused(&m, "sector 1073741824");
}

static void last_grain_may_be_cut(void **state)
{
	struct image m = image_make();
	uint8_t got[GRAIN], want[GRAIN] = { 0 };
	struct disk *d;
	struct extent x;

	(void)state;
	m.len = FILE_SIZE - GRAIN + 100;
	memset(want, 'b', 100);
	d = image_get(&m);
	assert_int_equal(disk_read(d, GRAIN, got, GRAIN, NULL), 0);
	assert_memory_equal(got, want, GRAIN);
	x = extent_at(d, GRAIN);
	assert_true(x.plain && x.length == 100);
	x = extent_at(d, GRAIN + 100);
	assert_true(x.zero && !x.plain);
	disk_close(d);
	m.len = FILE_SIZE - GRAIN;
	unreadable(&m, GRAIN, ERR_CORRUPT, "past the end");
}

static void streams_are_read(void **state)
{
	struct image m = stream_make();
	struct disk *d = image_get(&m);
	struct image_info info = { 0 };
	uint8_t got[3 * GRAIN], want[3 * GRAIN] = { 0 };
	struct extent x;

	(void)state;
	memset(want + GRAIN, 'a', GRAIN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(disk_read(d, GRAIN + 5, got, 100, NULL), 0);
		assert_memory_equal(got, want + GRAIN + 5, 100);
		assert_int_equal(disk_read(d, 0, got, sizeof(got), NULL), 0);
		assert_memory_equal(got, want, sizeof(got));
	}
	x = extent_at(d, GRAIN);
	assert_true(x.compressed && x.stored && !x.plain && x.length == GRAIN);
	assert_int_equal(vmdk_format.info(d, &info, NULL), 0);
	assert_true(info.compressed && info.block_size == GRAIN && !info.references.count);
	image_info_free(&info);
	disk_close(d);
}

static void broken_streams_are_refused(void **state)
{
	struct image m = stream_make();

	(void)state;
	set32(&m, DATA * SECTOR, 16);
	unreadable(&m, GRAIN, ERR_CORRUPT, "is of sector 16, not 8");
	m = stream_make();
	set32(&m, DATA * SECTOR + 8, 2 * GRAIN + 1);
	unreadable(&m, GRAIN, ERR_CORRUPT, "8193 compressed bytes");
	m = stream_make();
	set32(&m, DATA * SECTOR + 8, 5);
	unreadable(&m, GRAIN, ERR_CORRUPT, "does not inflate");
	m = stream_make();
	set32(&m, (DATA + 1) * SECTOR + 12, 2);
	refused(&m, "footer is missing");
	m = stream_make();
	m.len -= SECTOR;
	refused(&m, "footer is missing");
	m = stream_make();
	memset(m.bytes + (DATA + 2) * SECTOR, 0, SECTOR);
	refused(&m, "signature");
}

static void headers_are_checked(void **state)
{
	static const struct {
		size_t off;
		uint32_t value;
		const char *text;
	} bad[] = {
		{ 0x00, 0, "signature" },
		{ 0x04, 0, "version 0" },
		{ 0x04, 4, "version 4" },
		{ 0x0c, 0, "capacity of 0" },
		{ 0x10, UINT32_MAX, "capacity of" },
		{ 0x0c, 1 << 30, "directory of 33554432 entries" },
		{ 0x14, 0, "grains of 0" },
		{ 0x14, 9, "grains of 9" },
		{ 0x14, 8192, "grains of 8192" },
		{ 0x1c, 1 << 30, "descriptor" },
		{ 0x24, 1 << 30, "descriptor" },
		{ 0x24, 0, "without descriptor" },
		{ 0x2c, 0, "of 0 entries" },
		{ 0x2c, 513, "of 513 entries" },
		{ 0x49, 0x0a0a200a, "copied as text" },
	};
	struct image m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = image_make();
		set32(&m, bad[i].off, bad[i].value);
		refused(&m, bad[i].text);
	}
	m = image_make();
	m.header.compression = put_le16(1);
	refused(&m, "compression 1 contradicts");
	m.header.compression = put_le16(2);
	refused(&m, "compression 2");
}

static void entries_are_checked(void **state)
{
	struct image m = image_make();

	(void)state;
	set_entry(&m, TABLE, 1, UINT32_MAX);
	unreadable(&m, GRAIN, ERR_CORRUPT, "grain 1 at 2199023255040");
	set_entry(&m, TABLE, 1, DIRECTORY);
	unreadable(&m, GRAIN, ERR_CORRUPT, "over the header");
	set_entry(&m, TABLE, 1, 2);
	unreadable(&m, GRAIN, ERR_CORRUPT, "over the header");
	m = image_make();
	m.header.flags = put_le32(1);
	unreadable(&m, 3 * GRAIN, ERR_CORRUPT, "over the header");
	set_entry(&m, DIRECTORY, 1, FILE_SIZE / SECTOR);
	unreadable(&m, 4 * GRAIN, ERR_CORRUPT, "grain table 1");
}

static void text_decides(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "createType=\"monolithicSparse\"\n", "no extent" },
		{ "RW 71 SPARSE \"a\"\n", "no createType" },
		{ SPARSE "RW 1 SPARSE \"b\"\n", "2 extents" },
		{ SPARSE "CID=1\n", "CID is there twice" },
		{ SPARSE "parentCID=1\n", "parentCID is there twice" },
		{ HEAD "createType=vmfsSparse\nRW 71 SPARSE \"a\"\n", "vmfsSparse" },
		{ HEAD "createType=vmfs\nRW 71 FLAT \"a\"\n", "not sparse" },
		{ HEAD "createType=vmfs\nRW 72 SPARSE \"a\"\n", "36864 bytes" },
		{ HEAD "createType=vmfs\nRW 63 SPARSE \"a\"\n", "32256 bytes" },
		{ HEAD "createType=vmfs\nRW 7x SPARSE \"a\"\n", "7x" },
		{ HEAD "createType=vmfs\nRW -7 SPARSE \"a\"\n", "-7" },
		{ HEAD "createType=vmfs\nRW 99999999999999999999 ZERO\n", "no number" },
		{ HEAD "createType=vmfs\nRW 71 SESPARSE \"a\"\n", "SESPARSE" },
		{ HEAD "createType=vmfs\nRW 71 SPARSE a\n", "in quotes: a" },
		{ HEAD "createType=vmfs\nRW 71 SPARSE \"\"\n", "0 bytes" },
		{ HEAD "createType=vmfs\nNOACCESS 71 SPARSE \"a\"\n", "without access" },
		{ HEAD "parentCID=xyz\n", "xyz" },
		{ "", "without descriptor" },
	};
	struct image m = image_make();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_text(&m, bad[i].text);
		refused(&m, bad[i].says);
	}
}

static void deltas_name_their_parent(void **state)
{
	struct image m = image_make();
	struct image_info info = { 0 };
	struct disk *d;

	(void)state;
	set_text(&m,
		HEAD "parentCID=00000001\r\nparentFileNameHint = \"base.vmdk\"\r\n"
		     "createType=\"monolithicSparse\"\r\nRDONLY 71 SPARSE \"a.vmdk\"\r\n");
	unreadable(&m, 0, ERR_REFUSED, "its parent base.vmdk");
	d = image_get(&m);
	assert_true(extent_at(d, 0).plain);
	assert_false(extent_at(d, 2 * GRAIN).zero);
	assert_int_equal(vmdk_format.info(d, &info, NULL), 0);
	assert_string_equal(info.parent_path, "base.vmdk");
	image_info_free(&info);
	disk_close(d);
}

static struct image text_only(const char *text)
{
	struct image m = { .len = strlen(text) };

	memcpy(m.bytes, text, m.len);
	return m;
}

static void references_are_not_followed(void **state)
{
	struct image m = text_only(
		HEAD "createType=\"monolithicFlat\"\nRW 8 FLAT \"/etc/passwd\" 0\n");
	struct image_info info = { 0 };
	struct disk *d = image_get(&m);
	struct extent x = extent_at(d, 0);

	(void)state;
	assert_true(!x.zero && !x.plain && x.length == GRAIN);
	assert_int_equal(vmdk_format.info(d, &info, NULL), 0);
	assert_string_equal(info.references.item[0], "/etc/passwd");
	image_info_free(&info);
	disk_close(d);
	unreadable(&m, 0, ERR_REFUSED, "another file: /etc/passwd; --allow-parent");
	m = text_only(HEAD "createType=custom\nRW 8 FLAT \"x\" 0\n");
	refused(&m, "custom");
	m = text_only(HEAD "createType=vmfs\nRW 9007199254740992 ZERO\nRW 9007199254740992 ZERO\n");
	refused(&m, "8 EiB");
}

static void zero_extents_are_read(void **state)
{
	struct image m = text_only(HEAD "createType=vmfs\nRW 8 ZERO\nRW 0 ZERO\nRW 8 ZERO\n");
	struct disk *d = image_get(&m);
	uint8_t got[2 * GRAIN], want[2 * GRAIN] = { 0 };

	(void)state;
	memset(got, 1, sizeof(got));
	assert_int_equal(disk_read(d, 0, got, sizeof(got), NULL), 0);
	assert_memory_equal(got, want, sizeof(got));
	assert_true(extent_at(d, GRAIN + 1).zero);
	disk_close(d);
}

static void others_are_refused_by_name(void **state)
{
	struct image m = { .len = FILE_SIZE };

	(void)state;
	memcpy(m.bytes, "COWD", 4);
	refused(&m, "COWD");
	memcpy(m.bytes, "\xbe\xba\xfe\xca\0\0\0\0", 8);
	refused(&m, "SESparse");
	m.bytes[0] = 0;
	refused(&m, "signature");
}

static void use(const struct image *m)
{
	static uint8_t buf[SIZE];
	struct image_info info = { 0 };
	struct error e = { 0 };
	struct disk *d = NULL;
	struct extent x;

	if (image_try(m, &d, &e))
		return;
	if (!vmdk_format.info(d, &info, &e))
		image_info_free(&info);
	disk_extent(d, 0, &x, &e);
	disk_read(d, 0, buf, d->size < SIZE ? (size_t)d->size : SIZE, &e);
	disk_close(d);
}

/* Any byte of the structures may be any other, and a file may end anywhere. */
static void broken_bytes_do_no_harm(void **state)
{
	struct image whole[] = { image_make(), stream_make() };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < (DATA + 4) * SECTOR; at++) {
			struct image m = whole[i];

			m.bytes[at] ^= 0xff;
			use(&m);
			m.bytes[at] ^= 0xfe;
			use(&m);
		}
		for (size_t len = 1; len < whole[i].len; len += 7) {
			struct image m = whole[i];

			m.len = len;
			use(&m);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grains_are_found),
		cmocka_unit_test(second_directory_is_used),
		cmocka_unit_test(last_grain_may_be_cut),
		cmocka_unit_test(streams_are_read),
		cmocka_unit_test(broken_streams_are_refused),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(entries_are_checked),
		cmocka_unit_test(text_decides),
		cmocka_unit_test(deltas_name_their_parent),
		cmocka_unit_test(references_are_not_followed),
		cmocka_unit_test(zero_extents_are_read),
		cmocka_unit_test(others_are_refused_by_name),
		cmocka_unit_test(broken_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
