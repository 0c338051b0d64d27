/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tar headers say, to libarchive. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "cloud/tar.h"

#define GIB ((uint64_t)1 << 30)

/* Only the header is there: libarchive does not miss the content until it is read. */
static void header_says(const char *name, uint64_t size, size_t bytes)
{
	const struct tar_file f = { .name = name, .size = size, .mode = 0755, .time = 981173106 };
	struct buffer header = { 0 };
	struct archive *a = archive_read_new();
	struct archive_entry *entry;

	assert_int_equal(tar_header(&f, &header, NULL), 0);
	assert_int_equal(header.len, bytes);
	assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, header.data, header.len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), name);
	assert_int_equal(archive_entry_size(entry), size);
	assert_int_equal(archive_entry_mtime(entry), 981173106);
	assert_int_equal(archive_entry_perm(entry), 0755);
	assert_int_equal(archive_entry_uid(entry), 0);
	assert_int_equal(archive_entry_filetype(entry), AE_IFREG);
	archive_read_free(a);
	buffer_free(&header);
}

static void sizes_are_exact(void **state)
{
	(void)state;
	header_says("a", 0, 512);
	header_says("a", 8 * GIB - 1, 512);
	header_says("a", 8 * GIB, 3 * 512);
	header_says("a", 64 * 1024 * GIB + 5, 3 * 512);
}

static void names_are_whole(void **state)
{
	char name[252];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[100] = '\0';
	header_says(name, 1, 512);
	name[100] = 'n';
	name[101] = '\0';
	header_says(name, 1, 3 * 512);
	name[101] = 'n';
	name[251] = '\0';
	header_says(name, 9 * GIB, 3 * 512);
	header_says("gr\xc3\xbc\xc3\x9f", 1, 3 * 512);
}

/* Where the digits of a record's length change their number. */
static void record_lengths_count_themselves(void **state)
{
	char name[256];

	(void)state;
	for (size_t len = 101; len < sizeof(name); len++) {
		memset(name, 'x', len);
		name[len] = '\0';
		header_says(name, 1, 3 * 512);
	}
}

static void padding_fills_records(void **state)
{
	(void)state;
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding(8 * GIB + 513), 511);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_exact),
		cmocka_unit_test(names_are_whole),
		cmocka_unit_test(record_lengths_count_themselves),
		cmocka_unit_test(padding_fills_records),
	};

	/* libarchive shows names in the locale's encoding. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
