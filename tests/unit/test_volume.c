/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc.h"
#include "disk/memory.h"
#include "disk/resized.h"
#include "disk/overlay.h"
#include "volume/resize.h"
#include "volume/volume.h"
#include "volume/windows.h"

enum { MIB = 1 << 20 };

static bool have(const char *tool)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "command -v %s >/dev/null", tool);
	if (!system(command))
		return true;
	print_message("skipped: %s is not installed\n", tool);
	return false;
}

/* The bytes of a sparse file of `size` after `command` (%s: its path) ran on it. */
static uint8_t *make_image(size_t size, const char *command)
{
	char path[] = "/tmp/volume-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *bytes = malloc(size);
	char text[1024];

	assert_true(fd >= 0);
	assert_non_null(bytes);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	(void)snprintf(text, sizeof(text), "exec >/dev/null 2>&1; image=%s; %s", path, command);
	assert_int_equal(system(text), 0);
	assert_int_equal(pread(fd, bytes, size, 0), (ssize_t)size);
	close(fd);
	unlink(path);
	return bytes;
}

static struct disk *disk_of(const uint8_t *bytes, size_t size, uint32_t sector)
{
	struct disk *d = NULL;
	struct error e = { 0 };

	assert_int_equal(memory_disk_open(bytes, size, &d, &e), 0);
	d->logical_sector = sector;
	return d;
}

/* `command` ($image: its path) ends well on a file that holds what `d` does. */
static void assert_verified(struct disk *d, const char *command)
{
	char path[] = "/tmp/volume-XXXXXX", text[1024];
	int fd = mkstemp(path);
	uint8_t *bytes = malloc((size_t)d->size);
	struct error e = { 0 };

	assert_true(fd >= 0);
	assert_non_null(bytes);
	assert_int_equal(disk_read(d, 0, bytes, (size_t)d->size, &e), 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)d->size, 0), (ssize_t)d->size);
	close(fd);
	(void)snprintf(text, sizeof(text), "image=%s; %s", path, command);
	assert_int_equal(system(text), 0);
	unlink(path);
	free(bytes);
}

#define SGDISK                                                                                     \
	"sgdisk --disk-guid=01234567-89AB-CDEF-0123-456789ABCDEF -n1:2048:4095 -t1:ef02 "          \
	"-c1:'BIOS boot' -n2:4096:8191 -t2:ef00 -c2:'\xc3\xa9t\xc3\xa9 \xf0\x9f\x90\xa7' "         \
	"-n5:8192:0 -t5:8304 -u5:11111111-2222-3333-4444-555555555555 $image"

static void gpt_as_sgdisk_wrote_it(void **state)
{
	uint8_t *bytes;
	struct disk *d;
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	(void)state;
	if (!have("sgdisk"))
		return;
	bytes = make_image(8 * MIB, SGDISK);
	d = disk_of(bytes, 8 * MIB, 512);
	assert_int_equal(volumes_open(d, &l, &r, &e), 0);
	assert_string_equal(l.table, "gpt");
	assert_string_equal(l.disk_id, "01234567-89ab-cdef-0123-456789abcdef");
	assert_false(l.boot_code);
	assert_false(l.backup_damaged);
	assert_int_equal(r.count, 0);
	assert_int_equal(l.count, 3);
	assert_string_equal(l.volume[0].id, "p1");
	assert_string_equal(l.volume[0].parent, "disk");
	assert_true(l.volume[0].bios_boot);
	assert_string_equal(l.volume[0].name, "BIOS boot");
	assert_int_equal(l.volume[0].off, MIB);
	assert_int_equal(l.volume[0].size, MIB);
	assert_true(l.volume[1].esp);
	assert_string_equal(l.volume[1].name, "\xc3\xa9t\xc3\xa9 \xf0\x9f\x90\xa7");
	assert_string_equal(l.volume[2].id, "p5");
	assert_string_equal(l.volume[2].part_id, "11111111-2222-3333-4444-555555555555");
	assert_string_equal(l.volume[2].type_id, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
	assert_int_equal(l.volume[2].off + l.volume[2].size, 8 * MIB - 33 * 512);
	assert_int_equal(l.volume[2].disk->size, l.volume[2].size);
	volumes_close(&l);
	disk_close(d);
	free(bytes);
}

static void expect_gpt(const uint8_t *bytes, const char *finding, int rc)
{
	struct disk *d = disk_of(bytes, 8 * MIB, 512);
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	assert_int_equal(volumes_open(d, &l, &r, &e), rc);
	if (!rc) {
		assert_int_equal(l.count, 3);
		assert_int_equal(l.backup_damaged, finding != NULL);
		assert_int_equal(r.count, finding != NULL);
		if (finding)
			assert_string_equal(r.finding[0].code, finding);
		volumes_close(&l);
	}
	report_free(&r);
	disk_close(d);
}

static void damaged_gpt_copies(void **state)
{
	size_t end = 8 * MIB;
	uint8_t *bytes;

	(void)state;
	if (!have("sgdisk"))
		return;
	bytes = make_image(end, SGDISK);
	expect_gpt(bytes, NULL, 0);
	bytes[512 + 60] ^= 1;
	expect_gpt(bytes, "gpt-primary-damaged", 0);
	bytes[512 + 60] ^= 1;
	bytes[1024 + 200] ^= 1;
	expect_gpt(bytes, "gpt-primary-damaged", 0);
	bytes[end - 512] ^= 1;
	expect_gpt(bytes, NULL, -ERR_CORRUPT);
	bytes[1024 + 200] ^= 1;
	expect_gpt(bytes, "gpt-backup-damaged", 0);
	free(bytes);
}

static void hybrid_mbr_is_a_gpt(void **state)
{
	struct disk *d;
	struct volume_list l;
	struct error e = { 0 };
	uint8_t *bytes;

	(void)state;
	if (!have("sgdisk"))
		return;
	bytes = make_image(8 * MIB, SGDISK " && sgdisk -h 5 $image");
	bytes[0] = 0xeb;
	d = disk_of(bytes, 8 * MIB, 512);
	assert_int_equal(volumes_open(d, &l, NULL, &e), 0);
	assert_string_equal(l.table, "gpt");
	assert_int_equal(l.count, 3);
	assert_true(l.boot_code);
	volumes_close(&l);
	disk_close(d);
	free(bytes);
}

/* A GPT for 4096-byte sectors, which sgdisk writes only to real devices, from a 512-byte one. */
static void gpt_with_4096_byte_sectors(void **state)
{
	size_t size = 64 * MIB;
	uint8_t *bytes, *large = calloc(1, size);
	uint32_t crc;
	uint64_t last = size / 4096 - 1;
	struct disk *d;
	struct volume_list l;
	struct error e = { 0 };

	(void)state;
	assert_non_null(large);
	if (!have("sgdisk")) {
		free(large);
		return;
	}
	bytes = make_image(size, SGDISK);
	memcpy(large, bytes, 512);
	memcpy(large + 4096, bytes + 512, 512);
	memcpy(large + 8192, bytes + 1024, 16384);
	/* Partition 5 is pulled inside the smaller number of sectors. */
	memcpy(large + 8192 + 4 * 128 + 40, &last, 8);
	memcpy(large + 4096 + 32, &last, 8);
	crc = crc32_of(large + 8192, 16384);
	memcpy(large + 4096 + 88, &crc, 4);
	memset(large + 4096 + 16, 0, 4);
	crc = crc32_of(large + 4096, 92);
	memcpy(large + 4096 + 16, &crc, 4);
	d = disk_of(large, size, 4096);
	assert_int_equal(volumes_open(d, &l, NULL, &e), 0);
	assert_true(l.backup_damaged);
	assert_int_equal(l.count, 3);
	assert_int_equal(l.volume[0].off, 2048 * 4096);
	assert_int_equal(l.volume[2].off + l.volume[2].size, size);
	volumes_close(&l);
	disk_close(d);
	free(bytes);
	free(large);
}

#define SFDISK                                                                                     \
	"printf 'label: dos\\nlabel-id: 0xdeadbeef\\n2048,2048,83,*\\n4096,2048,ef\\n"             \
	"6144,8192,5\\n8192,1024,83\\n12288,1024,82\\n' | sfdisk $image"

static void mbr_with_logical_partitions(void **state)
{
	uint8_t *bytes;
	struct disk *d;
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	(void)state;
	if (!have("sfdisk"))
		return;
	bytes = make_image(8 * MIB, SFDISK);
	d = disk_of(bytes, 8 * MIB, 512);
	assert_int_equal(volumes_open(d, &l, &r, &e), 0);
	assert_string_equal(l.table, "mbr");
	assert_string_equal(l.disk_id, "deadbeef");
	assert_int_equal(r.count, 0);
	assert_int_equal(l.count, 4);
	assert_true(l.volume[0].active);
	assert_string_equal(l.volume[0].part_id, "deadbeef-01");
	assert_true(l.volume[1].esp);
	assert_string_equal(l.volume[2].id, "p5");
	assert_int_equal(l.volume[2].off, 8192 * 512);
	assert_string_equal(l.volume[3].id, "p6");
	assert_string_equal(l.volume[3].part_id, "deadbeef-06");
	assert_string_equal(l.volume[3].type_id, "0x82");
	assert_int_equal(l.volume[3].size, 1024 * 512);
	volumes_close(&l);
	disk_close(d);
	free(bytes);
}

/* Sectors of 4 KiB, which only a VHDX has; fdisk makes the table and verifies it afterwards. */
static void resize_follows_in_4k_sectors(void **state)
{
	const uint64_t sizes[] = { 64 * MIB, 8 * MIB + 40 * 4096 };
	uint8_t *bytes;
	struct disk *d;
	struct error e = { 0 };

	(void)state;
	if (!have("fdisk"))
		return;
	bytes = make_image(16 * MIB, "printf 'g\\nn\\n1\\n\\n+7M\\nw\\n' | fdisk -b 4096 $image");
	d = disk_of(bytes, 16 * MIB, 4096);
	assert_int_equal(volumes_fit(d, 8 * MIB, &e), 0);
	assert_int_equal(volumes_fit(d, 8 * MIB - 4096, &e), -ERR_REFUSED);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct disk *resized = NULL, *overlay = NULL;
		struct volume_list l;
		struct report r = { 0 };

		assert_int_equal(resized_open(d, sizes[i], &resized, &e), 0);
		assert_int_equal(overlay_open(resized, "/tmp", 8 * MIB, &overlay, &e), 0);
		assert_int_equal(volumes_follow_size(overlay, d->size, &e), 0);
		assert_int_equal(volumes_open(overlay, &l, &r, &e), 0);
		assert_int_equal(r.count, 0);
		assert_int_equal(l.count, 1);
		assert_int_equal(l.volume[0].off, MIB);
		assert_int_equal(l.volume[0].size, 7 * MIB);
		volumes_close(&l);
		assert_verified(overlay,
			"printf 'v\\nq\\n' | LC_ALL=C fdisk -b 4096 $image 2>&1 |"
			" grep -q 'No errors detected'");
		disk_close(overlay);
		disk_close(resized);
	}
	disk_close(d);
	free(bytes);
}

/* The chain's second link points back at its first record; a primary partition leaves the disk. */
static void mbr_loops_and_overruns_are_reported(void **state)
{
	uint8_t *bytes;
	struct disk *d;
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	(void)state;
	if (!have("sfdisk"))
		return;
	bytes = make_image(8 * MIB, SFDISK);
	memset(bytes + 6144 * 512 + 446 + 16 + 8, 0, 4);
	bytes[446 + 16 + 12 + 3] = 0x7f;
	d = disk_of(bytes, 8 * MIB, 512);
	assert_int_equal(volumes_open(d, &l, &r, &e), 0);
	assert_true(l.count <= 130);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.finding[0].code, "partition-out-of-range");
	assert_string_equal(r.finding[1].code, "mbr-chain-damaged");
	report_free(&r);
	volumes_close(&l);
	disk_close(d);
	free(bytes);
}

static void disk_without_table_is_one_volume(void **state)
{
	uint8_t *bytes = calloc(1, MIB);
	size_t sizes[] = { 0, 511, 512, MIB };

	(void)state;
	assert_non_null(bytes);
	/* A FAT boot sector: 55 aa, and text where an MBR has its entries. */
	memset(bytes + 100, 'x', 400);
	bytes[510] = 0x55;
	bytes[511] = 0xaa;
	for (size_t i = 0; i < 4; i++) {
		struct disk *d = disk_of(bytes, sizes[i], 512);
		struct volume_list l;
		struct error e = { 0 };

		assert_int_equal(volumes_open(d, &l, NULL, &e), 0);
		assert_string_equal(l.table, "none");
		assert_int_equal(l.count, 1);
		assert_string_equal(l.volume[0].id, "disk");
		assert_string_equal(l.volume[0].type, "whole");
		assert_int_equal(l.volume[0].size, sizes[i]);
		assert_int_equal(l.boot_code, sizes[i] >= 512);
		volumes_close(&l);
		disk_close(d);
	}
	free(bytes);
}

/* Whatever byte is wrong: no crash, and no volume outside the disk. */
static void try_mutated(uint8_t *bytes, size_t size, size_t at, uint8_t value)
{
	uint8_t before = bytes[at];
	struct disk *d;
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	bytes[at] = value;
	d = disk_of(bytes, size, 512);
	if (!volumes_open(d, &l, &r, &e)) {
		for (size_t i = 0; i < l.count; i++)
			assert_true(l.volume[i].off + l.volume[i].size <= size);
		volumes_close(&l);
	} else {
		assert_true(e.text[0]);
	}
	report_free(&r);
	disk_close(d);
	bytes[at] = before;
}

static void mutated_tables(void **state)
{
	enum { SIZE = 2 * MIB };
	uint8_t *gpt, *mbr;

	(void)state;
	if (!have("sgdisk") || !have("sfdisk"))
		return;
	gpt = make_image(SIZE, "sgdisk -a 1 -n1:64:127 -n2:128:0 $image");
	mbr = make_image(SIZE,
		"printf 'label: dos\\n64,64,83\\n128,1024,5\\n192,64\\n512,64\\n' |"
		" sfdisk $image");
	for (size_t at = 440; at < 512 + 92; at++) {
		try_mutated(gpt, SIZE, at, (uint8_t)(gpt[at] ^ 0xff));
		try_mutated(gpt, SIZE, at, (uint8_t)(gpt[at] ^ 1));
	}
	for (size_t at = 440; at < 512; at++) {
		try_mutated(mbr, SIZE, at, 0xff);
		try_mutated(mbr, SIZE, 128 * 512 + at, 0xff);
		try_mutated(mbr, SIZE, 128 * 512 + at, 1);
	}
	free(gpt);
	free(mbr);
}

/* One finding for the disk, however many partitions say the same. */
static void expect_manager(const uint8_t *bytes, const char *code)
{
	struct disk *d = disk_of(bytes, 8 * MIB, 512);
	struct volume_list l;
	struct report r = { 0 };
	struct error e = { 0 };

	assert_int_equal(volumes_open(d, &l, &r, &e), 0);
	assert_int_equal(r.count, code != NULL);
	assert_int_equal(windows_managers_check(&l, &e), code ? -ERR_REFUSED : 0);
	if (code) {
		assert_string_equal(r.finding[0].code, code);
		assert_int_equal(r.finding[0].severity, SEVERITY_ERROR);
		assert_false(r.finding[0].fixable);
		assert_non_null(windows_manager(&l.volume[l.count - 1]));
	}
	report_free(&r);
	assert_int_equal(volumes_fit(d, 8 * MIB, &e), code ? -ERR_REFUSED : 0);
	volumes_close(&l);
	disk_close(d);
}

static void windows_spreads_volumes_over_disks(void **state)
{
	static const struct {
		const char *types, *code;
	} tables[] = {
		{ "-t1:5808C8AA-7E8F-42E0-85D2-E1E90434CFB3 "
		  "-t2:AF9B60A0-1431-4F62-BC68-3311714A69AD",
			"dynamic-disk" },
		{ "-t1:0c01 -t2:E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D", "storage-spaces" },
		{ "-t1:0c01 -t2:0700", NULL },
	};
	uint8_t *bytes = calloc(1, 8 * MIB);

	(void)state;
	assert_non_null(bytes);
	for (int type = 0x41; type <= 0x43; type++) {
		memcpy(bytes + 440, "sign", 4);
		memcpy(bytes + 446, (uint8_t[16]){ [4] = (uint8_t)type, [8] = 63, [13] = 32 }, 16);
		memcpy(bytes + 510, "\x55\xaa", 2);
		expect_manager(bytes, type == 0x42 ? "dynamic-disk" : NULL);
	}
	free(bytes);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && have("sgdisk"); i++) {
		char command[512];

		(void)snprintf(command, sizeof(command),
			"sgdisk -n1:2048:4095 -n2:4096:8191 %s $image", tables[i].types);
		bytes = make_image(8 * MIB, command);
		expect_manager(bytes, tables[i].code);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt_as_sgdisk_wrote_it),
		cmocka_unit_test(damaged_gpt_copies),
		cmocka_unit_test(hybrid_mbr_is_a_gpt),
		cmocka_unit_test(gpt_with_4096_byte_sectors),
		cmocka_unit_test(mbr_with_logical_partitions),
		cmocka_unit_test(resize_follows_in_4k_sectors),
		cmocka_unit_test(mbr_loops_and_overruns_are_reported),
		cmocka_unit_test(disk_without_table_is_one_volume),
		cmocka_unit_test(windows_spreads_volumes_over_disks),
		cmocka_unit_test(mutated_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
