/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many threads that read one image, piecemeal and across everything that has a border. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "disk/memory.h"
#include "formats/qcow2.h"

extern const struct format qcow2_format;

enum {
	BITS = 12,
	CLUSTER = 1 << BITS,
	PER_TABLE = CLUSTER / 8,
	TABLES = 3,
	CLUSTERS = TABLES * PER_TABLE - 1,
	SIZE = CLUSTERS * CLUSTER + 512, /* ends inside a cluster */
	FIRST_TABLE = 2 * CLUSTER,
	FILE_MAX = 8 << 20,
	THREADS = 4,
	READS = 3000,
	READ_MAX = 40 * CLUSTER,
};

struct image {
	uint8_t *file;
	size_t len;
	uint8_t *content;
};

static void set64(uint8_t *at, uint64_t value)
{
	be64 v = put_be64(value);

	memcpy(at, &v, sizeof(v));
}

static void header_make(uint8_t *file)
{
	struct qcow2_header h = {
		.magic = { 'Q', 'F', 'I', 0xfb },
		.version = put_be32(2),
		.cluster_bits = put_be32(BITS),
		.size = put_be64(SIZE),
		.l1_size = put_be32(TABLES),
		.l1_off = put_be64(CLUSTER),
	};

	memcpy(file, &h, QCOW2_V2_HEADER);
	for (size_t i = 0; i < TABLES; i++)
		set64(file + CLUSTER + i * 8, FIRST_TABLE + i * CLUSTER);
}

/* A third of the clusters is compressed, a third plain, the rest empty, in runs of changing length.
 */
static struct image image_make(void)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	struct image m = {
		.file = calloc(1, FILE_MAX),
		.content = calloc(1, (CLUSTERS + 1) * CLUSTER),
		.len = FIRST_TABLE + TABLES * CLUSTER,
	};

	assert_true(m.file && m.content && c);
	header_make(m.file);
	for (size_t i = 0; i <= CLUSTERS; i++) {
		uint8_t *data = m.content + i * CLUSTER, *entry = m.file + FIRST_TABLE + i * 8;
		unsigned kind = (unsigned)(i / (1 + i % 5)) % 3;

		for (size_t b = 0; kind && b < CLUSTER; b++)
			data[b] = (uint8_t)((b * (i + 1)) >> 3);
		if (kind == 1) {
			m.len = (m.len + CLUSTER - 1) / CLUSTER * CLUSTER;
			memcpy(m.file + m.len, data, CLUSTER);
			set64(entry, m.len);
			m.len += CLUSTER;
		} else if (kind == 2) {
			size_t len = libdeflate_deflate_compress(
				c, data, CLUSTER, m.file + m.len, CLUSTER);
			uint64_t sectors = (m.len + len - 1) / 512 - m.len / 512;

			assert_true(len > 0);
			set64(entry, UINT64_C(1) << 62 | sectors << 58 | m.len);
			m.len += len;
		}
		assert_true(m.len + 2 * CLUSTER < FILE_MAX);
	}
	libdeflate_free_compressor(c);
	return m;
}

struct reader {
	struct disk *disk;
	const uint8_t *content;
	uint64_t random;
	uint64_t wrong; /* offset of a read that failed or differed, UINT64_MAX: none */
};

static uint64_t reader_random(struct reader *r, uint64_t below)
{
	r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (r->random >> 33) % below;
}

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	uint8_t *got = malloc(READ_MAX);

	r->wrong = got ? UINT64_MAX : 0;
	for (unsigned i = 0; i < READS && r->wrong == UINT64_MAX; i++) {
		uint64_t off = reader_random(r, SIZE);
		size_t len = (size_t)reader_random(r, i % 8 ? CLUSTER : READ_MAX);
		struct extent x = { 0 };

		if (len > SIZE - off)
			len = (size_t)(SIZE - off);
		if (disk_read(r->disk, off, got, len, NULL) || memcmp(got, r->content + off, len))
			r->wrong = off;
		if (disk_extent(r->disk, off, &x, NULL) || !x.length ||
			(x.zero && r->content[off] != 0))
			r->wrong = off;
	}
	free(got);
	return NULL;
}

static void threads_read_the_content(void **state)
{
	struct image m = image_make();
	struct reader reader[THREADS];
	pthread_t thread[THREADS];
	struct disk *file, *d = NULL;

	(void)state;
	assert_int_equal(memory_disk_open(m.file, m.len, &file, NULL), 0);
	assert_int_equal(qcow2_format.open(file, &(struct open_options){ 0 }, &d, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		reader[i] = (struct reader){ d, m.content, i, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, reader_run, &reader[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(reader[i].wrong, UINT64_MAX);
	disk_close(d);
	free(m.file);
	free(m.content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_read_the_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
