/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "disk/empty.h"
#include "disk/masked.h"
#include "disk/memory.h"

enum { SIZE = 2 << 20 };

/* Against an array of bytes in which the hidden ones are zeroed: reads and extents of any kind. */
static void assert_like(struct disk *d, const uint8_t *model, unsigned seed)
{
	static uint8_t bytes[SIZE];
	struct error e = { 0 };

	srand(seed);
	for (unsigned i = 0; i < 300; i++) {
		size_t off = (size_t)rand() % SIZE, len = (size_t)rand() % (SIZE - off) + 1;

		len = i % 2 ? len : min_u64(len, 5000);
		assert_int_equal(disk_read(d, off, bytes, len, &e), 0);
		assert_memory_equal(bytes, model + off, len);
	}
	for (uint64_t off = 0; off < SIZE;) {
		struct extent x;

		assert_int_equal(disk_extent(d, off, &x, &e), 0);
		assert_true(x.length > 0 && x.length <= SIZE - off);
		assert_int_equal(x.zero, model[off] == 0);
		for (uint64_t i = 0; i < x.length; i++)
			assert_int_equal(!model[off + i], x.zero);
		off += x.length;
	}
}

static void test_hides_in_any_order(void **state)
{
	static uint8_t model[SIZE];

	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct error e = { 0 };
		struct disk *below = NULL, *d = NULL;
		uint64_t hidden = 0;

		srand(seed);
		memset(model, 'x', sizeof(model));
		assert_int_equal(memory_disk_open(model, SIZE, &below, &e), 0);
		assert_int_equal(masked_open(below, 4096, &d, &e), 0);
		for (unsigned i = 0; i < 40 * seed; i++) {
			size_t off = (size_t)rand() % (SIZE / 1024) * 1024;
			size_t len = (size_t)(rand() % 200 + 1) * (seed % 2 ? 1024 : 37);

			if (len > SIZE - off || memchr(model + off, 0, len))
				continue;
			assert_int_equal(masked_hide(d, off, len, &e), 0);
			memset(model + off, 0, len);
			hidden += len;
		}
		masked_freeze(d);
		assert_true(hidden > 0);
		assert_int_equal(masked_bytes(d, 0, SIZE), hidden);
		assert_like(d, model, seed);
		disk_close(d);
		disk_close(below);
	}
}

/* The short ones go first, and what stays hidden is at most the limit. */
static void test_gives_up_the_shortest(void **state)
{
	enum { LIMIT = 64, COUNT = 1000 };
	const uint64_t step = 1 << 20, size = COUNT * step;
	struct error e = { 0 };
	struct disk *below = NULL, *d = NULL;
	uint64_t shortest = UINT64_MAX, longest_shown = 0;
	unsigned parts = 0;

	(void)state;
	assert_int_equal(empty_disk_open(size, &below, &e), 0);
	assert_int_equal(masked_open(below, LIMIT, &d, &e), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t len = i * 7919 % COUNT * 1000 + 1000;

		assert_int_equal(masked_hide(d, i * step, len, &e), 0);
	}
	masked_freeze(d);
	for (unsigned i = 0; i < COUNT; i++) {
		uint64_t len = i * 7919 % COUNT * 1000 + 1000;
		uint64_t hidden = masked_bytes(d, i * step, step);

		assert_true(hidden == 0 || hidden == len);
		parts += hidden != 0;
		shortest = hidden ? min_u64(shortest, len) : shortest;
		longest_shown = hidden ? longest_shown : max_u64(longest_shown, len);
	}
	assert_true(parts >= LIMIT / 2 && parts <= LIMIT);
	assert_true(shortest >= longest_shown);
	disk_close(d);
	disk_close(below);
}

static void test_refuses_what_is_outside(void **state)
{
	struct error e = { 0 };
	struct disk *below = NULL, *d = NULL;

	(void)state;
	assert_int_equal(empty_disk_open(4096, &below, &e), 0);
	assert_int_equal(masked_open(below, 4, &d, &e), 0);
	assert_int_equal(masked_hide(d, 4096, 1, &e), -ERR_RANGE);
	assert_int_equal(masked_hide(d, UINT64_MAX, 2, &e), -ERR_RANGE);
	assert_int_equal(masked_hide(d, 0, 4096, &e), 0);
	masked_freeze(d);
	assert_int_equal(masked_bytes(d, 0, 4096), 4096);
	assert_int_equal(disk_write(d, 0, "x", 1, &e), -ERR_REFUSED);
	disk_close(d);
	disk_close(below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hides_in_any_order),
		cmocka_unit_test(test_gives_up_the_shortest),
		cmocka_unit_test(test_refuses_what_is_outside),
	};

	return cmocka_run_group_tests_name("masked", tests, NULL, NULL);
}
