/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance's inspectors say of files that were built to please or to fool them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/sniff.h"
#include "disk/memory.h"

enum { SIZE = 3 << 20, SECTOR = 512 };

static uint8_t bytes[SIZE];

static void start(void)
{
	memset(bytes, 0, sizeof(bytes));
}

static void put(size_t at, const char *text, size_t len)
{
	memcpy(bytes + at, text, len);
}

static void put_le(size_t at, size_t len, uint64_t n)
{
	for (size_t i = 0; i < len; i++)
		bytes[at + i] = (uint8_t)(n >> (8 * i));
}

static void put_be(size_t at, size_t len, uint64_t n)
{
	for (size_t i = 0; i < len; i++)
		bytes[at + len - 1 - i] = (uint8_t)(n >> (8 * i));
}

static struct sniff sniff(size_t size)
{
	struct error e = { 0 };
	struct sniff s;
	struct disk *d;

	assert_int_equal(memory_disk_open(bytes, size, &d, &e), 0);
	assert_int_equal(sniff_file(d, &s, &e), 0);
	disk_close(d);
	return s;
}

/* The one format that claims the file. */
static struct sniff only(size_t size, enum sniff_format format)
{
	struct sniff s = sniff(size);
	enum sniff_format found;

	assert_int_equal(sniff_matches(&s, &found), format != SNIFF_RAW);
	assert_int_equal(found, format);
	return s;
}

static bool fails(const struct sniff *s, const char *check)
{
	for (size_t i = 0; i < s->failures; i++)
		if (!strcmp(s->failure[i].check, check))
			return true;
	return false;
}

static void safe(size_t size, enum sniff_format format)
{
	struct sniff s = only(size, format);

	assert_int_equal(s.failures, 0);
}

static void unsafe(size_t size, enum sniff_format format, const char *check)
{
	struct sniff s = only(size, format);

	assert_true(fails(&s, check));
}

static void test_raw(void **state)
{
	(void)state;
	start();
	safe(SIZE, SNIFF_RAW);
	safe(0, SNIFF_RAW);
	safe(3, SNIFF_RAW);
}

static void qcow2(uint64_t version)
{
	start();
	put(0, "QFI\xfb", 4);
	put_be(4, 4, version);
	put_be(0x18, 8, 12345 * SECTOR);
}

static void test_qcow2(void **state)
{
	(void)state;
	qcow2(3);
	safe(SIZE, SNIFF_QCOW2);
	assert_int_equal(only(SIZE, SNIFF_QCOW2).virtual_size[SNIFF_QCOW2], 12345 * SECTOR);
	/* Less than a sector is not looked at. */
	safe(SECTOR - 1, SNIFF_RAW);
	put_be(0x48, 8, 0xb);
	safe(SIZE, SNIFF_QCOW2);
	put_be(0x48, 8, 0x10);
	unsafe(SIZE, SNIFF_QCOW2, "unknown_features");
	put_be(0x48, 8, (uint64_t)1 << 63);
	unsafe(SIZE, SNIFF_QCOW2, "unknown_features");
	put_be(0x48, 8, 4);
	unsafe(SIZE, SNIFF_QCOW2, "data_file");
	qcow2(2);
	put_be(0x48, 8, (uint64_t)1 << 40);
	safe(SIZE, SNIFF_QCOW2);
	put_be(8, 8, 1);
	unsafe(SIZE, SNIFF_QCOW2, "backing_file");
	qcow2(1);
	unsafe(SIZE, SNIFF_QCOW2, "unknown_features");
}

static void mbr(uint8_t type)
{
	start();
	put_le(510, 2, 0xaa55);
	bytes[0x1be + 4] = type;
	bytes[0x1be + 2] = 2;
	put_le(0x1be + 8, 4, 1);
}

static void test_gpt(void **state)
{
	(void)state;
	mbr(0xee);
	safe(SIZE, SNIFF_GPT);
	bytes[0x1be + 16 + 4] = 0x83;
	unsafe(SIZE, SNIFF_GPT, "mbr");
	mbr(0xee);
	bytes[0x1be + 2] = 1;
	unsafe(SIZE, SNIFF_GPT, "mbr");
	mbr(0xee);
	put_le(0x1be + 8, 4, 2);
	unsafe(SIZE, SNIFF_GPT, "mbr");
	mbr(0);
	unsafe(SIZE, SNIFF_GPT, "mbr");
	bytes[0x1be + 16 + 4] = 0xee;
	bytes[0x1be + 16 + 2] = 2;
	put_le(0x1be + 16 + 8, 4, 1);
	unsafe(SIZE, SNIFF_GPT, "mbr");
	mbr(0x83);
	bytes[0x1be + 48 + 4] = 0x82;
	safe(SIZE, SNIFF_GPT);
	bytes[0x1be + 16] = 1;
	unsafe(SIZE, SNIFF_GPT, "mbr");
	mbr(0x83);
	bytes[0x10] = 2;
	bytes[0x15] = 0xf8;
	safe(SIZE, SNIFF_RAW);
}

static void test_vhd(void **state)
{
	struct sniff s;

	(void)state;
	start();
	put(0, "conectix", 8);
	put_be(0x28, 8, 5 << 20);
	put(SIZE - SECTOR, "conectix", 8);
	put_be(SIZE - SECTOR + 0x28, 8, 5 << 20);
	put_be(SIZE - SECTOR + 0x30, 8, 4 << 20);
	put_be(SIZE - SECTOR + 0x3c, 4, 4);
	s = only(SIZE, SNIFF_VHD);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.virtual_size[SNIFF_VHD], 5 << 20);
	assert_true(s.footer.there);
	assert_int_equal(s.footer.type, 4);
	assert_int_equal(s.footer.current_size, 4 << 20);
	/* Fixed: the footer alone. */
	put(0, "\0\0\0\0\0\0\0\0", 8);
	assert_true(only(SIZE, SNIFF_RAW).footer.there);
	/* One byte shorter, as old writers have it. */
	assert_false(only(SIZE - SECTOR, SNIFF_RAW).footer.there);
	memmove(bytes + SIZE - SECTOR + 1, bytes + SIZE - SECTOR, SECTOR - 1);
	bytes[SIZE - SECTOR] = 0;
	assert_true(only(SIZE, SNIFF_RAW).footer.there);
	start();
	put(0, "conectix", 8);
	unsafe(100, SNIFF_VHD, "structure");
}

enum { REGIONS = 192 << 10, METADATA = 1 << 20, ITEMS = METADATA + (64 << 10) };

static const char metadata_region[] =
	"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
static const char size_item[] = "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";
static const char parameters_item[] =
	"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";

/* BAT first, then metadata; file parameters first, then the size. */
static void vhdx(void)
{
	start();
	put(0, "vhdxfile", 8);
	put(REGIONS, "regi", 4);
	put_le(REGIONS + 8, 4, 2);
	put(REGIONS + 16 + 32, metadata_region, 16);
	put_le(REGIONS + 16 + 32 + 16, 8, METADATA);
	put(METADATA, "metadata", 8);
	put_le(METADATA + 10, 2, 2);
	put(METADATA + 32, parameters_item, 16);
	put_le(METADATA + 32 + 16, 4, ITEMS - METADATA);
	put_le(METADATA + 32 + 20, 4, 8);
	put(METADATA + 64, size_item, 16);
	put_le(METADATA + 64 + 16, 4, ITEMS - METADATA + 8);
	put_le(METADATA + 64 + 20, 4, 8);
	put_le(ITEMS, 4, 1 << 20);
	put_le(ITEMS + 8, 8, 77 * SECTOR);
}

static void test_vhdx(void **state)
{
	struct sniff s;

	(void)state;
	vhdx();
	s = only(SIZE, SNIFF_VHDX);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.virtual_size[SNIFF_VHDX], 77 * SECTOR);
	assert_false(s.vhdx.has_parent);
	assert_false(s.vhdx.odd_order);
	put_le(ITEMS + 4, 4, 2);
	assert_true(only(SIZE, SNIFF_VHDX).vhdx.has_parent);
	/* Metadata first: oslo finds it, os-win does not. */
	vhdx();
	put(REGIONS + 16, metadata_region, 16);
	put_le(REGIONS + 16 + 16, 8, METADATA);
	s = only(SIZE, SNIFF_VHDX);
	assert_int_equal(s.failures, 0);
	assert_true(s.vhdx.odd_order);
}

static void test_vhdx_damaged(void **state)
{
	(void)state;
	vhdx();
	unsafe(REGIONS + 100, SNIFF_VHDX, "structure");
	unsafe(METADATA + 16, SNIFF_VHDX, "structure");
	unsafe(ITEMS + 4, SNIFF_VHDX, "structure");
	put_le(REGIONS + 8, 4, 2048);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	put_le(REGIONS + 8, 4, UINT32_MAX);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	vhdx();
	put_le(METADATA + 10, 2, 2048);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	vhdx();
	put_le(REGIONS + 16 + 32 + 16, 8, UINT64_MAX - 8);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	put_le(REGIONS + 16 + 32 + 16, 8, 4096);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	vhdx();
	put_le(METADATA + 64 + 16, 4, UINT32_MAX);
	unsafe(SIZE, SNIFF_VHDX, "structure");
	put_le(METADATA + 64 + 20, 4, 4);
	unsafe(SIZE, SNIFF_VHDX, "structure");
}

static const char good_descriptor[] =
	"# Disk DescriptorFile\nversion=1\ncreateType=\"streamOptimized\"\n\n"
	"RW 100 SPARSE \"a.vmdk\"\nddb.adapterType = \"ide\"\n";

static void vmdk(const char *descriptor)
{
	start();
	put(0, "KDMV", 4);
	put_le(4, 4, 3);
	put_le(12, 8, 100);
	put_le(28, 8, 1);
	put_le(36, 8, 2);
	put_le(56, 8, 21);
	put(SECTOR, descriptor, strlen(descriptor));
}

static void test_vmdk(void **state)
{
	(void)state;
	vmdk(good_descriptor);
	safe(SIZE, SNIFF_VMDK);
	assert_int_equal(only(SIZE, SNIFF_VMDK).virtual_size[SNIFF_VMDK], 100 * SECTOR);
	unsafe(SECTOR + 10, SNIFF_VMDK, "descriptor");
	vmdk("createType=\"monolithicSparse\"\nRW 100 FLAT \"/etc/passwd\" 0\n");
	unsafe(SIZE, SNIFF_VMDK, "descriptor");
	vmdk("createType=\"monolithicFlat\"\nRW 100 FLAT \"a\" 0\n");
	unsafe(SIZE, SNIFF_VMDK, "descriptor");
	vmdk("createType=\"monolithicSparse\"\nversion=1\n");
	unsafe(SIZE, SNIFF_VMDK, "descriptor");
	vmdk("createType=\"monolithicSparse\"\nRW 100 SPARSE \"a\"\nwhat is this\n");
	unsafe(SIZE, SNIFF_VMDK, "descriptor");
	vmdk("createType=\"monolithicSparse\"\nRW 1 SPARSE \"\xe9\"\n");
	unsafe(SIZE, SNIFF_VMDK, "descriptor");
	vmdk(good_descriptor);
	put_le(4, 4, 4);
	unsafe(SIZE, SNIFF_VMDK, "structure");
	vmdk(good_descriptor);
	put_le(36, 8, UINT64_MAX);
	unsafe(SECTOR * 4, SNIFF_VMDK, "descriptor");
	/* A descriptor alone has its data elsewhere. */
	start();
	memset(bytes, '\n', 2 * SECTOR);
	put(0, "createType=\"monolithicFlat\"\nRW 100 FLAT \"a\" 0\n", 46);
	unsafe(2 * SECTOR, SNIFF_VMDK, "descriptor");
	memset(bytes, 'x', 2 * SECTOR);
	safe(2 * SECTOR, SNIFF_RAW);
}

static void test_vmdk_footer(void **state)
{
	size_t end = SIZE - 3 * SECTOR;

	(void)state;
	vmdk(good_descriptor);
	put_le(56, 8, UINT64_MAX);
	unsafe(SIZE, SNIFF_VMDK, "footer");
	memcpy(bytes + end + SECTOR, bytes, SECTOR);
	put_le(end + SECTOR + 56, 8, 21);
	put_le(end + 12, 4, 3);
	safe(SIZE, SNIFF_VMDK);
	put_le(end + SECTOR + 28, 8, 2);
	unsafe(SIZE, SNIFF_VMDK, "footer");
	put_le(end + SECTOR + 28, 8, 1);
	bytes[SIZE - 1] = 1;
	unsafe(SIZE, SNIFF_VMDK, "footer");
}

static void test_others(void **state)
{
	enum sniff_format found;
	struct sniff s;

	(void)state;
	start();
	put_le(0x40, 4, 0xbeda107f);
	put_le(0x170, 8, 99);
	assert_int_equal(only(SIZE, SNIFF_VDI).virtual_size[SNIFF_VDI], 99);
	start();
	put(0, "QED\0", 4);
	unsafe(SIZE, SNIFF_QED, "banned");
	start();
	put(0, "LUKS\xba\xbe\0\1", 8);
	safe(SIZE, SNIFF_LUKS);
	bytes[7] = 2;
	unsafe(SIZE, SNIFF_LUKS, "version");
	mbr(0x83);
	put(32768, "\1CD001", 6);
	put_le(32768 + 80, 4, 10);
	put_le(32768 + 128, 2, 2048);
	s = sniff(SIZE);
	assert_int_equal(sniff_matches(&s, &found), 2);
	assert_true(s.match[SNIFF_ISO] && s.match[SNIFF_GPT]);
	assert_int_equal(s.virtual_size[SNIFF_ISO], 20480);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_qcow2),
		cmocka_unit_test(test_gpt),
		cmocka_unit_test(test_vhd),
		cmocka_unit_test(test_vhdx),
		cmocka_unit_test(test_vhdx_damaged),
		cmocka_unit_test(test_vmdk),
		cmocka_unit_test(test_vmdk_footer),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
