/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What surrounds libguestfs's appliance, without starting one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/locked.h"
#include "disk/memory.h"
#include "disk/overlay.h"
#include "disk/scratch.h"
#include "fs/appliance.h"
#include "fs/appliance_node.h"
#include "fs/guestfs_library.h"

static void numbers_stay(void **state)
{
	struct nodes n = { 0 };
	struct buffer path = { 0 };
	struct error e = { 0 };
	uint64_t root, etc, file, again;

	(void)state;
	assert_int_equal(nodes_add(&n, 0, "", &root, &e), 0);
	assert_int_equal(root, NODES_ROOT);
	assert_int_equal(nodes_add(&n, root, "etc", &etc, &e), 0);
	assert_int_equal(nodes_add(&n, etc, "fstab", &file, &e), 0);
	/* Enough to make the table grow several times. */
	for (unsigned i = 0; i < 5000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(nodes_add(&n, i % 2 ? root : etc, name, &again, &e), 0);
	}
	assert_int_equal(nodes_add(&n, etc, "fstab", &again, &e), 0);
	assert_int_equal(again, file);
	assert_int_equal(nodes_find(&n, etc, "fstab"), file);
	assert_int_equal(nodes_find(&n, root, "fstab"), 0);
	assert_int_equal(nodes_find(&n, root, "file4999"), n.count);
	assert_int_equal(nodes_get(&n, etc)->child_count, 2501);
	assert_null(nodes_get(&n, 0));
	assert_null(nodes_get(&n, n.count + 1));
	assert_int_equal(nodes_path(&n, file, &path, &e), 0);
	assert_string_equal(buffer_text(&path), "/etc/fstab");
	buffer_free(&path);
	assert_int_equal(nodes_path(&n, root, &path, &e), 0);
	assert_string_equal(buffer_text(&path), "");
	assert_int_equal(nodes_add(&n, n.count + 1, "x", &again, &e), -ERR_USAGE);
	assert_int_equal(nodes_add(&n, 0, "second root", &again, &e), -ERR_USAGE);
	assert_int_equal(nodes_path(&n, n.count + 1, &path, &e), -ERR_RANGE);
	buffer_free(&path);
	nodes_free(&n);
}

static void missing_library_is_named(void **state)
{
	struct guestfs_library l;
	struct error e = { 0 };

	(void)state;
	assert_int_equal(guestfs_library_open("libguestfs-none.so.0", &l, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "libguestfs-none.so.0"));
	assert_non_null(strstr(e.text, "install libguestfs0"));
	/* Some library, but not this one. */
	assert_int_equal(guestfs_library_open("libm.so.6", &l, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "guestfs_"));
}

static void kernels_must_be_readable(void **state)
{
	char folder[] = "/tmp/hvimg-test-XXXXXX", path[64];
	struct error e = { 0 };
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(guestfs_kernel_check(folder, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "linux-image"));
	snprintf(path, sizeof(path), "%s/vmlinuz-6.1", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(guestfs_kernel_check(folder, &e), 0);
	assert_int_equal(chmod(path, 0), 0);
	/* Root reads it all the same. */
	if (access(path, R_OK)) {
		assert_int_equal(guestfs_kernel_check(folder, &e), -ERR_UNSUPPORTED);
		assert_non_null(strstr(e.text, "1 kernel"));
	}
	unlink(path);
	rmdir(folder);
}

static struct disk *zeros_over(struct disk **below, uint64_t size)
{
	static uint8_t bytes[1 << 20];
	struct disk *overlay;
	struct error e = { 0 };

	assert_true(size <= sizeof(bytes));
	assert_int_equal(memory_disk_open(bytes, size, below, &e), 0);
	assert_int_equal(overlay_open(*below, "/tmp", 1 << 20, &overlay, &e), 0);
	return overlay;
}

static void scratch_waits_for_commit(void **state)
{
	struct disk *below, *overlay = zeros_over(&below, 1 << 20), *s;
	struct error e = { 0 };
	uint8_t bytes[5000], got[5000];

	(void)state;
	memset(bytes, 7, sizeof(bytes));
	assert_int_equal(scratch_open(overlay, "/tmp", 1 << 20, &s, &e), 0);
	assert_int_equal(disk_write(s, 3000, bytes, sizeof(bytes), &e), 0);
	assert_int_equal(disk_zero(s, 500000, 100000, &e), 0);
	assert_int_equal(disk_read(s, 3000, got, sizeof(got), &e), 0);
	assert_memory_equal(got, bytes, sizeof(got));
	assert_int_equal(disk_read(overlay, 3000, got, sizeof(got), &e), 0);
	assert_int_equal(got[0], 0);
	assert_int_equal(overlay_used(overlay), 0);
	assert_int_equal(scratch_commit(s, &e), 0);
	assert_int_equal(disk_read(overlay, 3000, got, sizeof(got), &e), 0);
	assert_memory_equal(got, bytes, sizeof(got));
	/* Zeros over zeros are no change: 3000 .. 7999 alone is. */
	assert_int_equal(overlay_used(overlay), 8192);
	assert_int_equal(scratch_failure(s, &e), 0);
	disk_close(s);
	disk_close(overlay);
	disk_close(below);
}

static int broken_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)d;
	(void)buf;
	return error_set(e, ERR_IO, "%zu bytes at %d", len, (int)off);
}

static void scratch_keeps_a_failure(void **state)
{
	const struct disk_ops ops = { .read = broken_read };
	struct disk broken = { .ops = &ops, .size = 1 << 20, .logical_sector = 512 }, *s;
	struct error e = { 0 };
	uint8_t byte;

	(void)state;
	assert_int_equal(scratch_open(&broken, "/tmp", 1 << 20, &s, &e), 0);
	assert_int_equal(disk_read(s, 5, &byte, 1, NULL), -ERR_IO);
	assert_int_equal(disk_read(s, 6, &byte, 1, NULL), -ERR_IO);
	assert_int_equal(scratch_failure(s, &e), -ERR_IO);
	assert_string_equal(e.text, "1 bytes at 5");
	disk_close(s);
}

static void locked_is_the_same_disk(void **state)
{
	const struct disk_ops ops = { .read = broken_read };
	struct disk read_only = { .ops = &ops, .size = 4096, .logical_sector = 512 };
	struct disk *below, *overlay = zeros_over(&below, 1 << 20), *l;
	struct error e = { 0 };
	struct extent x;
	uint8_t byte = 9;

	(void)state;
	assert_int_equal(locked_open(overlay, &l, &e), 0);
	assert_int_equal(l->size, 1 << 20);
	assert_int_equal(disk_write(l, 4096, &byte, 1, &e), 0);
	byte = 0;
	assert_int_equal(disk_read(overlay, 4096, &byte, 1, &e), 0);
	assert_int_equal(byte, 9);
	assert_int_equal(disk_zero(l, 0, 8192, &e), 0);
	assert_int_equal(disk_extent(l, 4096, &x, &e), 0);
	assert_true(x.zero);
	disk_close(l);
	/* What can't be written below can't be written here. */
	assert_int_equal(locked_open(&read_only, &l, &e), 0);
	assert_int_equal(disk_write(l, 0, &byte, 1, &e), -ERR_REFUSED);
	disk_close(l);
	disk_close(overlay);
	disk_close(below);
}

static void volumes_are_added_first(void **state)
{
	const struct fs_id xfs = { .type = "xfs" };
	struct disk *below, *overlay = zeros_over(&below, 1 << 20);
	struct appliance *a;
	struct error e = { 0 };

	(void)state;
	assert_true(appliance_opens("xfs") && appliance_opens("btrfs"));
	assert_false(appliance_opens("ext4") || appliance_opens(NULL));
	assert_int_equal(appliance_open("/tmp", NULL, NULL, &a, &e), 0);
	for (int i = 0; i < 24; i++)
		assert_int_equal(appliance_add(a, overlay, &xfs, &e), 0);
	assert_int_equal(appliance_add(a, overlay, &xfs, &e), -ERR_RANGE);
	appliance_close(a);
	appliance_close(NULL);
	disk_close(overlay);
	disk_close(below);
}

/* Without an appliance such a file system is refused, not started for. */
static void no_appliance_no_start(void **state)
{
	static uint8_t bytes[1 << 20];
	struct error e = { 0 };
	struct disk *d;
	struct fs *fs;

	(void)state;
	memcpy(bytes, "XFSB", 4);
	assert_int_equal(memory_disk_open(bytes, sizeof(bytes), &d, &e), 0);
	assert_int_equal(fs_open(d, false, &fs, &e), -ERR_UNSUPPORTED);
	disk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stay),
		cmocka_unit_test(missing_library_is_named),
		cmocka_unit_test(kernels_must_be_readable),
		cmocka_unit_test(scratch_waits_for_commit),
		cmocka_unit_test(scratch_keeps_a_failure),
		cmocka_unit_test(locked_is_the_same_disk),
		cmocka_unit_test(volumes_are_added_first),
		cmocka_unit_test(no_appliance_no_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
