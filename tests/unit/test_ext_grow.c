/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/overlay.h"
#include "disk/resized.h"
#include "fs/ext.h"
#include "fs/ext_grow.h"
#include "job/grow.h"
#include "tests/unit/fs_sample.h"
#include "volume/partition_grow.h"

enum { MIB = 1 << 20 };
#define GIB (UINT64_C(1) << 30)

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make())
		return -1;
	tools = !run("command -v mke2fs && command -v e2fsck && command -v debugfs && command -v "
		     "fdisk");
	if (!tools)
		print_message("skipped: no e2fsprogs or fdisk\n");
	return 0;
}

/* What lies in the image, on a larger disk whose changes are kept aside. */
struct larger {
	struct disk *memory, *resized, *overlay;
};

static void larger_open(struct larger *l, struct disk *memory, uint64_t size)
{
	struct error e = { 0 };

	l->memory = memory;
	assert_int_equal(resized_open(memory, size, &l->resized, &e), 0);
	assert_int_equal(overlay_open(l->resized, "/tmp", 64 * MIB, &l->overlay, &e), 0);
}

static void larger_close(struct larger *l)
{
	disk_close(l->overlay);
	disk_close(l->resized);
	disk_close(l->memory);
}

static void make(const char *options, unsigned mib)
{
	assert_int_equal(run("rm -f image && mke2fs -q -F %s image %uM", options, mib), 0);
}

/* Tables of inodes are zeros that are not stored. */
static void new_tables_take_no_room(void **state)
{
	struct ext_growth growth;
	struct error e = { 0 };
	struct larger l;

	(void)state;
	if (!tools)
		return;
	make("-t ext4 -b 4096 -E resize=200000000", 16);
	larger_open(&l, disk_load(image, 0), 400 * GIB);
	assert_int_equal(ext_grow(l.overlay, "ext4", &growth, &e), 0);
	assert_int_equal(growth.from, 16 * MIB);
	assert_int_equal(growth.to, 400 * GIB);
	assert_true(overlay_used(l.overlay) < 32 * MIB);
	larger_close(&l);
}

static void file_systems_that_are_refused(void **state)
{
	static const struct {
		const char *options, *after, *why;
		int code;
	} cases[] = {
		{ "-t ext4", "debugfs -w -R 'ssv state 0' image", "not clean", ERR_REFUSED },
		{ "-t ext4", "debugfs -w -R 'ssv last_orphan 12' image", "deleted files",
			ERR_REFUSED },
		{ "-t ext4 -O bigalloc -N 64", "true", "bigalloc", ERR_REFUSED },
		{ "-t ext4", "debugfs -w -R 'feature shared_blocks' image", "read only",
			ERR_REFUSED },
		{ "-t ext4 -O ^sparse_super,^resize_inode",
			"debugfs -w -R 'feature resize_inode' image", "resize_inode needs",
			ERR_REFUSED },
		{ "-t ext4", "debugfs -w -R 'sif <7> block[DIND] 0' image", "points to block 0",
			ERR_CORRUPT },
		{ "-t ext4", "debugfs -w -R 'sif <7> block[DIND] 99999999' image",
			"points to block 99999999", ERR_CORRUPT },
	};

	(void)state;
	for (size_t i = 0; tools && i < sizeof(cases) / sizeof(*cases); i++) {
		struct ext_growth growth;
		struct error e = { 0 };
		struct larger l;

		make(cases[i].options, 20);
		assert_int_equal(run("%s", cases[i].after), 0);
		larger_open(&l, disk_load(image, 0), 64 * MIB);
		if (ext_grow(l.overlay, "ext4", &growth, &e) != -cases[i].code ||
			!strstr(e.text, cases[i].why))
			fail_msg("case %zu: %s", i, e.text);
		larger_close(&l);
	}
}

static void a_full_one_is_left_alone(void **state)
{
	struct ext_growth growth;
	struct error e = { 0 };
	struct larger l;

	(void)state;
	if (!tools)
		return;
	make("-t ext4 -b 4096", 20);
	/* 100 blocks more are no group of their own, and there is no other to fill. */
	larger_open(&l, disk_load(image, 0), 20 * MIB + 4095);
	assert_int_equal(ext_grow(l.overlay, "ext4", &growth, &e), 0);
	assert_int_equal(growth.from, growth.to);
	assert_int_equal(overlay_used(l.overlay), 0);
	larger_close(&l);
}

/* Whatever a superblock, a descriptor or the inode of reserved blocks says. */
static void damaged_images(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15;
	uint8_t *bytes;
	unsigned grown = 0;
	size_t len;

	(void)state;
	if (!tools)
		return;
	make("-t ext4 -b 1024 -O ^metadata_csum,^uninit_bg -J size=1", 12);
	bytes = file_load(image, 0, &len);
	for (unsigned i = 0; i < 400; i++) {
		struct ext_growth growth;
		struct error e = { 0 };
		struct disk *memory;
		struct larger l;
		uint8_t before;
		size_t at;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* Half of them in the superblock, the others up to the descriptors' end. */
		at = i % 2 ? 1024 + (size_t)(random % 512) : 1024 + (size_t)(random % 2048);
		before = bytes[at];
		bytes[at] = (uint8_t)(random >> 32);
		assert_int_equal(memory_disk_open(bytes, len, &memory, &e), 0);
		bytes[at] = before;
		larger_open(&l, memory, 40 * MIB);
		if (!ext_grow(l.overlay, "ext4", &growth, &e))
			grown++;
		else
			assert_true(e.code > 0);
		larger_close(&l);
	}
	assert_in_range(grown, 1, 399);
	free(bytes);
}

static void sectors_of_4096_bytes(void **state)
{
	struct volume_list list;
	struct report notes = { 0 }, report = { 0 };
	struct error e = { 0 };
	struct grown grown;
	struct larger l;

	(void)state;
	if (!tools)
		return;
	assert_int_equal(
		run("rm -f image; truncate -s 40M image; printf '%%s\\n' g n 1 256 2815 n 2 2816 "
		    "7935 w | fdisk -b 4096 image; mke2fs -q -F -t ext4 -E offset=%u image 20M",
			11 * MIB),
		0);
	larger_open(&l, disk_load(image, 0), 100 * MIB);
	l.overlay->logical_sector = 4096;
	assert_int_equal(disk_grow(l.overlay, &grown, &notes, &e), 0);
	assert_string_equal(grown.volume, "p2");
	assert_int_equal(grown.from, 20 * MIB);
	assert_int_equal(grown.to, 88 * MIB);
	assert_int_equal(notes.count, 1);
	assert_int_equal(volumes_open(l.overlay, &list, &report, &e), 0);
	assert_int_equal(report.count, 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.volume[0].size, 10 * MIB);
	assert_int_equal(list.volume[1].off, 11 * MIB);
	assert_int_equal(list.volume[1].size, 88 * MIB);
	assert_false(list.backup_damaged);
	volumes_close(&list);
	report_free(&notes);
	disk_save(l.overlay, image);
	expect_run("dd if=image of=part bs=1M skip=11 count=88 status=none && e2fsck -fn part");
	larger_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_tables_take_no_room),
		cmocka_unit_test(file_systems_that_are_refused),
		cmocka_unit_test(a_full_one_is_left_alone),
		cmocka_unit_test(damaged_images),
		cmocka_unit_test(sectors_of_4096_bytes),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
