/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX images that we write: read back by us and by libvhdi. */
#include "formats/vhdx.h"

#include <pthread.h>

#include "tests/unit/source.h"

static void content_survives(void **state)
{
	static const uint64_t at[] = { 0, MIB - PIECE / 2, 5 * MIB + 512, 9 * MIB, 40 * MIB - PIECE,
		70 * MIB, 71 * MIB + 100 };
	static const char *const options[] = { "", "block_size=2M", "block_size=32M",
		"block_size=256M", "subformat=fixed", "subformat=fixed,block_size=8M",
		"log_size=3M,physical_sector_size=512" };
	struct sparse source = sparse_disk(71 * MIB + 512 * 31, at, 7);

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct error e = { 0 };
		struct disk *d;

		if (image_make(&source.disk, "a.vhdx", options[i], 2, &e))
			fail_msg("%s: %s", options[i], e.text);
		d = image_of("a.vhdx");
		assert_int_equal(d->size, source.disk.size);
		assert_int_equal(d->logical_sector, 512);
		assert_int_equal(d->physical_sector, i == 6 ? 512 : 4096);
		assert_same(&source.disk, d);
		disk_close(d);
		assert_libvhdi_agrees(&source.disk, "a.vhdx");
	}
	unlink(path_of("a.vhdx"));
}

/* Whether entry `index` of the BAT at 3 MiB says that a block is there. */
static bool entry_is_present(const char *name, uint64_t index)
{
	struct disk *file = NULL;
	le64 entry;

	assert_int_equal(host_file_open(path_of(name), &file, NULL), 0);
	assert_int_equal(disk_read(file, 3 * MIB + index * 8, &entry, sizeof(entry), NULL), 0);
	disk_close(file);
	return (get_le64(entry) & 7) == VHDX_FULLY_PRESENT;
}

/* 4096-byte sectors make chunks eight times as long. */
static void large_sectors_survive(void **state)
{
	static const uint64_t at[] = { 4096, 4 * 1024 * MIB, 33 * 1024 * MIB, 40 * 1024 * MIB };
	struct sparse source = sparse_disk(41 * 1024 * MIB, at, 4);
	struct error e = { 0 };
	struct disk *d;

	(void)state;
	source.disk.logical_sector = 4096;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 2, &e), 0);
	d = image_of("a.vhdx");
	assert_int_equal(d->logical_sector, 4096);
	assert_same(&source.disk, d);
	disk_close(d);
	assert_true(entry_is_present("a.vhdx", 4096));
	assert_false(entry_is_present("a.vhdx", 32768));
	assert_true(entry_is_present("a.vhdx", 33 * 1024 + 1));
	source.disk.size -= 512;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 2, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "4096"));
	unlink(path_of("a.vhdx"));
}

/* The table of 64 TiB has 512 MiB: few of its pages are written, and few are read. */
static void largest_disk_survives(void **state)
{
	static const uint64_t at[] = { 0, 4096 * MIB, 8191 * MIB, TIB, 30 * TIB + 123 * MIB,
		64 * TIB - PIECE };
	struct sparse source = sparse_disk(64 * TIB, at, 6);
	struct error e = { 0 };
	struct stat st;
	struct disk *d;

	(void)state;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 2, &e), 0);
	d = image_of("a.vhdx");
	assert_int_equal(d->size, 64 * TIB);
	for (size_t i = 0; i < 6; i++) {
		uint8_t want[PIECE], got[PIECE];
		struct extent x;

		assert_int_equal(disk_read(&source.disk, at[i], want, PIECE, NULL), 0);
		assert_int_equal(disk_read(d, at[i], got, PIECE, NULL), 0);
		assert_memory_equal(want, got, PIECE);
		assert_int_equal(disk_extent(d, at[i], &x, NULL), 0);
		assert_true(x.plain && x.stored && !x.zero);
	}
	disk_close(d);
	/* After each 4096 blocks of 1 MiB comes the entry of a sector bitmap (2.5). */
	assert_true(entry_is_present("a.vhdx", 0));
	assert_false(entry_is_present("a.vhdx", 4096));
	assert_true(entry_is_present("a.vhdx", 4097));
	assert_true(entry_is_present("a.vhdx", 8191 + 1));
	assert_true(entry_is_present("a.vhdx", (UINT64_C(64) << 20) - 1 + 16383));
	assert_int_equal(stat(path_of("a.vhdx"), &st), 0);
	assert_in_range(st.st_blocks, 1, 8192); /* 4 MiB */
	source.disk.size += 512;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 2, &e), -ERR_USAGE);
	unlink(path_of("a.vhdx"));
}

static void extents_are_merged(void **state)
{
	static const uint64_t at[] = { 3 * MIB, 4 * MIB, 9 * MIB };
	struct sparse source = sparse_disk(20 * MIB, at, 3);
	struct disk *d;
	struct extent x;

	(void)state;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 1, NULL), 0);
	d = image_of("a.vhdx");
	assert_int_equal(disk_extent(d, 512, &x, NULL), 0);
	assert_true(x.zero && !x.stored && x.length == 3 * MIB - 512);
	assert_int_equal(disk_extent(d, 3 * MIB + 512, &x, NULL), 0);
	assert_true(x.plain && x.length == 2 * MIB - 512 && x.offset == 4 * MIB + 512);
	assert_int_equal(disk_extent(d, 10 * MIB, &x, NULL), 0);
	assert_true(x.zero && x.length == 10 * MIB);
	disk_close(d);
	unlink(path_of("a.vhdx"));
}

static void bytes_do_not_depend_on_threads(void **state)
{
	uint64_t at[40];
	struct sparse source = sparse_disk(64 * MIB, at, 40);
	size_t first_len, second_len;
	uint8_t *first, *second;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		at[i] = (i * 8 / 5) * MIB + i * 512;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "block_size=4M", 1, NULL), 0);
	assert_int_equal(image_make(&source.disk, "b.vhdx", "block_size=4M", 4, NULL), 0);
	first = file_bytes("a.vhdx", &first_len);
	second = file_bytes("b.vhdx", &second_len);
	assert_int_equal(first_len, second_len);
	assert_memory_equal(first, second, first_len);
	free(first);
	free(second);
	unlink(path_of("a.vhdx"));
	unlink(path_of("b.vhdx"));
}

static void bad_options_are_named(void **state)
{
	static const struct {
		const char *option, *text;
	} bad[] = {
		{ "block_size=3M", "block_size=3145728" },
		{ "block_size=512K", "block_size=524288" },
		{ "block_size=512M", "block_size=536870912" },
		{ "block_size=many", "many" },
		{ "subformat=differencing", "differencing" },
		{ "physical_sector_size=2048", "2048" },
		{ "logical_sector_size=1024", "1024" },
		{ "logical_sector_size=4096", "conversion keeps" },
		{ "log_size=0", "log_size=0" },
		{ "log_size=1536K", "1572864" },
		{ "log_size=4G", "4294967296" },
	};
	struct sparse source = sparse_disk(MIB, NULL, 0);
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct error){ 0 };
		assert_int_equal(
			image_make(&source.disk, "a.vhdx", bad[i].option, 1, &e), -ERR_USAGE);
		if (!strstr(e.text, bad[i].text))
			fail_msg("no '%s' in: %s", bad[i].text, e.text);
	}
	source.disk.size = 0;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 1, &e), -ERR_USAGE);
	source.disk.size = MIB + 1;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 1, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "1048577"));
	/* An empty image has no source, so its sectors can be chosen. */
	source.disk.size = MIB;
	source.disk.logical_sector = 0;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "logical_sector_size=4096", 1, &e), 0);
	unlink(path_of("a.vhdx"));
}

/* All of a table that is far larger than what is kept of it, from four threads at once. */
struct reader {
	pthread_t thread;
	struct disk *source, *image;
	uint32_t seed;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	uint8_t want[512], got[512];

	for (unsigned i = 0; i < 4000; i++) {
		uint64_t off;

		r->seed = r->seed * 1664525u + 1013904223u;
		off = (uint64_t)(r->seed >> 16) * 1024 * MIB;
		if (disk_read(r->source, off, want, sizeof(want), NULL) ||
			disk_read(r->image, off, got, sizeof(got), NULL) ||
			memcmp(want, got, sizeof(got)) != 0)
			return arg;
	}
	return NULL;
}

static void many_threads_read(void **state)
{
	uint64_t at[64];
	struct sparse source = sparse_disk(64 * TIB, at, 64);
	struct reader r[4];
	struct disk *d;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		at[i] = i * TIB + i % 3 * 1024 * MIB;
	assert_int_equal(image_make(&source.disk, "a.vhdx", "", 2, NULL), 0);
	d = image_of("a.vhdx");
	for (size_t i = 0; i < 4; i++) {
		r[i] = (struct reader){ .source = &source.disk, .image = d, .seed = (uint32_t)i };
		assert_int_equal(pthread_create(&r[i].thread, NULL, reader_run, &r[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(r[i].thread, &failed), 0);
		assert_null(failed);
	}
	disk_close(d);
	unlink(path_of("a.vhdx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_survives),
		cmocka_unit_test(large_sectors_survive),
		cmocka_unit_test(largest_disk_survives),
		cmocka_unit_test(extents_are_merged),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
		cmocka_unit_test(bad_options_are_named),
		cmocka_unit_test(many_threads_read),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
