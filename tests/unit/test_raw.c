/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/convert.h"
#include "disk/memory.h"

enum { SIZE = (3 << 20) + 512 };

static struct disk *raw_of(const void *bytes, size_t len)
{
	struct disk *file, *d = NULL;

	assert_int_equal(memory_disk_open(bytes, len, &file, NULL), 0);
	assert_int_equal(
		format_by_name("raw")->open(file, &(struct open_options){ 0 }, &d, NULL), 0);
	return d;
}

static void bytes_pass_through(void **state)
{
	uint8_t bytes[2048], got[100];
	struct extent x;
	struct disk *d;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % 251);
	d = raw_of(bytes, sizeof(bytes));
	assert_int_equal(d->size, sizeof(bytes));
	assert_int_equal(d->logical_sector, 512);
	assert_int_equal(disk_read(d, 777, got, sizeof(got), NULL), 0);
	assert_memory_equal(got, bytes + 777, sizeof(got));
	assert_int_equal(disk_extent(d, 0, &x, NULL), 0);
	assert_int_equal(x.length, sizeof(bytes));
	assert_true(x.stored);
	disk_close(d);
}

/* Only a GPT says that a disk had sectors of 4096 bytes. */
static void sectors_are_told_by_the_gpt(void **state)
{
	uint8_t bytes[8192] = { 0 };
	struct disk *d;

	(void)state;
	memcpy(bytes + 4096, "EFI PART", 8);
	d = raw_of(bytes, sizeof(bytes));
	assert_int_equal(d->logical_sector, 4096);
	disk_close(d);
	d = raw_of(bytes, sizeof(bytes) - 512);
	assert_int_equal(d->logical_sector, 512);
	disk_close(d);
	memcpy(bytes + 512, "EFI PART", 8);
	d = raw_of(bytes, sizeof(bytes));
	assert_int_equal(d->logical_sector, 512);
	disk_close(d);
}

/* The last sector is whole, as guests see it. */
static void odd_size_is_filled_up(void **state)
{
	uint8_t bytes[700], got[1024], want[1024] = { 0 };
	struct extent x;
	struct disk *d;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	memset(want, 'a', sizeof(bytes));
	d = raw_of(bytes, sizeof(bytes));
	assert_int_equal(d->size, 1024);
	memset(got, 'x', sizeof(got));
	assert_int_equal(disk_read(d, 0, got, sizeof(got), NULL), 0);
	assert_memory_equal(got, want, sizeof(got));
	assert_int_equal(disk_extent(d, 700, &x, NULL), 0);
	assert_true(x.zero);
	assert_int_equal(x.length, 324);
	disk_close(d);
}

/* Converts `size` zeros with `text` at `at` to raw and returns what the new file holds. */
static uint8_t *written(const char *text, size_t at)
{
	static char path[] = "/tmp/hvimg-raw-XXXXXX";
	struct image_spec spec = { .size = SIZE, .logical_sector = 512 };
	struct output_options options = { .force = true, .no_sync = true };
	struct convert_options how = { .threads = 2 };
	struct convert_result result;
	uint8_t *bytes = calloc(1, SIZE);
	struct disk *source;
	struct output *file;
	struct writer *w;
	int fd = mkstemp(path);

	memcpy(bytes + at, text, strlen(text));
	source = raw_of(bytes, SIZE);
	memset(bytes, 0xff, SIZE);
	assert_int_equal(output_open(path, &options, &file, NULL), 0);
	assert_int_equal(format_by_name("raw")->create(&spec, file, &w, NULL), 0);
	assert_int_equal(convert(source, w, file, &how, &result, NULL), 0);
	assert_int_equal(result.file_size, SIZE);
	assert_int_equal(output_commit(file, result.file_size, NULL), 0);
	assert_int_equal(output_read(file, 0, bytes, SIZE, NULL), 0);
	w->ops->close(w);
	output_close(file);
	disk_close(source);
	close(fd);
	assert_int_equal(unlink(path), 0);
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	return bytes;
}

static void content_is_written_in_place(void **state)
{
	size_t at = SIZE - 4;
	uint8_t *bytes = written("tail", at);

	(void)state;
	for (size_t i = 0; i < at; i++)
		if (bytes[i])
			fail_msg("byte %zu is %u", i, bytes[i]);
	assert_memory_equal(bytes + at, "tail", 4);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_through),
		cmocka_unit_test(sectors_are_told_by_the_gpt),
		cmocka_unit_test(odd_size_is_filled_up),
		cmocka_unit_test(content_is_written_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
