/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New qcow2 images: their content, who uses which cluster, and what compressors make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "disk/convert.h"
#include "disk/memory.h"
#include "formats/qcow2_write.h"

extern const struct format qcow2_format;

enum { SIZE = (5 << 20) + 1536, ROOM = 16 << 20 };

/* Text of the same sort everywhere, noise, and holes; the same at each call. */
static void content_fill(uint8_t *bytes, size_t len)
{
	uint32_t n = 1;

	memset(bytes, 0, len);
	for (size_t i = 0; i < len; i++) {
		n = n * 1664525 + 1013904223;
		if (i >> 16 & 1 && (i >> 18 & 3) != 2)
			bytes[i] = i >> 20 == 3 ? (uint8_t)(n >> 24) : (uint8_t)('a' + (n >> 30));
	}
	bytes[len - 1] = 'z';
}

/* A converted image in memory. */
struct made {
	uint8_t *bytes;
	size_t len;
};

struct how {
	const char *options;
	bool compress;
	bool device; /* the file holds other bytes before */
	unsigned threads;
};

static void dirty(struct output *file, struct writer *w)
{
	uint8_t *garbage = malloc(ROOM);

	assert_non_null(garbage);
	memset(garbage, 0xa5, ROOM);
	assert_int_equal(output_write(file, 0, garbage, ROOM, NULL), 0);
	((struct qcow2_writer *)w)->tables.fresh = false;
	free(garbage);
}

static struct made image_make(struct disk *source, const struct how *how)
{
	char path[] = "/tmp/hvimg-test-qcow2-XXXXXX";
	struct output_options oo = { .force = true, .no_sync = true };
	struct convert_options co = { .threads = how->threads };
	struct strings options = { 0 };
	struct image_spec spec = { .size = source->size,
		.logical_sector = 512,
		.options = &options,
		.compress = how->compress };
	struct convert_result result;
	struct error e = { 0 };
	struct output *file;
	struct writer *w;
	struct made m;
	int fd = mkstemp(path);

	assert_int_equal(strings_split(&options, how->options, ",", NULL), 0);
	assert_int_equal(output_open(path, &oo, &file, NULL), 0);
	if (qcow2_format.create(&spec, file, &w, &e))
		fail_msg("%s", e.text);
	if (how->device)
		dirty(file, w);
	if (convert(source, w, file, &co, &result, &e))
		fail_msg("%s", e.text);
	m.len = (size_t)result.file_size;
	m.bytes = malloc(m.len);
	assert_non_null(m.bytes);
	assert_int_equal(output_read(file, 0, m.bytes, m.len, NULL), 0);
	w->ops->close(w);
	output_close(file);
	strings_free(&options);
	close(fd);
	assert_int_equal(unlink(path), 0);
	return m;
}

static struct disk *source_open(void)
{
	uint8_t *bytes = malloc(SIZE);
	struct disk *d = NULL;

	assert_non_null(bytes);
	content_fill(bytes, SIZE);
	assert_int_equal(memory_disk_open(bytes, SIZE, &d, NULL), 0);
	free(bytes);
	return d;
}

static struct disk *image_open_made(const struct made *m)
{
	struct disk *file, *d = NULL;
	struct error e = { 0 };

	assert_int_equal(memory_disk_open(m->bytes, m->len, &file, NULL), 0);
	if (qcow2_format.open(file, &(struct open_options){ 0 }, &d, &e))
		fail_msg("%s", e.text);
	return d;
}

static uint64_t get64(const struct made *m, uint64_t off)
{
	be64 v;

	assert_true(off + sizeof(v) <= m->len);
	memcpy(&v, m->bytes + off, sizeof(v));
	return get_be64(v);
}

static void use(uint16_t *used, unsigned bits, uint64_t off, uint64_t len)
{
	for (uint64_t c = off >> bits; len && c <= (off + len - 1) >> bits; c++)
		used[c]++;
}

static bool is_extended(const struct made *m)
{
	const struct qcow2_header *h = (const void *)m->bytes;

	return get_be32(h->version) > 2 && get_be64(h->incompatible) >> QCOW2_EXTENDED_L2 & 1;
}

static void use_table(const struct made *m, uint16_t *used, unsigned bits, uint64_t table)
{
	size_t words = is_extended(m) ? 2 : 1;

	for (uint64_t i = 0; i < UINT64_C(1) << (bits - 3); i += words) {
		uint64_t entry = get64(m, table + i * 8),
			 off = entry & ~(QCOW2_PACKED | QCOW2_COPIED);
		uint64_t sectors = 1 + (off >> (70 - bits));

		if (entry & QCOW2_PACKED) {
			off &= (UINT64_C(1) << (70 - bits)) - 1;
			use(used, bits, off, sectors * 512 - off % 512);
		} else if (entry) {
			assert_true(entry & QCOW2_COPIED);
			use(used, bits, off, 1);
		}
	}
}

/* Every cluster of the file is counted as often as it is used, and used at least once. */
static void assert_counted(const struct made *m)
{
	const struct qcow2_header *h = (const void *)m->bytes;
	unsigned bits = get_be32(h->cluster_bits);
	uint64_t cluster = UINT64_C(1) << bits, count = m->len >> bits;
	uint64_t l1 = get_be64(h->l1_off), refcounts = get_be64(h->refcount_off);
	uint16_t *used = calloc(count + 1, sizeof(*used));

	assert_non_null(used);
	assert_int_equal(m->len % cluster, 0);
	use(used, bits, 0, 1);
	use(used, bits, l1, get_be32(h->l1_size) * 8);
	use(used, bits, refcounts, get_be32(h->refcount_clusters) * cluster);
	for (uint32_t i = 0; i < get_be32(h->l1_size); i++) {
		uint64_t table = get64(m, l1 + i * 8) & ~QCOW2_COPIED;

		if (table) {
			use(used, bits, table, 1);
			use_table(m, used, bits, table);
		}
	}
	for (uint64_t i = 0; i < get_be32(h->refcount_clusters) * cluster / 8; i++)
		if (get64(m, refcounts + i * 8))
			use(used, bits, get64(m, refcounts + i * 8), 1);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t block = get64(m, refcounts + i / (cluster / 2) * 8);
		const uint8_t *n = m->bytes + block + i % (cluster / 2) * 2;

		assert_true(used[i] > 0);
		assert_int_equal(n[0] << 8 | n[1], used[i]);
	}
	free(used);
}

static const struct how kinds[] = {
	{ "cluster_size=512", false, false, 2 },
	{ "cluster_size=512", true, false, 2 },
	{ "cluster_size=4K,compat=0.10", true, false, 2 },
	{ "cluster_size=4K,compression_type=zstd", true, false, 2 },
	{ "", false, false, 2 },
	{ "", true, false, 2 },
	{ "compression_level=best", true, false, 2 },
	{ "compression_type=zstd,compression_level=best,lazy_refcounts=on", true, false, 2 },
	{ "cluster_size=2M", true, false, 2 },
	{ "extended_l2=on", false, false, 2 },
	{ "extended_l2=on,cluster_size=16K", true, false, 2 },
	{ "extended_l2=on,cluster_size=2M,compression_type=zstd", true, false, 2 },
};

static void content_and_refcounts(void **state)
{
	struct disk *source = source_open();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct made m = image_make(source, &kinds[i]);
		struct disk *d = image_open_made(&m);
		struct convert_options co = { .threads = 1 };
		uint64_t at = 0;

		assert_int_equal(d->size, SIZE);
		assert_int_equal(compare(source, d, true, &co, &at, NULL), 0);
		assert_int_equal(at, UINT64_MAX);
		assert_counted(&m);
		disk_close(d);
		free(m.bytes);
	}
	disk_close(source);
}

/* Neither the number of threads nor what a device held before makes a difference. */
static void same_bytes(void **state)
{
	struct disk *source = source_open();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct made want = image_make(source, &kinds[i]);

		for (unsigned k = 0; k < 3; k++) {
			struct how how = kinds[i];
			struct made m;

			/* Without -c, converting to what it takes for a file leaves holes. */
			how.device = k == 2 && how.compress;
			how.threads = k == 0 ? 1 : 8;
			m = image_make(source, &how);
			assert_int_equal(m.len, want.len);
			assert_memory_equal(m.bytes, want.bytes, m.len);
			free(m.bytes);
		}
		free(want.bytes);
	}
	disk_close(source);
}

static void no_content(void **state)
{
	static const uint8_t zeros[4096];
	struct how how = { "compression_type=zstd", true, false, 1 };
	struct disk *source, *d;
	struct extent x;
	struct made m;

	(void)state;
	assert_int_equal(memory_disk_open(zeros, sizeof(zeros), &source, NULL), 0);
	m = image_make(source, &how);
	assert_counted(&m);
	assert_int_equal(m.len, 4 << 16); /* header, refcounts, L1, refcount table */
	d = image_open_made(&m);
	assert_int_equal(disk_extent(d, 0, &x, NULL), 0);
	assert_true(x.zero && !x.stored && x.length == sizeof(zeros));
	disk_close(d);
	disk_close(source);
	free(m.bytes);
}

/* Inflates with no more history than 4 KiB, as a reader may that streams. */
static void assert_window(const uint8_t *in, size_t len, const uint8_t *want, size_t want_len)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)in, .avail_in = (uInt)len };
	uint8_t some[64];
	size_t done = 0;
	int rc = Z_OK;

	assert_int_equal(inflateInit2(&z, -12), Z_OK);
	while (rc == Z_OK) {
		size_t made;

		z.next_out = some;
		z.avail_out = sizeof(some);
		rc = inflate(&z, Z_NO_FLUSH);
		made = sizeof(some) - z.avail_out;
		assert_true(done + made <= want_len);
		assert_memory_equal(some, want + done, made);
		done += made;
	}
	assert_int_equal(rc, Z_STREAM_END);
	assert_int_equal(done, want_len);
	inflateEnd(&z);
}

static void deflate_looks_back_4k(void **state)
{
	enum { LEN = 65536 };
	uint8_t *in = malloc(LEN), *out = malloc(LEN);

	(void)state;
	/* Repeats after 5000 bytes, which a larger window would find. */
	for (size_t i = 0; i < LEN; i++)
		in[i] = (uint8_t)((i % 5000 * i % 5000) >> 3 & 0x3f);
	for (int best = 0; best < 2; best++) {
		const struct qcow2_engine *g = qcow2_engine_for(QCOW2_DEFLATE, best);
		void *s = NULL;
		size_t made = 0;

		assert_int_equal(g->open(&s, NULL), 0);
		assert_int_equal(g->run(s, in, LEN, out, LEN - 1, &made, NULL), 0);
		assert_true(made > 0);
		assert_window(out, made, in, LEN);
		assert_int_equal(g->run(s, in, LEN, out, 64, &made, NULL), 0);
		assert_int_equal(made, 0);
		g->close(s);
	}
	free(in);
	free(out);
}

/* What a cluster becomes does not depend on where the compressor lies nor on what it did before. */
static void compressors_agree(void **state)
{
	enum { LEN = 4096, CLUSTERS = 128, COMPRESSORS = 64 };
	uint8_t *in = malloc(LEN * CLUSTERS), want[LEN], out[LEN];
	const struct qcow2_engine *g = qcow2_engine_for(QCOW2_DEFLATE, false);
	void *s[COMPRESSORS];

	(void)state;
	for (size_t i = 0, n = 1000; i + 6 < LEN * CLUSTERS; i += 6, n++)
		snprintf((char *)in + i, 7, "%05zu\n", n % 100000);
	for (size_t k = 0; k < COMPRESSORS; k++)
		assert_int_equal(g->open(&s[k], NULL), 0);
	for (size_t i = 0; i < CLUSTERS; i++) {
		size_t first = 0, made = 0;

		assert_int_equal(g->run(s[0], in + i * LEN, LEN, want, LEN, &first, NULL), 0);
		for (size_t k = 1; k < COMPRESSORS; k++) {
			g->run(s[k], in + i * LEN, LEN, out, LEN, &made, NULL);
			assert_int_equal(made, first);
			assert_memory_equal(out, want, made);
		}
	}
	for (size_t k = 0; k < COMPRESSORS; k++)
		g->close(s[k]);
	free(in);
}

static void refused(uint64_t size, const char *option, bool compress, int code, const char *text)
{
	struct strings options = { 0 };
	struct image_spec spec = { .size = size, .options = &options, .compress = compress };
	struct qcow2_plan plan = { 0 };
	struct error e = { 0 };

	assert_int_equal(strings_split(&options, option, ",", NULL), 0);
	assert_int_equal(qcow2_plan(&spec, &plan, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
	strings_free(&options);
}

static void options_make_sense(void **state)
{
	(void)state;
	refused(4096, "cluster_size=256", false, ERR_USAGE, "cluster_size=256 ");
	refused(4096, "cluster_size=4M", false, ERR_USAGE, "4194304");
	refused(4096, "compat=1.2", false, ERR_USAGE, "compat=1.2");
	refused(4096, "compression_level=9", true, ERR_USAGE, "compression_level=9");
	refused(4096, "compression_level=best", false, ERR_USAGE, "without -c");
	refused(4096, "compression_type=zstd,compat=0.10", true, ERR_USAGE, "compat=1.1");
	refused(4096, "lazy_refcounts=on,compat=0.10", true, ERR_USAGE, "compat=1.1");
	refused(4096, "extended_l2=on,compat=0.10", false, ERR_USAGE, "compat=1.1");
	refused(4096, "extended_l2=on,cluster_size=8K", false, ERR_USAGE,
		"16384 or more, not 8192");
	refused(4097, "", false, ERR_USAGE, "4097");
	refused(UINT64_C(1) << 40, "cluster_size=1K", false, ERR_USAGE, "2048 or more");
	refused(UINT64_C(1) << 63, "cluster_size=2M", false, ERR_USAGE, "9223372036854775808");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_and_refcounts),
		cmocka_unit_test(same_bytes),
		cmocka_unit_test(no_content),
		cmocka_unit_test(deflate_looks_back_4k),
		cmocka_unit_test(compressors_agree),
		cmocka_unit_test(options_make_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
