/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Device elements of boot configuration stores, as Windows wrote them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "guest/windows_bcd_device.h"

/* Windows 10, UEFI: its loader's device. */
static const uint8_t gpt_element[BCD_DEVICE_SIZE] = { [16] = 6,
	[24] = 0x48,
	[32] = 0x38,
	0x2c,
	0x0f,
	0x8e,
	0xea,
	0xe4,
	0xba,
	0x47,
	0xb7,
	0xfc,
	0x9d,
	0x8c,
	0x74,
	0xdc,
	0xcf,
	0x0b,
	[56] = 0xa9,
	0x94,
	0x23,
	0x0b,
	0x5e,
	0x09,
	0x7d,
	0x48,
	0x8d,
	0x48,
	0x71,
	0x9e,
	0xcd,
	0x4d,
	0x78,
	0xca };
/* Windows 8.1, BIOS: a partition at 351 MiB of disk b3eba8f1. */
static const uint8_t mbr_element[BCD_DEVICE_SIZE] = {
	[16] = 6, [24] = 0x48, [34] = 0xf0, 0x15, [52] = 1, [56] = 0xf1, 0xa8, 0xeb, 0xb3
};
static const uint8_t boot_element[BCD_DEVICE_SIZE] = { [16] = 5, [24] = 0x48 };
/* Windows 10's recovery environment: winre.wim on a partition. */
static const uint8_t file_element[200] = { 0xe7, 0x62, 0x3b, 0x73, 0x08, 0xf6, 0xeb, 0x11, 0x82,
	0x5c, 0xc1, 0x12, 0xf6, 0x01, 0x33, 0xab, [20] = 1, [24] = 0xb8, [32] = 3, [56] = 1,
	[60] = 0x90, [64] = 5, [68] = 6, [76] = 0x48, [84] = 0x69, 0xcd, 0xdf, 0x6c, 0x75, 0xde,
	0x90, 0x44, 0x8f, 0x99, 0x5a, 0x84, 0xbf, 0x26, 0x49, 0x17, [108] = 0xa9, 0x94, 0x23, 0x0b,
	0x5e, 0x09, 0x7d, 0x48, 0x8d, 0x48, 0x71, 0x9e, 0xcd, 0x4d, 0x78, 0xca, [140] = '\\' };

static struct volume gpt_volumes[] = {
	{ .id = "p1", .type = "gpt", .part_id = "36be3955-63bf-4068-a6ab-00195cca3a22" },
	{ .id = "p3", .type = "gpt", .part_id = "8e0f2c38-e4ea-47ba-b7fc-9d8c74dccf0b" },
	{ .id = "group/root", .type = "lvm", .part_id = "6cdfcd69-de75-4490-8f99-5a84bf264917" },
};
static const struct volume_list gpt_disk = { .table = "gpt",
	.disk_id = "0b2394a9-095e-487d-8d48-719ecd4d78ca",
	.volume = gpt_volumes,
	.count = 3 };

static struct volume mbr_volumes[] = {
	{ .id = "p1", .type = "mbr", .part_id = "b3eba8f1-01", .off = 1 << 20, .active = true },
	{ .id = "p2", .type = "mbr", .part_id = "b3eba8f1-02", .off = 0x15f00000 },
};
static const struct volume_list mbr_disk = {
	.table = "mbr", .disk_id = "b3eba8f1", .volume = mbr_volumes, .count = 2
};

static void expect_text(const struct bcd_device *d, const struct volume_list *l, const char *text)
{
	struct buffer out = { 0 };
	struct error e;

	assert_int_equal(bcd_device_text(d, l, &out, &e), 0);
	assert_string_equal(buffer_text(&out), text);
	buffer_free(&out);
}

static void gpt(void **state)
{
	struct volume_list other = gpt_disk;
	struct bcd_device d;

	(void)state;
	bcd_device_read(gpt_element, sizeof(gpt_element), &d);
	assert_int_equal(d.form, BCD_PARTITION);
	assert_true(d.has_partition && d.is_gpt);
	assert_int_equal(bcd_device_volume(&d, &gpt_disk), 1);
	expect_text(&d, &gpt_disk, "partition 3");
	/* The partition's id alone does not do. */
	strcpy(other.disk_id, "0b2394a9-095e-487d-8d48-719ecd4d78cb");
	assert_int_equal(bcd_device_volume(&d, &other), SIZE_MAX);
	expect_text(&d, &other, "missing partition 8e0f2c38-e4ea-47ba-b7fc-9d8c74dccf0b");
	assert_int_equal(bcd_device_volume(&d, &mbr_disk), SIZE_MAX);
}

static void mbr(void **state)
{
	struct volume moved[2] = { mbr_volumes[0], mbr_volumes[1] };
	struct volume_list other = mbr_disk;
	struct bcd_device d;

	(void)state;
	bcd_device_read(mbr_element, sizeof(mbr_element), &d);
	assert_int_equal(d.form, BCD_PARTITION);
	assert_false(d.is_gpt);
	assert_int_equal(d.signature, 0xb3eba8f1);
	assert_int_equal(bcd_device_volume(&d, &mbr_disk), 1);
	expect_text(&d, &mbr_disk, "partition 2");
	moved[1].off += 512;
	other.volume = moved;
	assert_int_equal(bcd_device_volume(&d, &other), SIZE_MAX);
	other = mbr_disk;
	strcpy(other.disk_id, "b3eba8f2");
	assert_int_equal(bcd_device_volume(&d, &other), SIZE_MAX);
	expect_text(&d, &other, "missing partition at byte 368050176 of disk b3eba8f1");
}

static void made_as_windows_makes_them(void **state)
{
	uint8_t made[BCD_DEVICE_SIZE];

	(void)state;
	memset(made, 0xff, sizeof(made));
	assert_true(bcd_device_make(&gpt_disk, 1, made));
	assert_memory_equal(made, gpt_element, sizeof(made));
	memset(made, 0xff, sizeof(made));
	assert_true(bcd_device_make(&mbr_disk, 1, made));
	assert_memory_equal(made, mbr_element, sizeof(made));
	assert_false(bcd_device_make(&gpt_disk, 2, made));
}

static void other_forms(void **state)
{
	uint8_t locate[BCD_DEVICE_SIZE] = { [16] = 8, [24] = 0x1e };
	struct bcd_device d;

	(void)state;
	bcd_device_read(boot_element, sizeof(boot_element), &d);
	assert_int_equal(d.form, BCD_BOOT);
	expect_text(&d, &gpt_disk, "boot");
	bcd_device_read(locate, 16 + 0x1e, &d);
	assert_int_equal(d.form, BCD_LOCATE);
	assert_false(d.has_partition);
	bcd_device_read(file_element, sizeof(file_element), &d);
	assert_int_equal(d.form, BCD_FILE);
	assert_true(d.has_partition && d.is_gpt);
	/* A logical volume is no partition, whatever its id. */
	expect_text(
		&d, &gpt_disk, "file on missing partition 6cdfcd69-de75-4490-8f99-5a84bf264917");
}

/* Whatever is cut off or turned over: no byte past the end is read (with a sanitizer), and none of
 * it is taken for a partition that it does not name. */
static void damaged(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(gpt_element); len++) {
		uint8_t *copy = test_malloc(len + 1);
		struct bcd_device d;

		memcpy(copy, gpt_element, len);
		bcd_device_read(copy, len, &d);
		assert_int_equal(d.form, BCD_OTHER);
		assert_false(d.has_partition);
		test_free(copy);
	}
	for (size_t len = 0; len < sizeof(file_element); len++) {
		struct bcd_device d;

		bcd_device_read(file_element, len, &d);
		assert_int_equal(d.form, BCD_OTHER);
	}
	for (size_t i = 16; i < 56; i++) {
		uint8_t copy[sizeof(gpt_element)];
		struct bcd_device d;

		memcpy(copy, gpt_element, sizeof(copy));
		copy[i] ^= 0x80;
		bcd_device_read(copy, sizeof(copy), &d);
		if (i >= 20 && i < 24) /* flags */
			continue;
		if (i >= 28 && i < 32) /* not used */
			continue;
		assert_int_equal(bcd_device_volume(&d, &gpt_disk), SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt),
		cmocka_unit_test(mbr),
		cmocka_unit_test(made_as_windows_makes_them),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
