/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hives with some bytes changed: refused with a reason, or as good as any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hive_sample.h"

enum { TURNS = 20000 };

static struct error e;

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static int open_bytes(const void *bytes, size_t len, struct hive **h)
{
	const struct hive_files files = { .primary = bytes, .primary_len = len };
	const struct hive_options o = { .write = true, .force_dirty = true };

	return hive_open(&files, &o, h, &e);
}

/* Keys on some levels, in several lists, with values of all sorts. */
static void sample(struct buffer *out)
{
	static char path[32];
	uint8_t file[SAMPLE_SIZE];
	struct hive *h;

	sample_hive(file, 5);
	assert_int_equal(open_bytes(file, sizeof(file), &h), 0);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(path, sizeof(path), "k%d\\sub\\deep", i % 7);
		assert_int_equal(hive_set_dword(h, path, "n", 1, "w", &e), 0);
		(void)snprintf(path, sizeof(path), "k%d", i);
		assert_int_equal(hive_set_text(h, path, "", HIVE_SZ, path, "w", &e), 0);
		assert_int_equal(
			hive_set_text(h, path, "t", HIVE_EXPAND_SZ, "some text", "w", &e), 0);
	}
	assert_int_equal(hive_finish(h, out, &e), 0);
	hive_close(h);
}

static void walk(struct hive *h, const char *key, int depth)
{
	struct strings names = { 0 };
	struct hive_value *v;
	size_t count;

	assert_int_equal(hive_values(h, key, &v, &count, &e), 0);
	hive_values_free(v, count);
	assert_int_equal(hive_keys(h, key, &names, &e), 0);
	for (size_t i = 0; i < names.count && depth < 4; i++) {
		struct buffer path = { 0 };

		assert_int_equal(buffer_format(&path, &e, "%s\\%s", key, names.item[i]), 0);
		if (hive_has_key(h, buffer_text(&path)))
			walk(h, buffer_text(&path), depth + 1);
		buffer_free(&path);
	}
	strings_free(&names);
}

/* What has been taken can be edited, and is good afterwards. */
static void use(struct hive *h)
{
	struct buffer out = { 0 };

	walk(h, "", 0);
	(void)hive_set_text(h, "k3\\new", "v", HIVE_SZ, "a text that needs a cell", "w", &e);
	(void)hive_remove_key(h, "k5", "w", &e);
	(void)hive_remove_value(h, "k1", "", "w", &e);
	(void)hive_set_text(h, "k2", "t", HIVE_SZ, "another one, and a longer one", "w", &e);
	if (hive_finish(h, &out, &e))
		fail_msg("%s", e.text);
	hive_close(h);
	assert_int_equal(open_bytes(out.data, out.len, &h), 0);
	hive_close(h);
	buffer_free(&out);
}

static bool is_reason(int rc)
{
	return rc == -ERR_CORRUPT || rc == -ERR_REFUSED || rc == -ERR_UNSUPPORTED ||
		rc == -ERR_RANGE;
}

static void test_changed_bytes(void **state)
{
	struct buffer good = { 0 };
	uint32_t seed = 1;
	size_t taken = 0;

	(void)state;
	sample(&good);
	for (int turn = 0; turn < TURNS; turn++) {
		uint8_t *bytes = malloc(good.len);
		struct hive *h;
		int rc;

		assert_non_null(bytes);
		memcpy(bytes, good.data, good.len);
		for (uint32_t n = random_next(&seed) % 3 + 1; n; n--) {
			uint32_t at = random_next(&seed) % (turn % 8 ? 3000 : (uint32_t)good.len);

			at = turn % 8 ? HIVE_BASE_SIZE + at : at;
			bytes[at] = (uint8_t)(turn % 2 ? bytes[at] ^ 1u << turn / 2 % 8
						       : random_next(&seed));
		}
		sample_sum(bytes);
		e.text[0] = 0;
		rc = open_bytes(bytes, good.len, &h);
		if (rc) {
			assert_true(is_reason(rc));
			assert_true(strlen(e.text) > 10);
		} else {
			taken++;
			use(h);
		}
		free(bytes);
	}
	/* Both ways are gone often. */
	assert_in_range(taken, TURNS / 10, TURNS - TURNS / 10);
	buffer_free(&good);
}

static void test_cut_off(void **state)
{
	struct buffer good = { 0 };
	struct hive *h;

	(void)state;
	sample(&good);
	for (size_t len = 0; len < good.len; len += 31) {
		uint8_t *bytes = malloc(len + 1);

		assert_non_null(bytes);
		memcpy(bytes, good.data, len);
		assert_int_equal(open_bytes(bytes, len, &h), -ERR_CORRUPT);
		free(bytes);
	}
	buffer_free(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
