/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a compressor makes depends on the cluster alone: not on where the compressor is in memory,
 * nor on what it made before.  zlib, with the window that readers of qcow2 have, inflates it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/error.h"
#include "formats/qcow2_write.h"

enum {
	ENGINES = 8,
	CLUSTER_MAX = 256 << 10,
	WINDOW = 1 << 12,
	GUARD = 64, /* bytes after the room, which nobody may write */
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Half of them begin with a constant run, which a compressor may treat apart.  What follows repeats
 * itself after a short period, after a window, or is random but for its first bytes, which come
 * again and again: a compressor that took them down wrongly does not find them.
 */
static void cluster_fill(uint8_t *data, size_t len, uint64_t *state)
{
	uint64_t shape = next_random(state), period = shape & 1 ? WINDOW : 8 + (shape >> 20) % 300;
	size_t first = shape & 2 ? len / 2 : 0;
	uint64_t changes = shape & 12 ? shape >> 32 & 0x1f : 256;

	memset(data, shape & 16 ? 0xff : 0, first);
	for (size_t i = first; i < len; i++) {
		uint64_t r = next_random(state);

		if (i >= first + period && (r & 0xff) >= changes)
			data[i] = data[i - period];
		else
			data[i] = (uint8_t)(shape & 32 ? r >> 40 : r >> 40 & 3);
	}
	for (size_t i = first + 50; changes == 256 && i + 8 < len; i += 50)
		memcpy(data + i, data + first + i % 3, 8);
}

static void inflates_to(const uint8_t *packed, size_t made, const uint8_t *data, size_t len)
{
	static uint8_t out[CLUSTER_MAX];
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)packed,
		.avail_in = (uInt)made,
		.next_out = out,
		.avail_out = (uInt)len };

	assert_int_equal(inflateInit2(&z, -12), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, len);
	inflateEnd(&z);
	assert_memory_equal(out, data, len);
}

/* In memory of every engine's own, at addresses whose upper halves differ. */
static void engines_open(const struct qcow2_engine *engine, void **state)
{
	struct error e = { 0 };

	for (size_t i = 0; i < ENGINES; i++) {
		size_t len = (size_t)(i * 7 + 1) << 16;
		void *between = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(between, MAP_FAILED);
		assert_int_equal(engine->open(&state[i], &e), 0);
	}
}

/* Each engine gets the clusters from another one on. */
static void clusters_same(const struct qcow2_engine *engine, size_t len, unsigned count)
{
	static uint8_t data[CLUSTER_MAX], packed[ENGINES][CLUSTER_MAX + GUARD];
	void *state[ENGINES];
	uint64_t random = 88172645463325252;
	struct error e = { 0 };

	engines_open(engine, state);
	for (unsigned n = 0; n < count; n++) {
		size_t first = 0, room = len - 1, made;

		cluster_fill(data, len, &random);
		for (size_t i = 0; i < ENGINES; i++) {
			if (n % ENGINES == i && i)
				continue;
			memset(packed[i] + room, 0x5a, GUARD);
			assert_int_equal(
				engine->run(state[i], data, len, packed[i], room, &made, &e), 0);
			assert_int_equal(packed[i][room + GUARD - 1], 0x5a);
			assert_int_equal(packed[i][room], 0x5a);
			if (!i)
				first = made;
			assert_int_equal(made, first);
			assert_memory_equal(packed[i], packed[0], made);
		}
		if (first)
			inflates_to(packed[0], first, data, len);
	}
	for (size_t i = 0; i < ENGINES; i++)
		engine->close(state[i]);
}

/* MORE_CLUSTERS=100 for a long run by hand. */
static unsigned times(unsigned count)
{
	const char *more = getenv("MORE_CLUSTERS");

	return count * (more ? (unsigned)atoi(more) : 1);
}

static void test_fast(void **unused)
{
	const struct qcow2_engine *fast = qcow2_engine_for(QCOW2_DEFLATE, false);

	(void)unused;
	clusters_same(fast, 512, times(4000));
	clusters_same(fast, 8 << 10, times(5000));
	clusters_same(fast, 64 << 10, times(300));
	clusters_same(fast, CLUSTER_MAX, times(40));
}

static void test_best(void **unused)
{
	(void)unused;
	clusters_same(qcow2_engine_for(QCOW2_DEFLATE, true), 8 << 10, times(100));
}

/* Of a cluster that takes `made` bytes: made when there is room for just that, not with one less.
 */
static void test_room(void **unused)
{
	static uint8_t data[8 << 10], packed[8 << 10];
	const struct qcow2_engine *fast = qcow2_engine_for(QCOW2_DEFLATE, false);
	struct error e = { 0 };
	uint64_t random = 1;
	size_t made, again;
	void *state;

	(void)unused;
	assert_int_equal(fast->open(&state, &e), 0);
	for (unsigned n = 0; n < 100; n++) {
		cluster_fill(data, sizeof(data), &random);
		fast->run(state, data, sizeof(data), packed, sizeof(packed), &made, &e);
		if (!made)
			continue;
		fast->run(state, data, sizeof(data), packed, made, &again, &e);
		assert_int_equal(again, made);
		fast->run(state, data, sizeof(data), packed, made - 1, &again, &e);
		assert_int_equal(again, 0);
	}
	fast->close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
