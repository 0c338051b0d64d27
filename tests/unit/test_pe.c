/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PE headers: real images, and what no loader takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/pe.h"
#include "guest/pe_resource.h"

enum { PE_AT = 128, OPTIONAL_SIZE = 240, TABLE_AT = PE_AT + 24 + OPTIONAL_SIZE, SIZE = 2048 };

struct bytes {
	uint8_t data[SIZE];
	size_t len;
};

static int bytes_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct bytes *b = arg;

	(void)e;
	assert_true(off + len <= b->len);
	memcpy(buf, b->data + off, len);
	return 0;
}

static void set(struct bytes *b, size_t at, size_t len, uint64_t value)
{
	for (size_t i = 0; i < len; i++)
		b->data[at + i] = (uint8_t)(value >> (8 * i));
}

/* Two sections: .text at 1024, .initrd at 1536. */
static struct bytes image(void)
{
	struct bytes b = { .len = SIZE };

	memcpy(b.data, "MZ", 2);
	set(&b, 60, 4, PE_AT);
	memcpy(b.data + PE_AT, "PE\0", 4);
	set(&b, PE_AT + 4, 2, PE_MACHINE_X86_64);
	set(&b, PE_AT + 6, 2, 2);
	set(&b, PE_AT + 20, 2, OPTIONAL_SIZE);
	set(&b, PE_AT + 24, 2, 0x20b);
	set(&b, PE_AT + 24 + 32, 4, 4096);
	set(&b, PE_AT + 24 + 36, 4, 512);
	set(&b, PE_AT + 24 + 56, 4, 12288);
	set(&b, PE_AT + 24 + 60, 4, 1024);
	set(&b, PE_AT + 24 + 68, 2, 10);
	set(&b, PE_AT + 24 + 108, 4, 16);
	memcpy(b.data + TABLE_AT, ".text", 5);
	set(&b, TABLE_AT + 8, 4, 500);
	set(&b, TABLE_AT + 12, 4, 4096);
	set(&b, TABLE_AT + 16, 4, 512);
	set(&b, TABLE_AT + 20, 4, 1024);
	set(&b, TABLE_AT + 36, 4, 0x60000020);
	memcpy(b.data + TABLE_AT + 40, ".initrd", 7);
	set(&b, TABLE_AT + 48, 4, 300);
	set(&b, TABLE_AT + 52, 4, 8192);
	set(&b, TABLE_AT + 56, 4, 512);
	set(&b, TABLE_AT + 60, 4, 1536);
	set(&b, TABLE_AT + 76, 4, 0x40000040);
	return b;
}

static int image_read(struct bytes *b, struct pe *pe, struct error *e)
{
	const struct initramfs_source source = { .size = b->len, .read = bytes_read, .arg = b };

	return pe_read(&source, pe, e);
}

static void test_headers(void **state)
{
	struct bytes b = image();
	struct error e = { 0 };
	struct pe pe;

	(void)state;
	set(&b, PE_AT + 24 + 112 + 32, 4, 1984);
	set(&b, PE_AT + 24 + 112 + 36, 4, 64);
	assert_int_equal(image_read(&b, &pe, &e), 0);
	assert_true(pe.is_64);
	assert_int_equal(pe.machine, PE_MACHINE_X86_64);
	assert_int_equal(pe.subsystem, 10);
	assert_int_equal(pe.table, TABLE_AT);
	assert_int_equal(pe.section_count, 2);
	assert_true(pe.section[0].code);
	assert_string_equal(pe.section[0].name, ".text");
	assert_int_equal(pe_section(&pe, ".initrd")->offset, 1536);
	assert_int_equal(pe_section(&pe, ".initrd")->memory_size, 300);
	assert_false(pe_section(&pe, ".initrd")->code);
	assert_null(pe_section(&pe, ".linux"));
	assert_int_equal(pe.certificate_offset, 1984);
	assert_int_equal(pe.certificate_size, 64);
	pe_free(&pe);
}

static void test_unsigned(void **state)
{
	struct bytes b = image();
	struct error e = { 0 };
	struct pe pe;

	(void)state;
	/* Fewer directories than have one for certificates. */
	set(&b, PE_AT + 24 + 108, 4, 4);
	set(&b, PE_AT + 24 + 112 + 36, 4, 64);
	assert_int_equal(image_read(&b, &pe, &e), 0);
	assert_int_equal(pe.certificate_size, 0);
	pe_free(&pe);
}

static void test_refused(void **state)
{
	static const struct {
		size_t at, len;
		uint64_t value;
		const char *says;
	} faults[] = {
		{ 0, 2, 0x1234, "no PE image" },
		{ 60, 4, SIZE - 10, "cut off" },
		{ 60, 4, 0xffffffff, "cut off" },
		{ PE_AT, 4, 0x4550 + 0x10000, "no PE signature" },
		{ PE_AT + 6, 2, 0, "0 sections" },
		{ PE_AT + 6, 2, 97, "97 sections" },
		{ PE_AT + 6, 2, 60, "section table" },
		{ PE_AT + 20, 2, 20, "optional header of 20 bytes" },
		{ PE_AT + 20, 2, 5000, "optional header of 5000 bytes" },
		{ PE_AT + 24, 2, 0x107, "type 0x107" },
		{ PE_AT + 24 + 32, 4, 256, "section alignment of 256" },
		{ PE_AT + 24 + 36, 4, 0, "file alignment of 0" },
		{ TABLE_AT + 16, 4, SIZE, "section 1 has 2048 bytes" },
		{ TABLE_AT + 60, 4, 0xfffffff0, "section 2 has 512 bytes" },
		{ TABLE_AT + 48, 4, 0xfffffff0, "section 2 of 4294967280 bytes" },
	};
	struct error e = { 0 };
	struct pe pe;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct bytes b = image();

		set(&b, faults[i].at, faults[i].len, faults[i].value);
		assert_int_equal(image_read(&b, &pe, &e), -ERR_CORRUPT);
		if (!strstr(e.text, faults[i].says))
			fail_msg("%s", e.text);
	}
}

static void test_certificate_outside(void **state)
{
	static const uint32_t tables[][2] = { { 1984, 65 }, { 1985, 8 }, { 1984, 7 },
		{ 0xfffffff8, 64 } };
	struct error e = { 0 };
	struct pe pe;

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct bytes b = image();

		set(&b, PE_AT + 24 + 112 + 32, 4, tables[i][0]);
		set(&b, PE_AT + 24 + 112 + 36, 4, tables[i][1]);
		assert_int_equal(image_read(&b, &pe, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "certificate table"));
	}
}

static void test_cut(void **state)
{
	struct error e = { 0 };
	struct pe pe;

	(void)state;
	for (size_t len = 0; len < SIZE; len++) {
		struct bytes b = image();

		b.len = len;
		assert_int_equal(image_read(&b, &pe, &e), -ERR_CORRUPT);
	}
}

enum { RESOURCES_AT = 1024, TYPES = 0, NAMES = 24, LANGUAGES = 48, DATA = 72, INFO = 96 };

/* One version resource, 10.0.19041.1110, in what is section .text else. */
static struct bytes image_with_version(void)
{
	struct bytes b = image();

	set(&b, PE_AT + 24 + 112 + 16, 4, 4096);
	set(&b, PE_AT + 24 + 112 + 20, 4, 512);
	set(&b, RESOURCES_AT + TYPES + 14, 2, 1);
	set(&b, RESOURCES_AT + TYPES + 16, 4, 16);
	set(&b, RESOURCES_AT + TYPES + 20, 4, 0x80000000 | NAMES);
	set(&b, RESOURCES_AT + NAMES + 14, 2, 1);
	set(&b, RESOURCES_AT + NAMES + 16, 4, 1);
	set(&b, RESOURCES_AT + NAMES + 20, 4, 0x80000000 | LANGUAGES);
	set(&b, RESOURCES_AT + LANGUAGES + 14, 2, 1);
	set(&b, RESOURCES_AT + LANGUAGES + 16, 4, 0x409);
	set(&b, RESOURCES_AT + LANGUAGES + 20, 4, DATA);
	set(&b, RESOURCES_AT + DATA, 4, 4096 + INFO);
	set(&b, RESOURCES_AT + DATA + 4, 4, 92);
	set(&b, RESOURCES_AT + INFO + 40, 4, 0xfeef04bd);
	set(&b, RESOURCES_AT + INFO + 48, 4, 10 << 16);
	set(&b, RESOURCES_AT + INFO + 52, 4, (uint64_t)19041 << 16 | 1110);
	return b;
}

static int version_read(struct bytes *b, uint16_t version[4], bool *found, struct error *e)
{
	const struct initramfs_source source = { .size = b->len, .read = bytes_read, .arg = b };
	struct pe pe;
	int rc;

	assert_int_equal(pe_read(&source, &pe, e), 0);
	rc = pe_file_version(&source, &pe, version, found, e);
	pe_free(&pe);
	return rc;
}

static void test_version(void **state)
{
	struct bytes b = image_with_version();
	struct error e = { 0 };
	uint16_t v[4] = { 0 };
	bool found;

	(void)state;
	assert_int_equal(version_read(&b, v, &found, &e), 0);
	assert_true(found);
	assert_int_equal(v[0], 10);
	assert_int_equal(v[1], 0);
	assert_int_equal(v[2], 19041);
	assert_int_equal(v[3], 1110);
}

/* No resources, resources without a version, and something else in its place. */
static void test_no_version(void **state)
{
	static const struct {
		size_t at, len;
		uint64_t value;
	} changes[] = {
		{ PE_AT + 24 + 112 + 20, 4, 0 },
		{ PE_AT + 24 + 108, 4, 2 },
		{ RESOURCES_AT + TYPES + 16, 4, 3 },
		{ RESOURCES_AT + LANGUAGES + 14, 2, 0 },
		{ RESOURCES_AT + DATA + 4, 4, 55 },
		{ RESOURCES_AT + INFO + 40, 4, 0 },
	};
	struct error e = { 0 };
	uint16_t v[4];
	bool found = true;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct bytes b = image_with_version();

		set(&b, changes[i].at, changes[i].len, changes[i].value);
		assert_int_equal(version_read(&b, v, &found, &e), 0);
		assert_false(found);
	}
}

static void test_bad_resources(void **state)
{
	static const struct {
		size_t at, len;
		uint64_t value;
		const char *says;
	} faults[] = {
		{ PE_AT + 24 + 112 + 16, 4, 0xfffffff0, "where no section is" },
		{ PE_AT + 24 + 112 + 20, 4, 15, "offset 0 of 15" },
		{ RESOURCES_AT + TYPES + 12, 2, 0xffff, "65536 entries" },
		{ RESOURCES_AT + TYPES + 20, 4, NAMES, "level 1 points to 0x18" },
		{ RESOURCES_AT + NAMES + 20, 4, 0x80000000 | 500, "offset 500 of 512" },
		{ RESOURCES_AT + LANGUAGES + 20, 4, 0x80000000 | TYPES, "level 3 points to" },
		{ RESOURCES_AT + DATA, 4, 4096 + 500, "where no section is" },
	};
	struct error e = { 0 };
	uint16_t v[4];
	bool found;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct bytes b = image_with_version();

		set(&b, faults[i].at, faults[i].len, faults[i].value);
		assert_int_equal(version_read(&b, v, &found, &e), -ERR_CORRUPT);
		if (!strstr(e.text, faults[i].says))
			fail_msg("%zu: %s", i, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_certificate_outside),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_no_version),
		cmocka_unit_test(test_bad_resources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
