/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readers of one disk in threads: all get its bytes, and it is read once, whoever is slow, leaves
 * or fails. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checked.h"
#include "disk/format.h"
#include "disk/shared.h"

enum {
	UNITS = 40,
	TAIL = 4096 + 512, /* of a last unit that is not whole */
	SIZE = UNITS * UNIT_SIZE + TAIL,
	READERS = 3,
	THREADS_MAX = 3,
	WINDOW = 8,
	PAGE = 512,
};

/* Counts what is read of it; every third unit is zero for certain. */
struct counted {
	struct disk disk;
	atomic_uint reads[UNITS + 1];
	atomic_ullong bytes;
	uint64_t broken; /* unit that cannot be read; UINT64_MAX: all can */
};

/* Alike within PAGE bytes. */
static uint8_t byte_at(uint64_t off)
{
	return off / UNIT_SIZE % 3 == 2 ? 0 : (uint8_t)(off / PAGE % 253 + 1);
}

static int counted_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct counted *c = (struct counted *)d;
	uint64_t unit = off / UNIT_SIZE;

	atomic_fetch_add(&c->reads[unit], 1);
	if (unit == c->broken)
		return error_set(e, ERR_IO, "unit %llu is broken", (unsigned long long)unit);
	atomic_fetch_add(&c->bytes, len);
	for (size_t at = 0; at < len; at += PAGE - (off + at) % PAGE)
		memset((uint8_t *)buf + at, byte_at(off + at),
			min_u64(len - at, PAGE - (off + at) % PAGE));
	return 0;
}

static int counted_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	(void)d;
	(void)e;
	*out = (struct extent){ .length = UNIT_SIZE - off % UNIT_SIZE,
		.zero = off / UNIT_SIZE % 3 == 2 };
	out->stored = !out->zero;
	return 0;
}

static const struct disk_ops counted_ops = { .read = counted_read, .extent = counted_extent };

static void counted_open(struct counted *c)
{
	memset(c, 0, sizeof(*c));
	c->disk = (struct disk){ .ops = &counted_ops, .size = SIZE, .logical_sector = 512 };
	c->broken = UINT64_MAX;
}

struct run {
	struct shared *shared;
	unsigned index, threads;
	size_t step; /* bytes a read */
	unsigned delay; /* us a unit */
	uint64_t until; /* leaves there */
	pthread_mutex_t lock;
	uint64_t next;
	atomic_bool wrong, failed;
};

/* The next offset of a unit with data, in order over the reader's threads. */
static bool unit_take(struct run *r, struct disk *d, uint64_t *off)
{
	struct extent x = { 0 };

	pthread_mutex_lock(&r->lock);
	for (; r->next < r->until; r->next += UNIT_SIZE)
		if (!disk_extent(d, r->next, &x, NULL) && !x.zero)
			break;
	*off = r->next;
	r->next += UNIT_SIZE;
	pthread_mutex_unlock(&r->lock);
	return *off < r->until;
}

static void *thread_run(void *arg)
{
	struct run *r = arg;
	struct disk *d = shared_reader(r->shared, r->index);
	uint8_t *buf = malloc(UNIT_SIZE);
	uint64_t off;

	while (unit_take(r, d, &off)) {
		size_t len = (size_t)min_u64(UNIT_SIZE, SIZE - off);

		for (size_t at = 0; at < len; at += r->step) {
			size_t part = (size_t)min_u64(r->step, len - at);
			struct error e = { 0 };

			if (disk_read(d, off + at, buf, part, &e)) {
				r->failed = true;
				continue;
			}
			for (size_t i = 0; i < part; i += PAGE / 2 + 1)
				r->wrong |= buf[i] != byte_at(off + at + i);
		}
		if (r->delay)
			usleep(r->delay);
	}
	free(buf);
	return NULL;
}

/* A reader with its threads; it leaves at the end. */
static void *reader_run(void *arg)
{
	struct run *r = arg;
	pthread_t thread[THREADS_MAX];

	for (unsigned i = 0; i < r->threads; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, thread_run, r), 0);
	for (unsigned i = 0; i < r->threads; i++)
		pthread_join(thread[i], NULL);
	shared_leave(r->shared, r->index);
	return NULL;
}

static void all_run(struct counted *c, struct run *run)
{
	pthread_t thread[READERS];
	struct shared *s = NULL;
	struct error e = { 0 };

	assert_int_equal(shared_open(&c->disk, READERS, WINDOW, &s, &e), 0);
	for (unsigned i = 0; i < READERS; i++) {
		run[i].shared = s;
		run[i].index = i;
		pthread_mutex_init(&run[i].lock, NULL);
		assert_int_equal(pthread_create(&thread[i], NULL, reader_run, &run[i]), 0);
	}
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	shared_close(s);
	for (unsigned i = 0; i < READERS; i++)
		assert_false(run[i].wrong);
}

enum { WITH_DATA = (UNITS - UNITS / 3) * UNIT_SIZE + TAIL };

static void test_reads_below_once(void **state)
{
	static struct counted c;

	(void)state;
	counted_open(&c);
	for (unsigned slow = 0; slow < READERS; slow++) {
		struct run run[READERS] = {
			{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
			{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
			{ .threads = 1, .step = 300000, .until = SIZE },
		};

		counted_open(&c);
		run[slow].delay = 2000;
		all_run(&c, run);
		assert_int_equal(c.bytes, WITH_DATA);
	}
}

/* A thread that is late by more than all others may find its unit gone: that costs one read more.
 */
static void test_many_threads_each(void **state)
{
	static struct counted c;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		struct run run[READERS] = {
			{ .threads = 3, .step = UNIT_SIZE, .until = SIZE },
			{ .threads = 2, .step = 100000, .until = SIZE, .delay = 500 * round },
			{ .threads = 3, .step = UNIT_SIZE, .until = SIZE },
		};

		counted_open(&c);
		all_run(&c, run);
		assert_true(c.bytes >= WITH_DATA);
	}
}

static void test_one_leaves(void **state)
{
	static struct counted c;

	(void)state;
	for (unsigned leaver = 0; leaver < READERS; leaver++) {
		struct run run[READERS] = {
			{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
			{ .threads = 2, .step = UNIT_SIZE, .until = SIZE },
			{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
		};

		counted_open(&c);
		run[leaver].until = leaver == 1 ? 0 : 5 * UNIT_SIZE;
		all_run(&c, run);
	}
}

/* Each reader hears of what cannot be read, and goes on. */
static void test_one_unit_is_broken(void **state)
{
	static struct counted c;
	struct run run[READERS] = {
		{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
		{ .threads = 1, .step = UNIT_SIZE, .until = SIZE },
		{ .threads = 2, .step = UNIT_SIZE, .until = SIZE },
	};

	(void)state;
	counted_open(&c);
	c.broken = 13;
	all_run(&c, run);
	for (unsigned i = 0; i < READERS; i++)
		assert_true(run[i].failed);
	assert_int_equal(c.reads[13], READERS);
}

/* Whoever goes back gets the bytes, too. */
static void test_any_order(void **state)
{
	static struct counted c;
	static uint8_t buf[3 * UNIT_SIZE];
	struct shared *s = NULL;

	(void)state;
	counted_open(&c);
	assert_int_equal(shared_open(&c.disk, 1, WINDOW, &s, NULL), 0);
	srand(1);
	for (unsigned n = 0; n < 20; n++) {
		uint64_t off = (uint64_t)rand() % (SIZE - sizeof(buf));
		size_t len = (size_t)rand() % sizeof(buf) + 1;

		assert_int_equal(disk_read(shared_reader(s, 0), off, buf, len, NULL), 0);
		for (size_t i = 0; i < len; i += 511)
			assert_int_equal(buf[i], byte_at(off + i));
	}
	shared_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_below_once),
		cmocka_unit_test(test_many_threads_each),
		cmocka_unit_test(test_one_leaves),
		cmocka_unit_test(test_one_unit_is_broken),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
