/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/initramfs.h"

static char dir[] = "/tmp/test_initramfs.XXXXXX";

/* Name and the command that packs; all are what distributions use. */
static const char *const packers[][2] = { { "none", "cat" }, { "gzip", "gzip -n9" },
	{ "zstd", "zstd -q -19" }, { "xz", "xz --check=crc32" }, { "lz4", "lz4 -l -9 -q" },
	{ "lzma", "lzma" }, { "bzip2", "bzip2" } };
enum { PACKERS = sizeof(packers) / sizeof(*packers) };

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
	char command[4096], line[4300];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "cd %s && { %s; }", dir, command);
	assert_int_equal(system(line), 0);
}

static struct buffer load(const char *name)
{
	struct buffer b = { 0 };
	char path[256], chunk[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		assert_int_equal(buffer_append(&b, chunk, n, NULL), 0);
	fclose(f);
	return b;
}

static void save(const char *name, const struct buffer *b)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

static int make_base(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	shell("mkdir -p t/usr/lib/modules/6.1/kernel t/conf t/etc early/kernel/x86/microcode");
	shell("ln -s usr/lib t/lib; echo virtio_blk >t/conf/modules; ln t/conf/modules t/etc/hard");
	shell("head -c 300001 /dev/urandom >t/usr/lib/noise; seq 60000 >t/usr/lib/numbers; : "
	      ">t/empty");
	shell("head -c 5001 /dev/urandom >early/kernel/x86/microcode/GenuineIntel.bin");
	shell("(cd t && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >base.cpio");
	shell("(cd t && find . | LC_ALL=C sort | cpio -o -H crc --quiet) >sums.cpio");
	shell("(cd early && find kernel | LC_ALL=C sort | cpio -o -H newc --quiet) >early.cpio");
	return 0;
}

static int remove_base(void **state)
{
	(void)state;
	shell("rm -rf %s", dir);
	return 0;
}

struct seen {
	struct buffer names; /* a line each */
	struct buffer wanted; /* the last content of each name that ends in `want` */
	const char *want;
	size_t wanted_count;
	char link[64];
};

static bool seen_entry(void *arg, const struct initramfs_entry *entry)
{
	struct seen *s = arg;

	assert_int_equal(buffer_format(&s->names, NULL, "%s\n", entry->name), 0);
	if (strcmp(entry->name, "lib") == 0) {
		assert_true(S_ISLNK(entry->mode));
		snprintf(s->link, sizeof(s->link), "%s", entry->link);
	}
	return s->want && strcmp(entry->name, s->want) == 0;
}

static int seen_data(void *arg, const struct initramfs_entry *entry, const void *bytes, size_t len,
	struct error *e)
{
	struct seen *s = arg;

	assert_string_equal(entry->name, s->want);
	assert_int_equal(entry->size, len);
	s->wanted.len = 0;
	s->wanted_count++;
	return buffer_append(&s->wanted, bytes, len, e);
}

static void seen_free(struct seen *s)
{
	buffer_free(&s->names);
	buffer_free(&s->wanted);
}

static int memory_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct buffer *b = arg;

	(void)e;
	assert_true(off <= b->len && len <= b->len - off);
	memcpy(buf, b->data + off, len);
	return 0;
}

static int walk(struct buffer *b, struct seen *s, struct initramfs_layout *layout, struct error *e)
{
	struct initramfs_source source = { b->len, memory_read, b };
	struct initramfs_visitor visitor = { seen_entry, seen_data, s };

	return initramfs_walk(&source, &visitor, layout, e);
}

static bool have(const char *packer)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %.*s >/dev/null", (int)strcspn(packer, " "),
		packer);
	return system(command) == 0;
}

static void test_compressions(void **state)
{
	(void)state;
	shell("cpio -it --quiet <base.cpio >names");
	for (size_t i = 0; i < PACKERS; i++) {
		struct buffer packed, names = load("names"), numbers = load("t/usr/lib/numbers");
		struct initramfs_layout layout;
		struct seen s = { .want = "usr/lib/numbers" };
		struct error e = { 0 };

		if (!have(packers[i][1]))
			continue;
		shell("%s <base.cpio >packed", packers[i][1]);
		packed = load("packed");
		if (walk(&packed, &s, &layout, &e))
			fail_msg("%s: %s", packers[i][0], e.text);
		assert_string_equal(layout.compression, packers[i][0]);
		assert_int_equal(layout.segments, 1);
		assert_int_equal(layout.early_segments, 0);
		if (i)
			assert_int_equal(layout.end, packed.len);
		else
			assert_in_range(layout.end, packed.len - 511, packed.len);
		assert_string_equal(buffer_text(&s.names), buffer_text(&names));
		assert_string_equal(s.link, "usr/lib");
		assert_int_equal(s.wanted.len, numbers.len);
		assert_memory_equal(s.wanted.data, numbers.data, numbers.len);
		seen_free(&s);
		buffer_free(&packed);
		buffer_free(&names);
		buffer_free(&numbers);
	}
}

static struct buffer segment(void)
{
	struct cpio_writer w = { .mtime = 1700000000 };
	struct buffer out;

	assert_int_equal(cpio_known_directory(&w, "usr", NULL), 0);
	assert_int_equal(cpio_known_directory(&w, "/lib", NULL), 0);
	assert_int_equal(cpio_known_directory(&w, "./conf/", NULL), 0);
	assert_int_equal(cpio_file(&w, "conf/modules", 0644, "hv_storvsc\n", 11, NULL), 0);
	assert_int_equal(cpio_file(&w, "/usr/x/y/a.ko", 0600, "12345", 5, NULL), 0);
	assert_int_equal(cpio_file(&w, "usr/x/b", 0755, "", 0, NULL), 0);
	assert_int_equal(cpio_file(&w, "lib/z", 0644, "1234", 4, NULL), 0);
	assert_int_equal(cpio_finish(&w, NULL), 0);
	assert_int_equal(w.out.len % 512, 0);
	out = w.out;
	w.out = (struct buffer){ 0 };
	cpio_free(&w);
	return out;
}

static void test_writer_against_cpio(void **state)
{
	struct buffer b = segment(), out;

	(void)state;
	save("segment.cpio", &b);
	shell("rm -rf x && mkdir x && cd x && mkdir conf usr && ln -s usr lib && cpio -im --quiet "
	      "<../segment.cpio");
	shell("cpio -itv --quiet <segment.cpio | awk '{print $1, $2, $5, $NF}' >listing");
	out = load("listing");
	assert_string_equal(buffer_text(&out),
		"-rw-r--r-- 1 11 conf/modules\n"
		"drwxr-xr-x 2 0 usr/x\n"
		"drwxr-xr-x 2 0 usr/x/y\n"
		"-rw------- 1 5 usr/x/y/a.ko\n"
		"-rwxr-xr-x 1 0 usr/x/b\n"
		"-rw-r--r-- 1 4 lib/z\n");
	shell("test \"$(cat x/usr/x/y/a.ko)\" = 12345 && test \"$(cat x/usr/z)\" = 1234");
	shell("test \"$(stat -c %%Y x/conf/modules)\" = 1700000000");
	buffer_free(&out);
	out = segment();
	assert_int_equal(out.len, b.len);
	assert_memory_equal(out.data, b.data, b.len);
	buffer_free(&out);
	buffer_free(&b);
}

static void test_writer_refuses(void **state)
{
	static const char *const bad[] = { "", "/", "./", "a/", "../a", "a/../b", "a/.." };
	struct cpio_writer w = { 0 };
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(cpio_file(&w, bad[i], 0644, "", 0, &e), -ERR_USAGE);
	assert_int_equal(cpio_file(&w, "a/..b", 0644, "", 0, &e), 0);
	cpio_free(&w);
}

static void test_appended(void **state)
{
	struct buffer more = segment();

	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct buffer packed;
		struct initramfs_layout layout, both;
		struct seen s = { .want = "conf/modules" };
		struct error e = { 0 };

		if (!have(packers[i][1]))
			continue;
		shell("{ cat early.cpio; %s <base.cpio; } >packed", packers[i][1]);
		packed = load("packed");
		if (walk(&packed, &s, &layout, &e))
			fail_msg("%s: %s", packers[i][0], e.text);
		assert_string_equal(buffer_text(&s.wanted), "virtio_blk\n");
		assert_int_equal(layout.segments, 2);
		assert_int_equal(layout.early_segments, 1);
		packed.len = layout.end;
		assert_int_equal(buffer_zeros(&packed, initramfs_padding(layout.end), NULL), 0);
		assert_int_equal(packed.len % 512, 0);
		assert_int_equal(buffer_append(&packed, more.data, more.len, NULL), 0);
		s.wanted_count = 0;
		if (walk(&packed, &s, &both, &e))
			fail_msg("%s and more: %s", packers[i][0], e.text);
		assert_string_equal(both.compression, packers[i][0]);
		assert_int_equal(both.segments, 3);
		assert_int_equal(both.early_segments, 1);
		assert_true(both.end > layout.end && both.end <= packed.len);
		assert_int_equal(s.wanted_count, 2);
		assert_string_equal(buffer_text(&s.wanted), "hv_storvsc\n");
		assert_non_null(strstr(buffer_text(&s.names), "usr/x/y/a.ko\n"));
		seen_free(&s);
		buffer_free(&packed);
	}
	buffer_free(&more);
}

static void test_padding(void **state)
{
	(void)state;
	assert_int_equal(initramfs_padding(0), 512);
	assert_int_equal(initramfs_padding(508), 4);
	assert_int_equal(initramfs_padding(509), 515);
	assert_int_equal(initramfs_padding(512), 512);
}

static void test_streams_glued(void **state)
{
	struct initramfs_layout layout;
	struct seen s = { 0 };
	struct buffer b;
	struct error e = { 0 };

	(void)state;
	shell("{ cat early.cpio early.cpio; gzip -n <base.cpio; xz --check=crc32 <base.cpio; "
	      "zstd -q <base.cpio; zstd -q <base.cpio; bzip2 <base.cpio; lzma <base.cpio; "
	      "lz4 -l -q <base.cpio; lz4 -l -q <base.cpio; } >packed");
	b = load("packed");
	if (walk(&b, &s, &layout, &e))
		fail_msg("%s", e.text);
	/* Linux takes glued lz4 for one stream, which has two archives. */
	assert_int_equal(layout.segments, 9);
	assert_int_equal(layout.early_segments, 2);
	assert_string_equal(layout.compression, "lz4");
	assert_int_equal(layout.end, b.len);
	seen_free(&s);
	buffer_free(&b);

	shell("{ lz4 -l -q <base.cpio; gzip <base.cpio; } >packed");
	b = load("packed");
	assert_int_equal(walk(&b, &s, &layout, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "lz4"));
	seen_free(&s);
	buffer_free(&b);
}

/* More than one block of 8 MiB. */
static void test_lz4_blocks(void **state)
{
	struct seen s = { .want = "fifteen" };
	struct initramfs_layout layout;
	struct buffer b;

	(void)state;
	shell("truncate -s 15M fifteen; echo end >>fifteen; "
	      "echo fifteen | cpio -o -H newc --quiet | lz4 -l -q >packed; printf '\\0\\0\\0' "
	      ">>packed");
	b = load("packed");
	assert_int_equal(walk(&b, &s, &layout, NULL), 0);
	assert_int_equal(layout.end, b.len - 3);
	assert_int_equal(s.wanted.len, (15 << 20) + 4);
	assert_memory_equal(s.wanted.data + s.wanted.len - 4, "end\n", 4);
	seen_free(&s);
	buffer_free(&b);
}

static void test_hard_links(void **state)
{
	const char *const names[] = { "conf/modules", "etc/hard" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct seen s = { .want = names[i] };
		struct buffer b = load("base.cpio");

		assert_int_equal(walk(&b, &s, NULL, NULL), 0);
		assert_int_equal(s.wanted_count, 1);
		assert_string_equal(buffer_text(&s.wanted), "virtio_blk\n");
		seen_free(&s);
		buffer_free(&b);
	}
}

static void test_checksums(void **state)
{
	struct seen s = { 0 };
	struct buffer b = load("sums.cpio");
	struct error e = { 0 };
	uint8_t *text;

	(void)state;
	assert_int_equal(walk(&b, &s, NULL, &e), 0);
	text = memmem(b.data, b.len, "virtio_blk", 10);
	assert_non_null(text);
	*text = 'V';
	assert_int_equal(walk(&b, &s, NULL, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "checksum"));
	seen_free(&s);
	buffer_free(&b);
}

static void refused(const char *make, int code, const char *part)
{
	struct seen s = { 0 };
	struct error e = { 0 };
	struct buffer b;

	shell("{ %s; } >packed", make);
	b = load("packed");
	assert_int_equal(walk(&b, &s, NULL, &e), -code);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
	seen_free(&s);
	buffer_free(&b);
}

static void test_refused(void **state)
{
	(void)state;
	refused("lz4 -q <base.cpio", ERR_UNSUPPORTED, "lz4 frame");
	refused(":", ERR_CORRUPT, "no archive");
	refused("head -c 10000 /dev/zero", ERR_CORRUPT, "10000");
	refused("printf abc", ERR_CORRUPT, "offset 0");
	refused("cat early.cpio; printf x", ERR_CORRUPT, "0x78");
	refused("gzip <base.cpio >z; cat z; head -c $((5 - $(stat -c %s z) % 4)) /dev/zero; "
		"cat base.cpio",
		ERR_CORRUPT, "multiple of 4");
	refused("printf '\\0'; cat base.cpio", ERR_CORRUPT, "multiple of 4");
	refused("head -c 200000 base.cpio | gzip", ERR_CORRUPT, "cut off inside");
	refused("printf 070701zz | cat - base.cpio", ERR_CORRUPT, "no number");
	refused("{ cat base.cpio; printf junk; } | zstd -q", ERR_CORRUPT, "header");
	refused("seq 100 | xz --check=crc32", ERR_CORRUPT, "no cpio header");
	refused("printf '' | gzip", ERR_CORRUPT, "without a trailer");
	refused("zstd -q --long=28 --ultra -22 --zstd=wlog=28 -c - <base.cpio", ERR_UNSUPPORTED,
		"64 MiB");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Whatever the bytes: no crash, and a cut compressed stream is always noticed. */
static void test_damage(void **state)
{
	uint32_t seed = 1;

	(void)state;
	shell("(cd t && find conf etc lib empty | cpio -o -H crc --quiet) >small.cpio");
	for (size_t i = 0; i < PACKERS; i++) {
		struct buffer b;
		struct seen s = { .want = "conf/modules" };
		size_t len;

		if (!have(packers[i][1]))
			continue;
		shell("%s <small.cpio >packed", packers[i][1]);
		b = load("packed");
		len = b.len;
		for (b.len = 1; b.len < len; b.len += 1 + b.len / 64) {
			int rc = walk(&b, &s, NULL, NULL);

			assert_true(rc < 0 || !i);
		}
		b.len = len;
		for (int n = 0; n < 500; n++) {
			size_t at = next_random(&seed) % len;
			uint8_t old = b.data[at];

			b.data[at] = (uint8_t)next_random(&seed);
			walk(&b, &s, NULL, NULL);
			if (n % 4)
				b.data[at] = old;
		}
		seen_free(&s);
		buffer_free(&b);
	}
}

static void test_wanted_too_large(void **state)
{
	struct seen s = { .want = "large" };
	struct error e = { 0 };
	struct buffer b;

	(void)state;
	shell("truncate -s 17M large; echo large | cpio -o -H newc --quiet | gzip -1 >packed");
	b = load("packed");
	assert_int_equal(walk(&b, &s, NULL, &e), -ERR_RANGE);
	assert_non_null(strstr(e.text, "17825792"));
	s.want = NULL;
	assert_int_equal(walk(&b, &s, NULL, &e), 0);
	seen_free(&s);
	buffer_free(&b);
}

static void test_bomb(void **state)
{
	struct seen s = { 0 };
	struct error e = { 0 };
	struct buffer b;

	(void)state;
	shell("truncate -s 256M large; echo large | cpio -o -H newc --quiet | zstd -q >one; "
	      "cat one one one one one one one one one >packed");
	b = load("packed");
	assert_int_equal(walk(&b, &s, NULL, &e), -ERR_RANGE);
	assert_non_null(strstr(e.text, "2147483648"));
	seen_free(&s);
	buffer_free(&b);
}

/* lsinitramfs lists what an early and a main segment hold. */
static void test_against_lsinitramfs(void **state)
{
	struct seen s = { 0 };
	struct buffer b, listed;

	(void)state;
	if (!have("lsinitramfs"))
		skip();
	shell("{ cat early.cpio; zstd -q <base.cpio; } >packed; "
	      "lsinitramfs packed | LC_ALL=C sort >listed");
	b = load("packed");
	assert_int_equal(walk(&b, &s, NULL, NULL), 0);
	save("names", &s.names);
	shell("LC_ALL=C sort names -o names");
	listed = load("listed");
	seen_free(&s);
	s.names = load("names");
	assert_string_equal(buffer_text(&s.names), buffer_text(&listed));
	seen_free(&s);
	buffer_free(&b);
	buffer_free(&listed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressions),
		cmocka_unit_test(test_writer_against_cpio),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_appended),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_streams_glued),
		cmocka_unit_test(test_lz4_blocks),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_wanted_too_large),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_against_lsinitramfs),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
