/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hives that were not written back, and their logs of both kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hive_sample.h"

enum { SECTOR = 512, LOG_ROOM = 65536, ROOT_NAME = 0x20 + 4 + 76 };

static struct error e;

struct files {
	uint8_t primary[SAMPLE_SIZE], log[2][LOG_ROOM];
	size_t len[2];
};

static void number_set(uint8_t *file, uint32_t primary, uint32_t secondary)
{
	struct hive_base *base = (void *)file;

	base->primary = put_le32(primary);
	base->secondary = put_le32(secondary);
	sample_sum(file);
}

/* A hive with a wrong name of its root key, in the middle of being written. */
static struct files *dirty(void)
{
	struct files *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	sample_hive(f->primary, 5);
	f->primary[HIVE_BASE_SIZE + ROOT_NAME] = 'X';
	number_set(f->primary, 8, 7);
	return f;
}

static void log_start(struct files *f, int i, uint32_t type, uint32_t sequence)
{
	struct hive_base *base = (void *)f->log[i];

	memcpy(base, f->primary, sizeof(*base));
	base->type = put_le32(type);
	number_set(f->log[i], sequence, sequence);
	f->len[i] = SECTOR;
}

/* One entry that writes `letter` as the start of the root's name, in a hive of `bins` bytes; a bin
 * that is new comes with it. */
static uint8_t *entry_add(struct files *f, int i, uint32_t sequence, char letter, uint32_t bins)
{
	uint8_t *entry = f->log[i] + f->len[i], whole[SAMPLE_SIZE];
	uint32_t pages = bins > 4096 ? 2 : 1, at = 40 + pages * 8;
	uint32_t size = (at + pages * 4096 + SECTOR - 1) / SECTOR * SECTOR;
	const uint32_t head[] = { size, 1, sequence, bins, pages };
	struct hive_bin *bin = (void *)(entry + at + 4096);

	sample_hive(whole, 5);
	whole[HIVE_BASE_SIZE + ROOT_NAME] = (uint8_t)letter;
	memcpy(entry, "HvLE", 4);
	for (size_t n = 0; n < 5; n++)
		((le32 *)(void *)entry)[1 + n] = put_le32(head[n]);
	for (uint32_t n = 0; n < pages; n++) {
		((le32 *)(void *)entry)[10 + 2 * n] = put_le32(n * 4096);
		((le32 *)(void *)entry)[11 + 2 * n] = put_le32(4096);
	}
	memcpy(entry + at, whole + HIVE_BASE_SIZE, 4096);
	if (pages == 2) {
		memcpy(bin->magic, "hbin", 4);
		bin->at = bin->size = put_le32(4096);
		*(le32 *)(void *)(bin + 1) = put_le32(4096 - 32);
	}
	*(le64 *)(void *)(entry + 24) = put_le64(hive_marvin(entry + 40, size - 40));
	*(le64 *)(void *)(entry + 32) = put_le64(hive_marvin(entry, 32));
	f->len[i] += size;
	return entry;
}

/* A log with the root's name changed to start with `letter`. */
static void old_log(struct files *f, int i, char letter)
{
	uint8_t *log = f->log[i], whole[SAMPLE_SIZE];

	log_start(f, i, HIVE_OLD_LOG, 9);
	memcpy(log + SECTOR, "DIRT\1", 5);
	sample_hive(whole, 5);
	whole[HIVE_BASE_SIZE + ROOT_NAME] = (uint8_t)letter;
	memcpy(log + 2 * SECTOR, whole + HIVE_BASE_SIZE, SECTOR);
	f->len[i] = 3 * SECTOR;
}

static int open_files(const struct files *f, bool force, struct hive **h)
{
	const struct hive_files files = { .primary = f->primary,
		.primary_len = sizeof(f->primary),
		.log1 = f->log[0],
		.log1_len = f->len[0],
		.log2 = f->log[1],
		.log2_len = f->len[1] };
	const struct hive_options o = { .force_dirty = force };

	return hive_open(&files, &o, h, &e);
}

/* The hive is brought up to date by so many entries; its number and the root's name say by which.
 */
static void recovers(struct files *f, size_t entries, uint32_t sequence, char letter)
{
	const struct hive_base *base;
	struct buffer out = { 0 };
	struct hive *h;

	if (open_files(f, false, &h))
		fail_msg("%s", e.text);
	assert_true(hive_was_dirty(h));
	assert_true(hive_changed(h));
	assert_int_equal(hive_entries_applied(h), entries);
	assert_int_equal(h->file.data[HIVE_BASE_SIZE + ROOT_NAME], letter);
	assert_int_equal(hive_finish(h, &out, &e), 0);
	base = (const void *)out.data;
	assert_int_equal(get_le32(base->primary), sequence + 1);
	assert_int_equal(get_le32(base->secondary), sequence + 1);
	assert_int_equal(get_le32(base->type), HIVE_PRIMARY);
	assert_int_equal(get_le32(base->sum), hive_sum(base));
	hive_close(h);
	buffer_free(&out);
	free(f);
}

static void is_refused(struct files *f)
{
	struct hive *h = NULL;

	assert_int_equal(open_files(f, false, &h), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "8 and 7"));
	assert_null(h);
	free(f);
}

/* The first 32 bytes of an entry that Windows wrote. */
static void test_hash(void **state)
{
	static const uint8_t head[32] = { 'H', 'v', 'L', 'E', 0x00, 0x5e, 0, 0, 0, 0, 0, 0, 2, 0, 0,
		0, 0x00, 0x50, 0, 0, 1, 0, 0, 0, 0x31, 0xe4, 0x07, 0x18, 0x66, 0x6c, 0x86, 0x67 };

	(void)state;
	assert_int_equal(hive_marvin(head, sizeof(head)), 0xcd44f3cfa7657f02);
}

static void test_without_logs(void **state)
{
	struct files *f = dirty();
	struct buffer out = { 0 };
	struct hive *h;

	(void)state;
	assert_int_equal(open_files(f, true, &h), 0);
	assert_true(hive_was_dirty(h));
	assert_true(hive_changed(h));
	assert_int_equal(hive_entries_applied(h), 0);
	assert_int_equal(hive_finish(h, &out, &e), 0);
	assert_int_equal(get_le32(((struct hive_base *)(void *)out.data)->secondary), 9);
	hive_close(h);
	buffer_free(&out);
	f->primary[100] ^= 1;
	assert_int_equal(open_files(f, true, &h), -ERR_CORRUPT);
	f->primary[100] ^= 1;
	is_refused(f);
}

static void test_entries(void **state)
{
	struct files *f = dirty();

	(void)state;
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	entry_add(f, 0, 8, 'B', 4096);
	recovers(f, 2, 8, 'B');
}

/* What comes behind a gap, a wrong hash, or the end of the file is not applied. */
static void test_entries_end(void **state)
{
	struct files *f = dirty();

	(void)state;
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	entry_add(f, 0, 9, 'B', 4096);
	recovers(f, 1, 7, 'A');

	f = dirty();
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	entry_add(f, 0, 8, 'B', 4096)[200] ^= 1;
	entry_add(f, 0, 9, 'C', 4096);
	recovers(f, 1, 7, 'A');

	f = dirty();
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	entry_add(f, 0, 8, 'B', 4096)[8] ^= 1;
	recovers(f, 1, 7, 'A');

	f = dirty();
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	entry_add(f, 0, 8, 'B', 4096);
	f->len[0] -= SECTOR;
	recovers(f, 1, 7, 'A');
}

static void test_entries_refused(void **state)
{
	struct files *f = dirty();

	(void)state;
	log_start(f, 0, HIVE_NEW_LOG, 6);
	entry_add(f, 0, 6, 'A', 4096);
	is_refused(f);

	f = dirty();
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096)[40 + 8 + 1] ^= 1;
	is_refused(f);

	f = dirty();
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	f->log[0][12] ^= 1;
	is_refused(f);
}

/* The older log goes first, whichever it is; one that does not follow on is left. */
static void test_two_logs(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct files *f = dirty();

		log_start(f, i, HIVE_NEW_LOG, 7);
		entry_add(f, i, 7, 'A', 4096);
		log_start(f, !i, HIVE_NEW_LOG, 8);
		entry_add(f, !i, 8, 'B', 8192);
		entry_add(f, !i, 9, 'C', 8192);
		recovers(f, 3, 9, 'C');

		f = dirty();
		log_start(f, i, HIVE_NEW_LOG, 7);
		entry_add(f, i, 7, 'A', 4096);
		log_start(f, !i, HIVE_NEW_LOG, 9);
		entry_add(f, !i, 9, 'C', 4096);
		recovers(f, 1, 7, 'A');

		f = dirty();
		log_start(f, i, HIVE_NEW_LOG, 3);
		entry_add(f, i, 3, 'A', 4096);
		log_start(f, !i, HIVE_NEW_LOG, 7);
		entry_add(f, !i, 7, 'C', 4096);
		recovers(f, 1, 7, 'C');
	}
}

static void test_wrapped_numbers(void **state)
{
	struct files *f = dirty();

	(void)state;
	number_set(f->primary, 0, UINT32_MAX);
	log_start(f, 0, HIVE_NEW_LOG, 0);
	entry_add(f, 0, 0, 'B', 4096);
	log_start(f, 1, HIVE_NEW_LOG, UINT32_MAX);
	entry_add(f, 1, UINT32_MAX, 'A', 4096);
	recovers(f, 2, 0, 'B');
}

/* Flags and size of the last entry, and the base block of the log, are the hive's. */
static void test_base_from_log(void **state)
{
	struct files *f = dirty();
	struct hive *h;

	(void)state;
	f->primary[30] ^= 1;
	log_start(f, 1, HIVE_NEW_LOG, 7);
	entry_add(f, 1, 7, 'A', 8192);
	assert_int_equal(open_files(f, false, &h), 0);
	assert_int_equal(h->bins, 8192);
	assert_int_equal(h->file.len, HIVE_BASE_SIZE + 8192);
	assert_int_equal(get_le32(hive_base(h)->flags), 1);
	hive_close(h);
	free(f);
}

static void test_old_log(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct files *f = dirty();

		old_log(f, i, 'O');
		recovers(f, 1, 9, 'O');
	}
}

static void test_old_log_refused(void **state)
{
	struct files *f = dirty();

	(void)state;
	old_log(f, 0, 'O');
	f->log[0][12] ^= 1;
	sample_sum(f->log[0]);
	is_refused(f);

	f = dirty();
	old_log(f, 0, 'O');
	number_set(f->log[0], 10, 9);
	is_refused(f);

	f = dirty();
	old_log(f, 0, 'O');
	f->len[0]--;
	is_refused(f);

	f = dirty();
	old_log(f, 0, 'O');
	f->log[0][SECTOR] = 'd';
	is_refused(f);
}

/* A log that leads to a damaged hive is not believed. */
static void test_log_damages(void **state)
{
	struct files *f = dirty();
	struct hive *h = NULL;

	(void)state;
	old_log(f, 0, 'O');
	f->log[0][2 * SECTOR] = 'H';
	assert_int_equal(open_files(f, false, &h), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "no bin"));
	free(f);
}

/* Logs of a clean hive are stale. */
static void test_clean(void **state)
{
	struct files *f = dirty();
	struct hive *h;

	(void)state;
	log_start(f, 0, HIVE_NEW_LOG, 7);
	entry_add(f, 0, 7, 'A', 4096);
	number_set(f->primary, 7, 7);
	assert_int_equal(open_files(f, false, &h), 0);
	assert_false(hive_was_dirty(h));
	assert_false(hive_changed(h));
	assert_int_equal(h->file.data[HIVE_BASE_SIZE + ROOT_NAME], 'X');
	hive_close(h);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_without_logs),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_entries_end),
		cmocka_unit_test(test_entries_refused),
		cmocka_unit_test(test_two_logs),
		cmocka_unit_test(test_wrapped_numbers),
		cmocka_unit_test(test_base_from_log),
		cmocka_unit_test(test_old_log),
		cmocka_unit_test(test_old_log_refused),
		cmocka_unit_test(test_log_damages),
		cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
