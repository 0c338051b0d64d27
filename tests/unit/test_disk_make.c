/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partition tables and file systems that are made anew, judged by other people's tools. */
#include "tests/unit/fs_sample.h"

#include "disk/slice.h"
#include "fs/ext_make.h"
#include "fs/fat_make.h"
#include "volume/gpt_make.h"

enum { MIB = 1 << 20 };

static const char linux_type[] = "0fc63daf-8483-4772-8e79-3d69d8477de4";
static const uint8_t digest[16] = { 1, 2, 3 };

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make())
		return -1;
	tools = !run("command -v mke2fs e2fsck dumpe2fs fsck.fat mcopy blkid sfdisk sgdisk");
	if (!tools)
		print_message(
			"skipped: e2fsprogs, dosfstools, mtools, fdisk or gdisk is missing\n");
	return 0;
}

static struct disk *zeros(uint64_t size)
{
	struct error e = { 0 };
	struct disk *d;

	assert_int_equal(memory_disk_open(NULL, (size_t)size, &d, &e), 0);
	d->logical_sector = 512;
	return d;
}

static void gpt_pleases_fdisk_and_gdisk(void **state)
{
	const struct guid id = guid_derive(digest, "disk");
	const struct gpt_partition parts[] = {
		{ 1, linux_type, "root", guid_derive(digest, "1"), 4 * MIB, 11 * MIB },
		{ 14, "21686148-6449-6e6f-744e-656564454649", "bios", guid_derive(digest, "14"),
			MIB, 3 * MIB },
		{ 128, linux_type, "last", guid_derive(digest, "128"), 15 * MIB, MIB - 33 * 512 },
	};
	struct disk *d = zeros(16 * MIB);
	struct error e = { 0 };
	char text[GUID_TEXT_SIZE], command[512];

	(void)state;
	assert_int_equal(gpt_make(d, id, parts, 3, &e), 0);
	disk_save(d, image);
	disk_close(d);
	if (!tools)
		return;
	expect_run("sfdisk --verify image && grep -q 'No errors detected' log");
	expect_run("sgdisk -v image && grep -q 'No problems found' log");
	guid_text(parts[0].id, text);
	(void)snprintf(command, sizeof(command),
		"sfdisk -d image >said; grep -qi 'image1 : start= *8192, size= *22528, "
		"type=%s, uuid=%s, name=\"root\"' said && grep -q 'image128 .*size= *2015,' said "
		"&& "
		"grep -q 'image14 .*type=21686148-6449-6E6F-744E-656564454649' said",
		linux_type, text);
	expect_run(command);
}

static void gpt_refuse(struct gpt_partition a, struct gpt_partition b)
{
	const struct gpt_partition parts[] = { a, b };
	struct disk *d = zeros(4 * MIB);
	struct error e = { 0 };

	assert_int_equal(gpt_make(d, guid_derive(digest, ""), parts, 2, &e), -ERR_USAGE);
	disk_close(d);
}

static void gpt_partitions_stay_apart(void **state)
{
	struct gpt_partition a = { 1, linux_type, "a", { { 1 } }, MIB, MIB }, b = a;

	(void)state;
	gpt_refuse(a, b);
	b.off = 2 * MIB;
	gpt_refuse(a, b); /* the same number */
	b.number = 129;
	gpt_refuse(a, b);
	b.number = 2;
	b.off -= 512;
	gpt_refuse(a, b);
	b.off = 3 * MIB; /* into the backup */
	gpt_refuse(a, b);
	b.off = 33 * 512; /* into the table */
	gpt_refuse(a, b);
	b.off = 2 * MIB + 1;
	gpt_refuse(a, b);
	b.off = 2 * MIB;
	b.type = "linux";
	gpt_refuse(a, b);
}

static void fat_of(uint64_t size)
{
	struct disk *d = zeros(size);
	struct error e = { 0 };
	char text[FAT_MAKE_ID_SIZE], command[256];

	assert_int_equal(fat_make(d, 0x0123abcd, 8192, &e), 0);
	disk_save(d, image);
	disk_close(d);
	fat_make_id_text(0x0123abcd, text);
	assert_string_equal(text, "0123-ABCD");
	if (!tools)
		return;
	expect_run("fsck.fat -n -v image && grep -q 'FATs, 32 bit entries' log && "
		   "! grep -qi 'differ\\|wrong\\|invalid\\|truncat' log");
	(void)snprintf(command, sizeof(command),
		"blkid -p image >said; grep -q 'UUID=\"%s\" VERSION=\"FAT32\".*TYPE=\"vfat\"' "
		"said",
		text);
	expect_run(command);
	expect_run(
		"head -c 700000 /dev/urandom >file && mmd -i image ::EFI && "
		"mcopy -i image file ::EFI/f && mcopy -n -i image ::EFI/f back && cmp file back && "
		"rm back && fsck.fat -n image");
}

static void fat_pleases_fsck_and_mtools(void **state)
{
	struct disk *d = zeros(32 * MIB);
	struct error e = { 0 };

	(void)state;
	assert_int_equal(fat_make(d, 1, 0, &e), -ERR_RANGE);
	disk_close(d);
	fat_of(34 * MIB);
	fat_of(124 * MIB);
	fat_of(300 * MIB + 512); /* clusters of 4 KiB */
}

/* hvimg's own reader thinks so, too, and can go on with it. */
static void fat_is_opened_for_writing(void **state)
{
	struct disk *d = zeros(40 * MIB);
	struct error e = { 0 };
	struct fs *fs;

	(void)state;
	assert_int_equal(fat_make(d, 1, 0, &e), 0);
	assert_int_equal(fs_open(d, true, &fs, &e), 0);
	assert_string_equal(fs->uuid, "0000-0001");
	fs_close(fs);
	disk_close(d);
}

static struct disk *ext_of_size(uint64_t size)
{
	const struct ext_make how = { .uuid = guid_derive(digest, "uuid"),
		.hash_seed = guid_derive(digest, "hash"),
		.time = 1700000000 };
	struct disk *d = zeros(size);
	struct error e = { 0 };

	assert_int_equal(ext_make(d, &how, &e), 0);
	return d;
}

/* All that dumpe2fs tells, but for what must differ. */
static void ext_as_mke2fs(unsigned mib)
{
	struct disk *d = ext_of_size((uint64_t)mib * MIB);
	char command[1024], text[GUID_TEXT_SIZE];

	disk_save(d, image);
	disk_close(d);
	if (!tools)
		return;
	expect_run("e2fsck -fn image");
	guid_text(guid_derive(digest, "uuid"), text);
	(void)snprintf(command, sizeof(command),
		"show() { dumpe2fs \"$1\" 2>/dev/null | grep -v "
		"'UUID:\\|^Filesystem created\\|^Last "
		"\\|^Lifetime\\|^Overhead\\|Seed:\\|^Checksum:' | "
		"sed 's/, ITABLE_ZEROED//; s/ \\[ITABLE_ZEROED\\]//; s/csum 0x[0-9a-f]*//'; }; "
		"rm -f theirs && mke2fs -q -t ext4 -b 4096 -i 16384 -F theirs %uM && "
		"show theirs >a && show image >b && diff a b && grep -q 'Free inodes' b && "
		"dumpe2fs -h image | grep -q 'UUID: *%s'",
		mib, text);
	expect_run(command);
}

static void ext_is_what_mke2fs_makes(void **state)
{
	(void)state;
	ext_as_mke2fs(16);
	ext_as_mke2fs(129); /* the second group is too small to be one */
	ext_as_mke2fs(400);
}

static void ext_overhead_is_an_upper_bound(void **state)
{
	(void)state;
	for (unsigned mib = 16; mib < 600; mib += 97) {
		struct disk *d = ext_of_size((uint64_t)mib * MIB);
		struct error e = { 0 };
		struct fs *fs;
		uint64_t room;

		assert_int_equal(fs_open(d, false, &fs, &e), 0);
		assert_int_equal(fs->ops->free_bytes(fs, &room, &e), 0);
		assert_in_range(ext_make_overhead(d->size), d->size - room, d->size - 1);
		fs_close(fs);
		disk_close(d);
	}
}

static void ext_is_the_same_each_time(void **state)
{
	struct disk *a = ext_of_size(20 * MIB), *b = ext_of_size(20 * MIB);
	uint8_t *bytes = malloc(40 * MIB);
	struct error e = { 0 };

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(disk_read(a, 0, bytes, 20 * MIB, &e), 0);
	assert_int_equal(disk_read(b, 0, bytes + 20 * MIB, 20 * MIB, &e), 0);
	assert_memory_equal(bytes, bytes + 20 * MIB, 20 * MIB);
	free(bytes);
	disk_close(a);
	disk_close(b);
}

static void ext_grows_a_thousandfold(void **state)
{
	struct disk *d = ext_of_size(64 * MIB);

	(void)state;
	disk_save(d, image);
	disk_close(d);
	if (tools)
		expect_run("truncate -s 32G image && resize2fs image && e2fsck -fn image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt_pleases_fdisk_and_gdisk),
		cmocka_unit_test(gpt_partitions_stay_apart),
		cmocka_unit_test(fat_pleases_fsck_and_mtools),
		cmocka_unit_test(fat_is_opened_for_writing),
		cmocka_unit_test(ext_is_what_mke2fs_makes),
		cmocka_unit_test(ext_overhead_is_an_upper_bound),
		cmocka_unit_test(ext_is_the_same_each_time),
		cmocka_unit_test(ext_grows_a_thousandfold),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
