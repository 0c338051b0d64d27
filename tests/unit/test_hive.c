/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hives: reading, editing, what is recorded, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hive_sample.h"

static struct error e;

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", e.text);
}

static struct hive *open_bytes(const uint8_t *bytes, size_t len, struct journal *j)
{
	struct hive_files files = { .primary = bytes, .primary_len = len };
	struct hive_options o = { .write = true, .journal = j, .volume = "p2", .path = "/SYSTEM" };
	struct hive *h;

	ok(hive_open(&files, &o, &h, &e));
	return h;
}

static struct hive *open_sample(struct journal *j)
{
	uint8_t file[SAMPLE_SIZE];

	sample_hive(file, 5);
	return open_bytes(file, sizeof(file), j);
}

/* Writes the hive and opens what was written. */
static struct hive *again(struct hive *h, struct buffer *bytes)
{
	bytes->len = 0;
	ok(hive_finish(h, bytes, &e));
	hive_close(h);
	return open_bytes(bytes->data, bytes->len, NULL);
}

static void test_values(void **state)
{
	struct hive *h = open_sample(NULL);
	struct buffer bytes = { 0 };
	struct strings list = { 0 }, back = { 0 };
	struct hive_value v;
	uint32_t n = 0;
	char *text;

	(void)state;
	ok(strings_add(&list, "one", &e));
	ok(strings_add(&list, "zwei drei", &e));
	ok(hive_set_dword(h, "Select", "Current", 1, "w", &e));
	ok(hive_set_text(
		h, "A\\b\\C", "", HIVE_SZ, "d\xc3\xa9j\xc3\xa0 \xf0\x9f\x98\x80", "w", &e));
	ok(hive_set_text(h, "A", "path", HIVE_EXPAND_SZ, "%x%", "w", &e));
	ok(hive_set_list(h, "a\\B", "L", &list, "w", &e));
	h = again(h, &bytes);
	ok(hive_get_dword(h, "\\SELECT\\", "cURRENT", &n, &e));
	assert_int_equal(n, 1);
	ok(hive_get_text(h, "a\\B\\c", "", &text, &e));
	assert_string_equal(text, "d\xc3\xa9j\xc3\xa0 \xf0\x9f\x98\x80");
	free(text);
	ok(hive_get_list(h, "A\\b", "l", &back, &e));
	assert_int_equal(back.count, 2);
	assert_string_equal(back.item[1], "zwei drei");
	strings_free(&back);
	ok(hive_keys(h, "", &back, &e));
	assert_int_equal(back.count, 2);
	assert_string_equal(back.item[0], "A");
	assert_string_equal(back.item[1], "Select");
	ok(hive_get(h, "A", "path", &v, &e));
	assert_int_equal(v.type, HIVE_EXPAND_SZ);
	assert_int_equal(v.len, 8);
	hive_value_free(&v);
	assert_int_equal(hive_get_dword(h, "A", "path", &n, &e), -ERR_CORRUPT);
	assert_int_equal(hive_get_dword(h, "A", "none", &n, &e), -ERR_NOTFOUND);
	assert_int_equal(hive_get_dword(h, "B", "none", &n, &e), -ERR_NOTFOUND);
	assert_false(hive_changed(h));
	strings_free(&list);
	strings_free(&back);
	hive_close(h);
	buffer_free(&bytes);
}

static void test_other_dwords(void **state)
{
	static uint8_t big[] = { 0, 0, 1, 2 }, qword[8] = { 5 }, large[8] = { 0, 0, 0, 0, 1 };
	struct hive *h = open_sample(NULL);
	char name[] = "v";
	struct hive_value v = { .name = name, .type = 5, .data = big, .len = 4 };
	uint32_t n;

	(void)state;
	ok(hive_set(h, "k", &v, "w", &e));
	ok(hive_get_dword(h, "k", "v", &n, &e));
	assert_int_equal(n, 258);
	v = (struct hive_value){ .name = name, .type = HIVE_QWORD, .data = qword, .len = 8 };
	ok(hive_set(h, "k", &v, "w", &e));
	ok(hive_get_dword(h, "k", "v", &n, &e));
	assert_int_equal(n, 5);
	v.data = large;
	ok(hive_set(h, "k", &v, "w", &e));
	assert_int_equal(hive_get_dword(h, "k", "v", &n, &e), -ERR_CORRUPT);
	hive_close(h);
}

/* All sizes around the borders between data in the value, in a cell, and too large. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4, 5, 8, 4000, 4100, 16344, 12, 3, 0, 16344, 9 };
	static uint8_t data[HIVE_VALUE_LIMIT + 1];
	struct hive *h = open_sample(NULL);
	struct buffer bytes = { 0 };
	char name[] = "v";

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct hive_value v = { name, 0xffff0012, data, sizes[i] }, back;

		ok(hive_set(h, "k", &v, "w", &e));
		h = again(h, &bytes);
		ok(hive_get(h, "k", "V", &back, &e));
		assert_int_equal(back.type, 0xffff0012);
		assert_int_equal(back.len, sizes[i]);
		assert_memory_equal(back.data, data, sizes[i]);
		hive_value_free(&back);
	}
	struct hive_value v = { name, 3, data, sizeof(data) };

	assert_int_equal(hive_set(h, "k", &v, "w", &e), -ERR_UNSUPPORTED);
	assert_false(hive_changed(h));
	hive_close(h);
	buffer_free(&bytes);
}

/* The same edits again and again need no more room. */
static void test_no_growth(void **state)
{
	struct hive *h = open_sample(NULL);
	struct buffer bytes = { 0 }, first = { 0 };

	(void)state;
	for (int turn = 0; turn < 100; turn++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%0*d", turn % 40 + 1, turn);
		ok(hive_set_text(h, "a\\b", "t", HIVE_SZ, text, "w", &e));
		ok(hive_set_text(h, "a\\gone", "t", HIVE_SZ, text, "w", &e));
		ok(hive_remove_key(h, "a\\gone", "w", &e));
		ok(hive_set_dword(h, "a", text, 1, "w", &e));
		ok(hive_remove_value(h, "a", text, "w", &e));
		h = again(h, &bytes);
	}
	assert_int_equal(bytes.len, SAMPLE_SIZE);
	ok(hive_set_text(h, "A\\B", "T", HIVE_SZ, "00000000000000000099", "w", &e));
	ok(hive_remove_key(h, "a\\gone", "w", &e));
	ok(hive_remove_value(h, "a\\b", "u", "w", &e));
	assert_false(hive_changed(h));
	ok(hive_finish(h, &first, &e));
	assert_int_equal(first.len, bytes.len);
	assert_memory_equal(first.data, bytes.data, bytes.len);
	assert_int_equal(hive_set_dword(h, "a", "b", 1, "w", &e), -ERR_USAGE);
	hive_close(h);
	buffer_free(&bytes);
	buffer_free(&first);
}

/* Taking everything out again leaves the hive as it was, but for its number. */
static void freed(int keys)
{
	struct hive *h = open_sample(NULL);
	struct buffer bytes = { 0 };
	uint8_t file[SAMPLE_SIZE];
	const le32 *cell;

	for (int i = 0; i < keys; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "top\\%d\\below", i);
		ok(hive_set_text(h, key, "v", HIVE_SZ, "some text that has a cell", "w", &e));
	}
	ok(hive_remove_key(h, "TOP", "w", &e));
	ok(hive_finish(h, &bytes, &e));
	sample_hive(file, 5);
	cell = (const void *)(bytes.data + HIVE_BASE_SIZE + SAMPLE_FREE);
	assert_int_equal(get_le32(*cell), SAMPLE_SIZE - HIVE_BASE_SIZE - SAMPLE_FREE);
	cell = (const void *)(bytes.data + HIVE_BASE_SIZE + SAMPLE_SECURITY);
	assert_memory_equal(cell, file + HIVE_BASE_SIZE + SAMPLE_SECURITY, SAMPLE_SECURITY_SIZE);
	assert_int_equal(get_le32(((struct hive_base *)(void *)bytes.data)->primary), 8);
	assert_int_equal(get_le32(((struct hive_base *)(void *)bytes.data)->secondary), 8);
	hive_close(h);
	buffer_free(&bytes);
}

static void test_all_freed(void **state)
{
	(void)state;
	freed(30);
	freed(1000);
}

static void check_sorted(const struct hive *h, const char *key, size_t count)
{
	uint32_t at = hive_find(h, key), below;
	struct hive_walk w = hive_walk_start(h, at);
	char *before = NULL;
	size_t n = 0;

	while (hive_walk_next(&w, &below)) {
		struct hive_name name = hive_key_name(h, below);
		char *text;

		ok(hive_name_text(&name, &text, &e));
		if (before)
			assert_true(strcasecmp(before, text) < 0);
		free(before);
		before = text;
		n++;
	}
	free(before);
	assert_int_equal(n, count);
}

/* Lists that are too long for one are parted; keys go to their places and are found. */
static void lists(unsigned minor, const char *magic)
{
	enum { KEYS = 2500 };
	uint8_t file[SAMPLE_SIZE];
	struct buffer bytes = { 0 };
	const struct hive_list *list;
	const struct hive_key *k;
	struct hive *h;
	char key[32];

	sample_hive(file, minor);
	h = open_bytes(file, sizeof(file), NULL);
	for (int i = 0; i < KEYS; i++) {
		(void)snprintf(
			key, sizeof(key), "top\\%c%04x", i % 2 ? 'k' : 'K', i * 7919 % 65536);
		ok(hive_add_key(h, key, "w", &e));
		if (i == 2)
			check_sorted(h, "top", 3);
	}
	h = again(h, &bytes);
	check_sorted(h, "top", KEYS);
	k = hive_cell(h, hive_find(h, "top"));
	assert_int_equal(get_le16(k->subkey_name_max), 10);
	list = hive_cell(h, get_le32(k->subkey_list));
	assert_memory_equal(list->magic, "ri", 2);
	for (unsigned i = 0; i < get_le16(list->count); i++) {
		const struct hive_list *leaf = hive_cell(h, get_le32(list->item[i]));

		assert_memory_equal(leaf->magic, magic, 2);
		assert_in_range(get_le16(leaf->count), 1, 507);
	}
	for (int i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof(key), "TOP\\k%04X", i * 7919 % 65536);
		assert_true(hive_has_key(h, key));
		ok(hive_remove_key(h, key, "w", &e));
		if (i % 500 == 250)
			check_sorted(h, "top", (size_t)(KEYS - i - 1));
	}
	h = again(h, &bytes);
	check_sorted(h, "top", 0);
	hive_close(h);
	buffer_free(&bytes);
}

static void test_lists(void **state)
{
	(void)state;
	lists(5, "lh");
	lists(3, "lf");
}

static void test_hashes(void **state)
{
	struct hive *h = open_sample(NULL);
	const struct hive_list *list;

	(void)state;
	ok(hive_add_key(h, "ab", "w", &e));
	list = hive_cell(h, get_le32(((struct hive_key *)hive_cell(h, h->root))->subkey_list));
	assert_int_equal(get_le32(list->item[1]), 'A' * 37 + 'B');
	hive_close(h);
}

static void test_new_keys(void **state)
{
	struct hive *h = open_sample(NULL);
	const struct hive_security *s = hive_cell(h, SAMPLE_SECURITY);
	const struct hive_key *k;

	(void)state;
	ok(hive_add_key(h, "one\\two", "w", &e));
	s = hive_cell(h, SAMPLE_SECURITY);
	assert_int_equal(get_le32(s->users), 3);
	k = hive_cell(h, hive_find(h, "one\\two"));
	assert_int_equal(get_le64(k->written), 0x01d5111111111111);
	assert_int_equal(get_le32(k->security), SAMPLE_SECURITY);
	assert_int_equal(hive_add_key(h, "one\\\xc3\xa4", "w", &e), -ERR_UNSUPPORTED);
	assert_int_equal(hive_remove_key(h, "", "w", &e), -ERR_USAGE);
	ok(hive_remove_key(h, "one", "w", &e));
	s = hive_cell(h, SAMPLE_SECURITY);
	assert_int_equal(get_le32(s->users), 1);
	hive_close(h);
}

static void test_journal(void **state)
{
	struct journal j = { 0 };
	struct hive *h = open_sample(&j);

	(void)state;
	ok(hive_set_dword(h, "\\Services\\vmbus", "Start", 3, "first", &e));
	ok(hive_set_dword(h, "services\\VMBUS", "START", 0, "second", &e));
	ok(hive_set_dword(h, "services\\VMBUS", "START", 0, "third", &e));
	assert_int_equal(j.registry_count, 2);
	assert_string_equal(j.registry[0].key, "Services");
	assert_null(j.registry[0].value);
	assert_int_equal(j.registry[1].action, EDIT_CREATE);
	assert_false(j.registry[1].before.present);
	assert_int_equal(j.registry[1].after.data[0], 0);
	assert_string_equal(j.registry[1].key, "Services\\vmbus");
	assert_string_equal(j.registry[1].value, "Start");
	assert_string_equal(j.registry[1].why, "second");
	assert_string_equal(j.registry[1].volume, "p2");
	assert_string_equal(j.registry[1].hive, "/SYSTEM");
	ok(hive_remove_value(h, "Services\\vmbus", "start", "undone", &e));
	assert_int_equal(j.registry_count, 1);
	ok(hive_set_dword(h, "services\\VMBUS", "START", 0, "w", &e));
	ok(hive_remove_key(h, "Services\\vmbus", "not wanted", &e));
	ok(hive_add_key(h, "Services\\vmbus", "wanted", &e));
	assert_int_equal(j.registry_count, 1);
	ok(hive_remove_key(h, "Services", "not wanted", &e));
	assert_int_equal(j.registry_count, 0);
	hive_close(h);
	journal_free(&j);
}

static void refused(uint8_t *file, size_t len, enum error_code code, const char *text)
{
	struct hive_files files = { .primary = file, .primary_len = len };
	struct hive_options o = { 0 };
	struct hive *h = NULL;

	assert_int_equal(hive_open(&files, &o, &h, &e), -(int)code);
	assert_null(h);
	if (!strstr(e.text, text))
		fail_msg("'%s' is not in '%s'", text, e.text);
}

static void test_base_refused(void **state)
{
	uint8_t file[SAMPLE_SIZE];
	struct hive_base *base = (void *)file;

	(void)state;
	sample_hive(file, 5);
	refused(file, SAMPLE_SIZE - 1, ERR_CORRUPT, "8191 bytes");
	refused(file, 10, ERR_CORRUPT, "10 bytes");
	file[4] ^= 1;
	refused(file, SAMPLE_SIZE, ERR_CORRUPT, "checksum");
	sample_sum(file);
	refused(file, SAMPLE_SIZE, ERR_REFUSED, "sequence numbers 6 and 7");
	sample_hive(file, 5);
	base->bins_size = put_le32(8192);
	sample_sum(file);
	refused(file, SAMPLE_SIZE, ERR_CORRUPT, "8192 bytes where there should be 12288");
	base->bins_size = put_le32(4095);
	sample_sum(file);
	refused(file, SAMPLE_SIZE, ERR_CORRUPT, "0x28");
	sample_hive(file, 1);
	refused(file, SAMPLE_SIZE, ERR_UNSUPPORTED, "1.1");
	file[0] = 'R';
	refused(file, SAMPLE_SIZE, ERR_CORRUPT, "regf");
}

/* Lies inside the bins: `at` from their start. */
static void lie(uint32_t at, uint32_t value, const char *text)
{
	uint8_t file[SAMPLE_SIZE];

	sample_hive(file, 5);
	*(le32 *)sample_at(file, at) = put_le32(value);
	refused(file, SAMPLE_SIZE, ERR_CORRUPT, text);
}

static void test_lies(void **state)
{
	const uint32_t nk = SAMPLE_ROOT + 4, sk = SAMPLE_SECURITY + 4;

	(void)state;
	lie(0, 0, "no bin at 0x1000");
	lie(4, 8, "no bin at 0x1000");
	lie(8, 8192, "a bin of a wrong size at 0x1000");
	lie(8, 0, "a bin of a wrong size");
	lie(SAMPLE_FREE, 8, "a cell that does not fit its bin");
	lie(SAMPLE_FREE, 0, "a cell that does not fit its bin");
	lie(SAMPLE_FREE, 4096, "a cell that does not fit its bin");
	lie(SAMPLE_ROOT, SAMPLE_ROOT_SIZE, "a reference to no cell at 0x1020");
	lie(nk, 0x00206b6e ^ 1, "no \"nk\"");
	lie(nk + 72, 0xffff, "too small");
	lie(nk + 72, 0, "without a whole name");
	lie(nk + 76, 0x5c414141, "in the name of the key at 0x1020");
	lie(nk + 20, 1, "a reference to no cell");
	lie(nk + 36, 1, "a reference to no cell");
	lie(nk + 44, SAMPLE_ROOT, "no \"sk\"");
	lie(nk + 44, 0xffff0000, "a reference to no cell");
	lie(nk + 72, 4 | 8 << 16, "a reference to no cell");
	lie(sk + 4, SAMPLE_ROOT, "no \"sk\"");
	lie(sk + 12, 0, "too few users");
	lie(sk + 12, UINT32_MAX, "too many users");
	lie(sk + 16, 0xfffffff0, "too small");
}

static void test_limits(void **state)
{
	uint8_t file[SAMPLE_SIZE];

	(void)state;
	sample_hive(file, 5);
	*(le32 *)sample_at(file, SAMPLE_ROOT + 4 + 36) = put_le32(0x40000000);
	refused(file, SAMPLE_SIZE, ERR_RANGE, "1073741824 values");
	sample_hive(file, 5);
	*(le32 *)sample_at(file, SAMPLE_ROOT + 4 + 20) = put_le32(250001);
	refused(file, SAMPLE_SIZE, ERR_RANGE, "250001 keys");
}

/* Shared cells, too, are named by where they begin. */
static void test_between_cells(void **state)
{
	struct hive *h = open_sample(NULL);
	struct hive_key *k;

	(void)state;
	ok(hive_add_key(h, "a", "w", &e));
	k = hive_cell(h, hive_find(h, "a"));
	k->security = put_le32(SAMPLE_SECURITY + 2);
	refused(h->file.data, h->file.len, ERR_CORRUPT, "a reference to no cell at 0x107a");
	hive_close(h);
}

/* A key that leads back to itself, and one that is listed twice. */
static void test_loops(void **state)
{
	struct hive *h = open_sample(NULL);
	struct buffer bytes = { 0 };
	struct hive_key *k;
	uint32_t list;

	(void)state;
	ok(hive_add_key(h, "a\\b", "w", &e));
	h = again(h, &bytes);
	k = hive_cell(h, hive_find(h, "a\\b"));
	list = get_le32(((struct hive_key *)hive_cell(h, h->root))->subkey_list);
	k->subkeys = put_le32(1);
	k->subkey_list = put_le32(list);
	refused(h->file.data, h->file.len, ERR_CORRUPT, "two owners");
	k->subkeys = put_le32(0);
	((struct hive_list *)hive_cell(h, list))->item[0] = put_le32(h->root);
	refused(h->file.data, h->file.len, ERR_CORRUPT, "two owners");
	hive_close(h);
	buffer_free(&bytes);
}

static void test_unsorted(void **state)
{
	struct hive *h = open_sample(NULL);
	struct hive_list *list;
	le32 first;

	(void)state;
	ok(hive_add_key(h, "a", "w", &e));
	ok(hive_add_key(h, "b", "w", &e));
	list = hive_cell(h, get_le32(((struct hive_key *)hive_cell(h, h->root))->subkey_list));
	first = list->item[0];
	list->item[0] = list->item[2];
	list->item[2] = first;
	assert_true(hive_has_key(h, "A"));
	assert_int_equal(hive_add_key(h, "c", "w", &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "not sorted"));
	ok(hive_set_dword(h, "a", "v", 1, "w", &e));
	hive_close(h);
}

static void test_names(void **state)
{
	static const uint8_t latin[] = { 'a', 0xe4, 0xff }, half[] = { 0x00, 0xd8, 'x', 0 };
	const struct hive_name n = { latin, 3, true }, m = { half, 4, false };
	char *text;

	(void)state;
	assert_true(hive_name_is(&n, "A\xc3\x84\xc5\xb8", 5));
	assert_false(hive_name_is(&n, "A\xc3\x84", 3));
	ok(hive_name_text(&n, &text, &e));
	assert_string_equal(text, "a\xc3\xa4\xc3\xbf");
	free(text);
	ok(hive_name_text(&m, &text, &e));
	assert_string_equal(text, "\xef\xbf\xbdx");
	assert_true(hive_name_is(&m, text, 4));
	assert_false(hive_name_is(&n, text, 4));
	free(text);
	assert_int_equal(hive_unit_upper(0x430), 0x410);
	assert_int_equal(hive_unit_upper(0x101), 0x100);
	assert_int_equal(hive_unit_upper(0x100), 0x100);
	assert_int_equal(hive_unit_upper(0x13a), 0x139);
	assert_int_equal(hive_unit_upper(0x139), 0x139);
	assert_int_equal(hive_unit_upper(0xf7), 0xf7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_other_dwords),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_growth),
		cmocka_unit_test(test_all_freed),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_new_keys),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_base_refused),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_between_cells),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
