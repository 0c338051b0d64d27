/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images made by hand, a cluster of 512 bytes a structure: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>
#include <zstd.h>

#include "disk/memory.h"
#include "formats/qcow2.h"

extern const struct format qcow2_format;

enum {
	CLUSTER = 512,
	L1 = 1 * CLUSTER,
	L2 = 2 * CLUSTER,
	DATA = 3 * CLUSTER,
	FILE_SIZE = 8 * CLUSTER,
	PER_TABLE = CLUSTER / 8,
	TABLES = 3,
	SIZE = TABLES * PER_TABLE * CLUSTER, /* what three L1 entries describe */
};

struct image {
	union {
		struct qcow2_header header;
		uint8_t bytes[FILE_SIZE];
	};
	size_t len;
};

static void set64(struct image *m, size_t off, uint64_t value)
{
	be64 v = put_be64(value);

	memcpy(m->bytes + off, &v, sizeof(v));
}

static void set_l2(struct image *m, size_t index, uint64_t value)
{
	set64(m, L2 + index * 8, value);
}

/* An empty version 3 image whose first L2 table is there. */
static struct image image_make(void)
{
	struct image m = { .len = FILE_SIZE };
	struct qcow2_header *h = &m.header;

	memcpy(h->magic, "QFI\xfb", 4);
	h->version = put_be32(3);
	h->cluster_bits = put_be32(9);
	h->size = put_be64(SIZE);
	h->l1_size = put_be32(TABLES);
	h->l1_off = put_be64(L1);
	h->refcount_order = put_be32(4);
	h->header_len = put_be32(QCOW2_V3_HEADER);
	set64(&m, L1, L2 | UINT64_C(1) << 63);
	return m;
}

static int image_try(const struct image *m, struct disk **out, struct error *e)
{
	struct disk *file;
	int rc;

	assert_int_equal(memory_disk_open(m->bytes, m->len, &file, NULL), 0);
	rc = qcow2_format.open(file, &(struct open_options){ 0 }, out, e);
	if (rc)
		disk_close(file);
	return rc;
}

static struct disk *image_get(const struct image *m)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (image_try(m, &d, &e))
		fail_msg("%s", e.text);
	return d;
}

/* Opening fails like that. */
static void refused(const struct image *m, int code, const char *text)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	assert_int_equal(image_try(m, &d, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

/* Opening works, reading guest offset `off` fails like that. */
static void unreadable(const struct image *m, uint64_t off, int code, const char *text)
{
	struct error e = { 0 };
	struct disk *d = image_get(m);
	uint8_t byte;

	assert_int_equal(disk_read(d, off, &byte, 1, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
	disk_close(d);
}

static struct extent extent_at(struct disk *d, uint64_t off)
{
	struct extent x;

	assert_int_equal(disk_extent(d, off, &x, NULL), 0);
	return x;
}

static void clusters_are_found(void **state)
{
	struct image m = image_make();
	uint8_t got[5 * CLUSTER], want[5 * CLUSTER] = { 0 };
	struct disk *d;
	struct extent x;

	(void)state;
	memset(m.bytes + DATA, 'a', CLUSTER);
	memset(m.bytes + DATA + CLUSTER, 'b', CLUSTER);
	memset(m.bytes + DATA + 2 * CLUSTER, 'c', CLUSTER);
	set_l2(&m, 0, DATA);
	set_l2(&m, 1, DATA + CLUSTER);
	set_l2(&m, 3, (DATA + 2 * CLUSTER) | 1);
	set_l2(&m, 4, 1);
	memset(want, 'a', CLUSTER);
	memset(want + CLUSTER, 'b', CLUSTER);
	d = image_get(&m);
	assert_int_equal(d->size, SIZE);
	assert_int_equal(disk_read(d, 0, got, sizeof(got), NULL), 0);
	assert_memory_equal(got, want, sizeof(got));
	assert_int_equal(disk_read(d, 500, got, 1000, NULL), 0);
	assert_memory_equal(got, want + 500, 1000);
	x = extent_at(d, 10);
	assert_true(x.plain && x.stored && !x.zero && !x.compressed);
	assert_int_equal(x.offset, DATA + 10);
	assert_int_equal(x.length, 2 * CLUSTER - 10);
	x = extent_at(d, 3 * CLUSTER);
	assert_true(x.zero && x.stored && !x.plain);
	assert_int_equal(x.length, CLUSTER);
	x = extent_at(d, PER_TABLE * CLUSTER + 7);
	assert_true(x.zero && !x.stored);
	assert_int_equal(x.length, 2 * PER_TABLE * CLUSTER - 7);
	disk_close(d);
}

static void last_cluster_may_be_cut(void **state)
{
	struct image m = image_make();
	uint8_t got[CLUSTER], want[CLUSTER] = { 0 };
	struct disk *d;
	struct extent x;

	(void)state;
	m.len = DATA + 100;
	memset(m.bytes + DATA, 'a', 100);
	memset(want, 'a', 100);
	set_l2(&m, 5, DATA);
	d = image_get(&m);
	assert_int_equal(disk_read(d, 5 * CLUSTER, got, CLUSTER, NULL), 0);
	assert_memory_equal(got, want, CLUSTER);
	x = extent_at(d, 5 * CLUSTER);
	assert_true(x.plain);
	assert_int_equal(x.length, 100);
	x = extent_at(d, 5 * CLUSTER + 100);
	assert_true(x.zero && x.stored);
	disk_close(d);
}

/* Puts compressed bytes at `off` and their descriptor into L2 entry `index`. */
static void set_compressed(struct image *m, size_t index, size_t off, size_t len)
{
	uint64_t sectors = (off + len - 1) / 512 - off / 512;

	set_l2(m, index, UINT64_C(1) << 62 | sectors << 61 | off);
}

static size_t deflate(const void *in, uint8_t *out)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	size_t len = libdeflate_deflate_compress(c, in, CLUSTER, out, CLUSTER);

	libdeflate_free_compressor(c);
	assert_true(len > 0);
	return len;
}

/* Three clusters packed together, the first on the host not the first of the guest. */
static void compressed_are_read(void **state)
{
	struct image m = image_make();
	uint8_t want[3 * CLUSTER], got[3 * CLUSTER];
	size_t off = DATA + 5;
	struct disk *d;
	struct extent x;

	(void)state;
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i % 7 * (i / CLUSTER + 1));
	for (size_t i = 0; i < 3; i++) {
		size_t len = deflate(want + (i + 1) % 3 * CLUSTER, m.bytes + off);

		set_compressed(&m, (i + 1) % 3, off, len);
		off += len;
	}
	m.len = off; /* the last sector is cut, as qemu-img leaves it */
	d = image_get(&m);
	assert_int_equal(disk_read(d, 0, got, sizeof(got), NULL), 0);
	assert_memory_equal(got, want, sizeof(got));
	for (size_t i = 0; i < sizeof(got); i += 100) { /* across borders, and through the cache */
		size_t len = sizeof(got) - i < 700 ? sizeof(got) - i : 700;

		assert_int_equal(disk_read(d, i, got, len, NULL), 0);
		assert_memory_equal(got, want + i, len);
	}
	x = extent_at(d, 0);
	assert_true(x.compressed && x.stored && !x.plain && !x.zero);
	assert_int_equal(x.length, 3 * CLUSTER);
	disk_close(d);
}

static void zstd_is_read(void **state)
{
	struct image m = image_make();
	uint8_t want[CLUSTER], got[CLUSTER];
	struct disk *d;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i % 11);
	len = ZSTD_compress(m.bytes + DATA, CLUSTER, want, CLUSTER, 3);
	assert_false(ZSTD_isError(len));
	memset(m.bytes + DATA + len, 'x', 300); /* a neighbour */
	set_compressed(&m, 0, DATA, len);
	m.header.incompatible = put_be64(8);
	m.header.compression = QCOW2_ZSTD;
	m.header.header_len = put_be32(112);
	d = image_get(&m);
	assert_int_equal(disk_read(d, 0, got, CLUSTER, NULL), 0);
	assert_memory_equal(got, want, CLUSTER);
	disk_close(d);
}

static void lies_in_the_tables_are_refused(void **state)
{
	struct image m = image_make();
	struct disk *d;

	(void)state;
	set64(&m, L1 + 8, 100 * CLUSTER);
	set64(&m, L1 + 16, L2 + 512 / 2);
	set_l2(&m, 0, 100 * CLUSTER);
	m.header.cluster_bits = put_be32(9);
	unreadable(&m, 0, ERR_CORRUPT, "is at 51200, past the end of the file at 4096");
	unreadable(
		&m, PER_TABLE * CLUSTER, ERR_CORRUPT, "L2 table of guest offset 32768 is at 51200");
	set_l2(&m, 1, 1);
	m.header.version = put_be32(2);
	unreadable(&m, CLUSTER, ERR_CORRUPT, "zero cluster");
	m.header.version = put_be32(3);
	memset(m.bytes + DATA, 0xff, CLUSTER);
	set_compressed(&m, 2, DATA, 100);
	set_compressed(&m, 3, FILE_SIZE, 100);
	unreadable(&m, 2 * CLUSTER, ERR_CORRUPT, "at offset 1536 (512 bytes) does not inflate");
	unreadable(
		&m, 3 * CLUSTER, ERR_CORRUPT, "compressed cluster of guest offset 1536 is at 4096");
	/* What is sound before them can be read all the same. */
	set_l2(&m, 0, 0);
	d = image_get(&m);
	assert_int_equal(extent_at(d, 0).length, 2 * CLUSTER);
	disk_close(d);
}

static void unaligned_tables_are_refused(void **state)
{
	struct image m = image_make();

	(void)state;
	m.header.cluster_bits = put_be32(10);
	m.header.l1_off = put_be64(2 * CLUSTER);
	m.header.size = put_be64(2 * CLUSTER);
	set64(&m, 2 * CLUSTER, 3 * CLUSTER);
	unreadable(&m, 0, ERR_CORRUPT, "L2 table of guest offset 0 is at 1536, not on a cluster");
	set64(&m, 2 * CLUSTER, 4 * CLUSTER);
	set64(&m, 4 * CLUSTER, 5 * CLUSTER);
	unreadable(&m, 0, ERR_CORRUPT, "cluster of guest offset 0 is at 2560, not on a cluster");
}

static void lies_in_the_header_are_refused(void **state)
{
	struct image good = image_make(), m = good;

	(void)state;
	m.header.version = put_be32(4);
	refused(&m, ERR_UNSUPPORTED, "version 4");
	m = good;
	m.header.cluster_bits = put_be32(8);
	refused(&m, ERR_CORRUPT, "2^8");
	m.header.cluster_bits = put_be32(22);
	refused(&m, ERR_CORRUPT, "2^22");
	m = good;
	m.header.size = put_be64(SIZE + CLUSTER);
	refused(&m, ERR_CORRUPT, "L1 table has 3 entries");
	m.header.size = put_be64(1000);
	refused(&m, ERR_UNSUPPORTED, "virtual size 1000");
	m.header.size = put_be64(UINT64_C(1) << 63);
	refused(&m, ERR_UNSUPPORTED, "virtual size 9223372036854775808");
	m.header.size = put_be64(UINT64_C(1) << 50);
	refused(&m, ERR_UNSUPPORTED, "limit");
	m = good;
	m.header.l1_off = put_be64(FILE_SIZE);
	refused(&m, ERR_CORRUPT, "L1 table of 3 entries at 4096 runs past");
	m = good;
	m.header.header_len = put_be32(4096);
	refused(&m, ERR_CORRUPT, "header length 4096");
	m = good;
	m.len = 60;
	refused(&m, ERR_CORRUPT, "60 bytes");
	m = good;
	set64(&m, QCOW2_V3_HEADER, UINT64_C(0x1234567800000400));
	refused(&m, ERR_CORRUPT, "extension 0x12345678 of 1024 bytes");
}

static void features_are_checked(void **state)
{
	struct image good = image_make(), m = good;

	(void)state;
	m.header.incompatible = put_be64(1); /* dirty: refcounts only */
	disk_close(image_get(&m));
	m.header.incompatible = put_be64(2);
	unreadable(&m, 0, ERR_CORRUPT, "marked as corrupt");
	m.header.incompatible = put_be64(UINT64_C(1) << 63 | 32 | 1);
	refused(&m, ERR_UNSUPPORTED, "unknown incompatible feature bits: 5, 63");
	m.header.incompatible = put_be64(8);
	refused(&m, ERR_CORRUPT, "compression type 0 contradicts");
	m.header.header_len = put_be32(112);
	m.header.compression = 7;
	refused(&m, ERR_UNSUPPORTED, "compression type 7");
	m.header.incompatible = put_be64(16);
	m.header.compression = 0;
	refused(&m, ERR_CORRUPT, "extended L2 entries with clusters of 512 bytes");
	m = good;
	m.header.crypt_method = put_be32(2);
	unreadable(&m, 0, ERR_UNSUPPORTED, "encrypted (method 2, LUKS)");
}

/* Other files are named, never opened. */
static void other_files_are_refused(void **state)
{
	struct image m = image_make();
	struct image_info info = { 0 };
	struct extent x;
	struct disk *d;

	(void)state;
	m.header.backing_off = put_be64(200);
	m.header.backing_len = put_be32(12);
	memcpy(m.bytes + 200, "/etc/pass\x1bwd!", 13);
	unreadable(&m, 0, ERR_REFUSED, "backing file: /etc/pass?wd");
	d = image_get(&m);
	x = extent_at(d, 0);
	assert_true(!x.zero && !x.stored && !x.plain);
	assert_int_equal(qcow2_format.info(d, &info, NULL), 0);
	assert_string_equal(info.parent_path, "/etc/pass\x1bwd");
	assert_int_equal(info.references.count, 1);
	image_info_free(&info);
	disk_close(d);
	m.header.backing_len = put_be32(400);
	refused(&m, ERR_CORRUPT, "file name of 400 bytes at 200");

	m = image_make();
	m.header.incompatible = put_be64(4);
	unreadable(&m, 0, ERR_REFUSED, "in another file: not named");
	set64(&m, QCOW2_V3_HEADER, UINT64_C(0x4441544100000008));
	memcpy(m.bytes + QCOW2_V3_HEADER + 8, "data.bin", 8);
	unreadable(&m, 0, ERR_REFUSED, "in another file: data.bin");
}

static void info_tells(void **state)
{
	struct image m = image_make();
	struct image_info info = { 0 };
	struct disk *d;

	(void)state;
	set_compressed(&m, 9, DATA, 10);
	d = image_get(&m);
	assert_int_equal(qcow2_format.info(d, &info, NULL), 0);
	assert_int_equal(info.block_size, CLUSTER);
	assert_true(info.compressed && !info.encrypted && !info.parent_path);
	image_info_free(&info);
	disk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters_are_found),
		cmocka_unit_test(last_cluster_may_be_cut),
		cmocka_unit_test(compressed_are_read),
		cmocka_unit_test(zstd_is_read),
		cmocka_unit_test(lies_in_the_tables_are_refused),
		cmocka_unit_test(unaligned_tables_are_refused),
		cmocka_unit_test(lies_in_the_header_are_refused),
		cmocka_unit_test(features_are_checked),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(info_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
