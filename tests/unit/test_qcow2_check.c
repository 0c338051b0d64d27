/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of qcow2 images that are too large, or too hostile, to be made as files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "formats/bitmap.h"
#include "formats/qcow2_check.h"

enum {
	CLUSTER = 512,
	L1 = 1 * CLUSTER,
	L2 = 2 * CLUSTER,
	BLOCK = 3 * CLUSTER, /* refcounts of the first 4096 clusters, a bit each */
	LAST_BLOCK = 80 * CLUSTER, /* those around the last one */
	REFTABLE = 4 * CLUSTER,
	REFTABLE_CLUSTERS = 69,
	FAR = 18000000, /* a cluster in the second window */
	PER_BLOCK = 4096,
	HEAD = 1 << 17, /* bytes at the start of the file that are kept */
};

/* A file of which all but two parts is a hole. */
struct sparse {
	struct disk disk;
	uint8_t head[HEAD];
	uint8_t *l1; /* at l1_off, where it is not in the head */
	uint64_t l1_off, l1_len;
	unsigned reads_of_l2;
};

static void part_copy(
	uint64_t off, uint8_t *buf, size_t len, uint64_t from, uint64_t size, const uint8_t *bytes)
{
	for (size_t i = 0; i < len; i++)
		if (off + i >= from && off + i < from + size)
			buf[i] = bytes[off + i - from];
}

static int sparse_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct sparse *s = (struct sparse *)d;

	(void)e;
	s->reads_of_l2 += off == L2;
	memset(buf, 0, len);
	part_copy(off, buf, len, 0, HEAD, s->head);
	if (s->l1)
		part_copy(off, buf, len, s->l1_off, s->l1_len, s->l1);
	return 0;
}

static int sparse_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	const struct sparse *s = (const struct sparse *)d;

	(void)e;
	if (off < HEAD)
		out->length = HEAD - off;
	else if (s->l1 && off >= s->l1_off && off < s->l1_off + s->l1_len)
		out->length = s->l1_off + s->l1_len - off;
	else {
		out->zero = true;
		if (off < s->l1_off)
			out->length = s->l1_off - off;
	}
	return 0;
}

static const struct disk_ops sparse_ops = { .read = sparse_read, .extent = sparse_extent };

static void set64(struct sparse *s, uint64_t off, uint64_t value)
{
	be64 v = put_be64(value);

	memcpy(s->head + off, &v, sizeof(v));
}

static void refcount_set(struct sparse *s, uint64_t block, uint64_t cluster)
{
	s->head[block + cluster % PER_BLOCK / 8] |= (uint8_t)(1 << cluster % 8);
}

/* One guest cluster is far away in the file; all refcounts are right. */
static struct sparse *sparse_make(void)
{
	struct sparse *s = calloc(1, sizeof(*s));
	struct qcow2_header h = {
		.magic = { 'Q', 'F', 'I', 0xfb },
		.version = put_be32(3),
		.cluster_bits = put_be32(9),
		.size = put_be64(CLUSTER * 64),
		.l1_size = put_be32(1),
		.l1_off = put_be64(L1),
		.refcount_off = put_be64(REFTABLE),
		.refcount_clusters = put_be32(REFTABLE_CLUSTERS),
		.refcount_order = put_be32(0),
		.header_len = put_be32(QCOW2_V3_HEADER),
	};

	assert_non_null(s);
	s->disk = (struct disk){ .ops = &sparse_ops, .size = (FAR + UINT64_C(10)) * CLUSTER };
	memcpy(s->head, &h, QCOW2_V3_HEADER);
	set64(s, L1, L2 | QCOW2_COPIED_BIT);
	set64(s, L2, (uint64_t)FAR * CLUSTER | QCOW2_COPIED_BIT);
	set64(s, REFTABLE, BLOCK);
	set64(s, REFTABLE + FAR / PER_BLOCK * 8, LAST_BLOCK);
	for (uint64_t n = 0; n < REFTABLE / CLUSTER + REFTABLE_CLUSTERS; n++)
		refcount_set(s, BLOCK, n);
	refcount_set(s, BLOCK, LAST_BLOCK / CLUSTER);
	refcount_set(s, LAST_BLOCK, FAR);
	return s;
}

static uint64_t count_of(const struct check *c, const char *code)
{
	for (size_t i = 0; i < c->codes; i++)
		if (!strcmp(c->count[i].code, code))
			return c->count[i].count;
	return 0;
}

static struct check check_run(struct sparse *s)
{
	struct check c = { 0 };
	struct error e = { 0 };

	if (qcow2_check(&s->disk, &c, &e))
		fail_msg("%s", e.text);
	return c;
}

static void test_windows(void **state)
{
	struct sparse *s = sparse_make();
	struct check c = check_run(s);

	(void)state;
	assert_int_equal(c.report.count, 0);
	refcount_set(s, LAST_BLOCK, FAR + 3);
	c = check_run(s);
	assert_int_equal(c.leaks, 1);
	assert_int_equal(c.report.count, 1);
	assert_string_equal(c.report.finding[0].code, "qcow2-leak");
	assert_int_equal(c.report.finding[0].offset, (FAR + UINT64_C(3)) * CLUSTER);
	check_free(&c);
	memset(s->head + LAST_BLOCK, 0, CLUSTER);
	c = check_run(s);
	assert_int_equal(c.errors, 2);
	assert_int_equal(count_of(&c, "qcow2-refcount-low"), 1);
	assert_int_equal(count_of(&c, "qcow2-l2-copied"), 1);
	check_free(&c);
	free(s);
}

/* `entries` L1 entries, the first of which is at cluster `first`; `step` clusters apart. */
static void l1_put(struct sparse *s, uint32_t entries, uint64_t first, uint64_t step)
{
	be32 count = put_be32(entries);

	s->l1_len = entries * sizeof(be64);
	s->l1_off = UINT64_C(1) << 30;
	s->l1 = malloc(s->l1_len);
	assert_non_null(s->l1);
	for (uint64_t i = 0; i < entries; i++) {
		be64 v = put_be64((first + i * step) * CLUSTER);

		memcpy(s->l1 + i * sizeof(v), &v, sizeof(v));
	}
	set64(s, offsetof(struct qcow2_header, l1_off), s->l1_off);
	memcpy(s->head + offsetof(struct qcow2_header, l1_size), &count, sizeof(count));
}

/* Millions of L1 entries that name the same L2 table cost one reading of it a window. */
static void test_same_table(void **state)
{
	struct sparse *s = sparse_make();
	struct check c;

	(void)state;
	l1_put(s, 2 << 20, L2 / CLUSTER, 0);
	c = check_run(s);
	assert_int_equal(s->reads_of_l2, 2);
	/* The L2 table, and the cluster in it. */
	assert_int_equal(count_of(&c, "qcow2-cluster-twice"), 2);
	check_free(&c);
	free(s->l1);
	free(s);
}

/* More L2 tables than are known at a time, all in a hole: none is read, each is counted once. */
static void test_many_tables(void **state)
{
	enum { TABLES = (1 << 20) + 100000 };
	struct sparse *s = sparse_make();
	struct check c;

	(void)state;
	l1_put(s, TABLES, 5000000, 1);
	c = check_run(s);
	assert_int_equal(count_of(&c, "qcow2-refcount-low"),
		TABLES + div_up(TABLES * sizeof(be64), CLUSTER));
	assert_int_equal(c.report.count, CHECK_SHOWN + 3);
	/* The old L1 and L2 tables and the cluster far away, of which two are leaks that are shown.
	 */
	assert_int_equal(c.leaks, 3);
	check_free(&c);
	free(s->l1);
	free(s);
}

static void test_ranges(void **state)
{
	struct cover r = { 0 };
	struct cover_piece p = { 0 };
	uint64_t sum = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(cover_add(&r, i * 10, 100, NULL), 0);
	assert_int_equal(cover_add(&r, 50000, 7, NULL), 0);
	assert_int_equal(cover_add(&r, 60000, 0, NULL), 0);
	cover_sort(&r);
	assert_true(cover_next(&r, &p));
	assert_int_equal(p.off, 0);
	assert_int_equal(p.weight, 1);
	sum = (p.end - p.off) * p.weight;
	while (cover_next(&r, &p) && p.off < 50000) {
		assert_in_range(p.weight, 1, 10);
		sum += (p.end - p.off) * p.weight;
	}
	assert_int_equal(sum, 100000);
	assert_int_equal(p.off, 50000);
	assert_int_equal(p.end, 50007);
	assert_false(cover_next(&r, &p));
	cover_free(&r);
}

static void test_bitmap(void **state)
{
	const uint64_t border = BITMAP_UNITS;
	struct bitmap b;

	(void)state;
	assert_int_equal(bitmap_open(&b, border + 10, NULL), 0);
	assert_false(bitmap_set(&b, border - 1, 3));
	assert_true(bitmap_set(&b, border - 2, 2));
	assert_false(bitmap_set(&b, border, 2));
	assert_true(bitmap_next(&b));
	assert_false(bitmap_set(&b, border - 1, 3));
	assert_true(bitmap_set(&b, border, 1));
	assert_int_equal(bitmap_clear_count(&b, border + 10), 8);
	assert_int_equal(bitmap_clear_count(&b, border + 3), 1);
	assert_false(bitmap_next(&b));
	bitmap_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_same_table),
		cmocka_unit_test(test_many_tables),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
