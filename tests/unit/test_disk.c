/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/zero.h"
#include "disk/convert.h"
#include "disk/empty.h"
#include "disk/host_file.h"
#include "disk/memory.h"
#include "disk/output.h"
#include "disk/overlay.h"
#include "disk/resized.h"
#include "disk/slice.h"

static char folder[] = "/tmp/hvimg-test-XXXXXX";

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder); /* fails when anything was left behind */
}

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void host_file_knows_its_holes(void **state)
{
	struct disk *d = NULL;
	struct extent x;
	char byte = 1;
	int fd = open(path_of("sparse"), O_CREAT | O_RDWR, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, 3 << 20), 0);
	assert_int_equal(pwrite(fd, "data", 4, 1 << 20), 4);
	close(fd);
	assert_int_equal(host_file_open(path_of("sparse"), &d, NULL), 0);
	assert_int_equal(d->size, 3 << 20);
	assert_int_equal(disk_extent(d, 0, &x, NULL), 0);
	assert_true(x.zero);
	assert_int_equal(x.length, 1 << 20);
	assert_int_equal(disk_extent(d, 1 << 20, &x, NULL), 0);
	assert_true(!x.zero && x.plain && x.offset == 1 << 20);
	assert_int_equal(disk_read(d, (3 << 20) - 1, &byte, 1, NULL), 0);
	assert_int_equal(byte, 0);
	assert_int_equal(disk_read(d, (3 << 20) - 1, &byte, 2, NULL), -ERR_RANGE);
	assert_int_equal(disk_write(d, 0, &byte, 1, NULL), -ERR_REFUSED);
	assert_int_equal(host_file_unchanged(d, NULL), 0);
	assert_int_equal(truncate(path_of("sparse"), 100), 0);
	assert_int_equal(host_file_unchanged(d, NULL), -ERR_CORRUPT);
	assert_int_equal(disk_read(d, 200, &byte, 1, NULL), -ERR_CORRUPT);
	disk_close(d);
	unlink(path_of("sparse"));
}

static void host_file_refuses_what_is_no_file(void **state)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	(void)state;
	assert_int_equal(host_file_open(folder, &d, &e), -ERR_UNSUPPORTED);
	assert_string_equal(e.text, "is a directory, not an image");
	assert_int_equal(host_file_open(path_of("none"), &d, &e), -ERR_NOTFOUND);
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_int_equal(host_file_open(path_of("pipe"), &d, &e), -ERR_UNSUPPORTED);
	unlink(path_of("pipe"));
}

static void slice_stays_in_its_range(void **state)
{
	uint8_t bytes[100];
	struct disk *whole, *part;
	uint8_t got[10];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(memory_disk_open(bytes, sizeof(bytes), &whole, NULL), 0);
	assert_int_equal(slice_open(whole, 90, 11, &part, NULL), -ERR_RANGE);
	assert_int_equal(slice_open(whole, 90, 10, &part, NULL), 0);
	assert_int_equal(disk_read(part, 0, got, 10, NULL), 0);
	assert_memory_equal(got, bytes + 90, 10);
	assert_int_equal(disk_read(part, 1, got, 10, NULL), -ERR_RANGE);
	assert_int_equal(disk_write(part, 5, "x", 1, NULL), 0);
	assert_int_equal(disk_read(whole, 95, got, 1, NULL), 0);
	assert_int_equal(got[0], 'x');
	disk_close(part);
	disk_close(whole);
}

/* Zeroes a random stretch of the overlay and of the model; some reach the end, some are long. */
static void zero_somewhere(struct disk *overlay, uint8_t *model, size_t size, unsigned *random)
{
	size_t off = (size_t)rand_r(random) % size;
	size_t len = (size_t)rand_r(random) % (rand_r(random) % 3 ? 9000 : 600000);

	len = off + len > size ? size - off : len;
	memset(model + off, 0, len);
	assert_int_equal(disk_zero(overlay, off, len, NULL), 0);
}

/* Writes of `seed`, from the first or from the last, and the digest of an overlay that has them. */
static void overlay_digested(struct disk *below, char seed, bool backwards, char *hex)
{
	static const uint64_t at[] = { 100, 5 << 12, 3 << 20, (3 << 20) + 4000 };
	const size_t count = sizeof(at) / sizeof(*at);
	struct disk *overlay = NULL;

	assert_int_equal(overlay_open(below, folder, 2 * 4096, &overlay, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		size_t n = backwards ? count - 1 - i : i;
		char byte = (char)(seed + (char)n);

		assert_int_equal(disk_write(overlay, at[n], &byte, 1, NULL), 0);
	}
	assert_int_equal(disk_zero(overlay, 1 << 20, 1 << 20, NULL), 0);
	assert_int_equal(overlay_freeze(overlay, NULL), 0);
	assert_int_equal(overlay_digest(overlay, hex, NULL), 0);
	disk_close(overlay);
}

static void overlay_digest_is_of_what_was_changed(void **state)
{
	char first[DIGEST_HEX_MAX], second[DIGEST_HEX_MAX], other[DIGEST_HEX_MAX];
	struct disk *below = NULL, *overlay = NULL;

	(void)state;
	assert_int_equal(empty_disk_open(8 << 20, &below, NULL), 0);
	overlay_digested(below, 'a', false, first);
	overlay_digested(below, 'a', true, second);
	overlay_digested(below, 'b', false, other);
	assert_string_equal(first, second);
	assert_string_not_equal(first, other);
	/* Zeros are a change, too. */
	assert_int_equal(overlay_open(below, folder, 4096, &overlay, NULL), 0);
	assert_int_equal(disk_zero(overlay, 0, 4 << 20, NULL), 0);
	assert_int_equal(overlay_freeze(overlay, NULL), 0);
	assert_int_equal(overlay_digest(overlay, first, NULL), 0);
	disk_close(overlay);
	assert_int_equal(overlay_open(below, folder, 4096, &overlay, NULL), 0);
	assert_int_equal(overlay_freeze(overlay, NULL), 0);
	assert_int_equal(overlay_digest(overlay, second, NULL), 0);
	assert_string_not_equal(first, second);
	disk_close(overlay);
	disk_close(below);
}

/* A whole disk of zeros is one range: no memory, no scratch file. */
static void overlay_zeroes_terabytes(void **state)
{
	enum { MIB = 1 << 20 };
	struct disk *below, *whole, *overlay;
	uint8_t got[MIB];
	struct extent x;

	(void)state;
	memset(got, 1, sizeof(got));
	assert_int_equal(memory_disk_open(got, MIB, &below, NULL), 0);
	assert_int_equal(resized_open(below, UINT64_C(64) << 40, &whole, NULL), 0);
	assert_int_equal(overlay_open(whole, folder, 0, &overlay, NULL), 0);
	for (uint64_t off = 0; off < whole->size; off += UINT64_C(1) << 40)
		assert_int_equal(disk_zero(overlay, off, UINT64_C(1) << 40, NULL), 0);
	assert_int_equal(overlay_used(overlay), 0);
	assert_int_equal(disk_read(overlay, 0, got, MIB, NULL), 0);
	assert_true(bytes_are_zero(got, MIB));
	assert_int_equal(overlay_freeze(overlay, NULL), 0);
	assert_int_equal(disk_extent(overlay, MIB, &x, NULL), 0);
	assert_true(x.zero && x.length == whole->size - MIB);
	disk_close(overlay);
	disk_close(whole);
	disk_close(below);
}

/* Every extent that is called zero is, and together they cover the disk. */
static void extents_agree(struct disk *d, const uint8_t *model, size_t size)
{
	struct extent x = { 0 };
	uint64_t zeros = 0;

	for (uint64_t seen = 0; seen < size; seen += x.length) {
		assert_int_equal(disk_extent(d, seen, &x, NULL), 0);
		assert_in_range(x.length, 1, size - seen);
		if (x.zero)
			assert_true(bytes_are_zero(model + seen, (size_t)x.length));
		zeros += x.zero ? x.length : 0;
	}
	assert_true(zeros > 0);
}

/* Random writes and zeros to an overlay and to plain memory must read back alike; most of them
 * spill to the file. */
static void overlay_equals_a_model(void **state)
{
	enum { SIZE = 3 * 1000 * 1000 + 123 };
	uint8_t *model = malloc(SIZE), *got = malloc(SIZE), *before = malloc(SIZE);
	struct disk *below, *overlay;
	unsigned random = 12345;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		model[i] = (uint8_t)(i * 7 + i / 4096);
	memcpy(before, model, SIZE);
	assert_int_equal(memory_disk_open(model, SIZE, &below, NULL), 0);
	assert_int_equal(overlay_open(below, folder, 16 * 4096, &overlay, NULL), 0);
	for (int i = 0; i < 400; i++) {
		size_t off = (size_t)rand_r(&random) % SIZE;
		size_t len = (size_t)rand_r(&random) % (i % 10 ? 600 : 20000);

		len = off + len > SIZE ? SIZE - off : len;
		for (size_t k = 0; k < len; k++)
			model[off + k] = (uint8_t)rand_r(&random);
		assert_int_equal(disk_write(overlay, off, model + off, len, NULL), 0);
		if (i % 8 == 0)
			zero_somewhere(overlay, model, SIZE, &random);
	}
	extents_agree(overlay, model, SIZE);
	assert_int_equal(disk_write(overlay, SIZE - 1, "z", 1, NULL), 0);
	model[SIZE - 1] = 'z';
	assert_true(overlay_used(overlay) > 16 * 4096);
	assert_int_equal(overlay_freeze(overlay, NULL), 0);
	assert_int_equal(disk_write(overlay, 0, "z", 1, NULL), -ERR_REFUSED);
	assert_int_equal(disk_zero(overlay, 0, 1, NULL), -ERR_REFUSED);
	assert_int_equal(disk_read(overlay, 0, got, SIZE, NULL), 0);
	assert_memory_equal(got, model, SIZE);
	extents_agree(overlay, model, SIZE);
	assert_int_equal(disk_read(below, 0, got, SIZE, NULL), 0);
	assert_memory_equal(got, before, SIZE);
	disk_close(overlay);
	disk_close(below);
	free(model);
	free(got);
	free(before);
}

static void output_appears_only_when_committed(void **state)
{
	struct output_options plain = { 0 }, force = { .force = true };
	struct output *o;
	struct error e = { 0 };
	char got[6] = { 0 };
	int fd;

	(void)state;
	assert_int_equal(output_open(path_of("out"), &plain, &o, NULL), 0);
	assert_int_equal(output_write(o, 1, "abcd", 4, NULL), 0);
	assert_int_equal(access(path_of("out"), F_OK), -1);
	output_close(o);
	assert_int_equal(access(path_of("out"), F_OK), -1);
	assert_int_equal(output_file(path_of("out"), "first", 5, &plain, NULL), 0);
	assert_int_equal(output_open(path_of("out"), &plain, &o, &e), -ERR_EXISTS);
	assert_int_equal(output_file(path_of("out"), "again", 5, &force, NULL), 0);
	fd = open(path_of("out"), O_RDONLY);
	assert_int_equal(read(fd, got, 6), 5);
	assert_string_equal(got, "again");
	close(fd);
	assert_int_equal(output_open(path_of("no/where"), &plain, &o, NULL), -ERR_NOTFOUND);
	unlink(path_of("out"));
}

/* Somebody creates the destination while it is being made: theirs stays. */
static void output_never_replaces_unasked(void **state)
{
	struct output_options plain = { 0 };
	struct output *o;
	int fd;

	(void)state;
	assert_int_equal(output_open(path_of("out"), &plain, &o, NULL), 0);
	fd = open(path_of("out"), O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(output_commit(o, 10, NULL), -ERR_EXISTS);
	output_close(o);
	unlink(path_of("out"));
}

/* A writer that packs units one after the other and keeps their offsets. */
struct packing {
	struct writer writer;
	struct output *file;
	uint64_t off[64];
	size_t count;
	size_t fail_at;
	uint8_t changed[UNIT_SIZE / CHANGE_SIZE / 8]; /* of the last unit, when it had one */
	uint64_t chunks;
};

static int packing_place(struct writer *w, struct block *b, struct error *e)
{
	struct packing *p = (struct packing *)w;

	if (p->count == p->fail_at)
		return error_set(
			e, ERR_IO, "no place for unit at %llu", (unsigned long long)b->off);
	b->piece->file_off = p->count * UNIT_SIZE;
	p->off[p->count++] = b->off;
	p->chunks = b->chunks;
	if (b->changed)
		memcpy(p->changed, b->changed, sizeof(p->changed));
	return 0;
}

static int packing_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	(void)c;
	(void)e;
	w->file_size = ((struct packing *)w)->count * UNIT_SIZE;
	return 0;
}

static const struct writer_ops packing_ops = { .place = packing_place, .finish = packing_finish };

static struct disk *patchy_disk(void)
{
	enum { SIZE = 20 * UNIT_SIZE - 512 };
	uint8_t *bytes = calloc(SIZE, 1);
	struct disk *d;

	for (size_t unit = 0; unit < 20; unit += 3)
		for (size_t i = 0; i < 100000; i++)
			bytes[unit * UNIT_SIZE + i * 3] = (uint8_t)(unit + i);
	assert_int_equal(memory_disk_open(bytes, SIZE, &d, NULL), 0);
	free(bytes);
	return d;
}

static void convert_gives_the_same_bytes_from_any_thread_count(void **state)
{
	static const unsigned counts[] = { 1, 2, 3, 8 };
	uint8_t digest[FAST_DIGEST_SIZE], *first = malloc(7 * UNIT_SIZE),
					  *got = malloc(7 * UNIT_SIZE);
	struct disk *d = patchy_disk();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct packing p = { .writer = { .ops = &packing_ops, .unit = UNIT_SIZE },
			.fail_at = 99 };
		struct convert_options o = { .threads = counts[i] };
		struct output_options plain = { .no_sync = true };
		struct convert_result r = { 0 };

		assert_int_equal(output_open(path_of("out"), &plain, &p.file, NULL), 0);
		assert_int_equal(convert(d, &p.writer, p.file, &o, &r, NULL), 0);
		assert_int_equal(p.count, 7);
		for (size_t unit = 0; unit < 7; unit++)
			assert_int_equal(p.off[unit], unit * 3 * UNIT_SIZE);
		assert_int_equal(output_read(p.file, 0, i ? got : first, 7 * UNIT_SIZE, NULL), 0);
		if (i) {
			assert_memory_equal(got, first, 7 * UNIT_SIZE);
			assert_memory_equal(r.content.digest, digest, sizeof(digest));
		}
		memcpy(digest, r.content.digest, sizeof(digest));
		output_close(p.file);
	}
	disk_close(d);
	free(first);
	free(got);
}

/* The child starts with zeros where the parent has data, and is longer. */
static void convert_passes_what_differs_from_a_parent(void **state)
{
	struct packing p = { .writer = { .ops = &packing_ops, .unit = UNIT_SIZE }, .fail_at = 99 };
	struct disk *parent = patchy_disk(), *child;
	struct convert_options o = { .threads = 3, .parent = parent };
	struct output_options plain = { 0 };
	struct convert_result r = { 0 };
	uint8_t *bytes = calloc(24, UNIT_SIZE);

	(void)state;
	assert_int_equal(disk_read(parent, 0, bytes, (size_t)parent->size, NULL), 0);
	assert_int_equal(memory_disk_open(bytes, 24 * UNIT_SIZE, &child, NULL), 0);
	assert_int_equal(output_open(path_of("out"), &plain, &p.file, NULL), 0);
	assert_int_equal(convert(child, &p.writer, p.file, &o, &r, NULL), 0);
	assert_int_equal(p.count, 0);

	memset(bytes, 0, UNIT_SIZE);
	assert_int_equal(disk_write(child, 3 * UNIT_SIZE, bytes, 512, NULL), 0);
	assert_int_equal(disk_write(child, 7 * UNIT_SIZE + 1000, "x", 1, NULL), 0);
	assert_int_equal(convert(child, &p.writer, p.file, &o, &r, NULL), 0);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.off[0], 3 * UNIT_SIZE);
	assert_int_equal(p.off[1], 7 * UNIT_SIZE);
	assert_int_equal(p.changed[0], 2);
	assert_int_equal(r.content.data_bytes, 2 * UNIT_SIZE);

	/* All of a unit that the parent has becomes zeros: it comes, without data. */
	p.count = 0;
	assert_int_equal(disk_write(child, 9 * UNIT_SIZE, bytes, UNIT_SIZE, NULL), 0);
	assert_int_equal(disk_write(child, 7 * UNIT_SIZE + 1000, "\0", 1, NULL), 0);
	assert_int_equal(convert(child, &p.writer, p.file, &o, &r, NULL), 0);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.off[1], 9 * UNIT_SIZE);
	assert_true(p.chunks == 0);
	assert_int_equal(p.changed[0], 0xff);
	output_close(p.file);
	disk_close(child);
	disk_close(parent);
	free(bytes);
}

static void convert_stops_at_the_first_failure(void **state)
{
	struct packing p = { .writer = { .ops = &packing_ops, .unit = UNIT_SIZE }, .fail_at = 3 };
	struct convert_options o = { .threads = 3 };
	struct output_options plain = { 0 };
	struct convert_result r = { 0 };
	struct disk *d = patchy_disk();
	struct error e = { 0 };

	(void)state;
	assert_int_equal(output_open(path_of("out"), &plain, &p.file, NULL), 0);
	assert_int_equal(convert(d, &p.writer, p.file, &o, &r, &e), -ERR_IO);
	assert_string_equal(e.text, "no place for unit at 9437184");
	output_close(p.file);
	disk_close(d);
}

static int cancel_soon(void *arg, uint64_t done, uint64_t total)
{
	(void)total;
	(void)arg;
	return done > 4 * UNIT_SIZE;
}

static void convert_can_be_cancelled(void **state)
{
	struct packing p = { .writer = { .ops = &packing_ops, .unit = UNIT_SIZE }, .fail_at = 99 };
	struct convert_options o = { .threads = 2, .progress = cancel_soon };
	struct output_options plain = { 0 };
	struct convert_result r = { 0 };
	struct disk *d = patchy_disk();

	(void)state;
	assert_int_equal(output_open(path_of("out"), &plain, &p.file, NULL), 0);
	assert_int_equal(convert(d, &p.writer, p.file, &o, &r, NULL), -ERR_CANCELLED);
	output_close(p.file);
	disk_close(d);
}

static void compare_finds_the_first_difference(void **state)
{
	struct convert_options o = { .threads = 3 };
	struct disk *a = patchy_disk(), *b = patchy_disk(), *longer;
	uint64_t at = 0;
	uint8_t *bytes = calloc(21, UNIT_SIZE);

	(void)state;
	assert_int_equal(compare(a, b, true, &o, &at, NULL), 0);
	assert_true(at == UINT64_MAX);
	assert_int_equal(disk_write(b, 17 * UNIT_SIZE + 5, "x", 1, NULL), 0);
	assert_int_equal(disk_write(b, 19 * UNIT_SIZE, "x", 1, NULL), 0);
	assert_int_equal(compare(a, b, false, &o, &at, NULL), 0);
	assert_int_equal(at, 17 * UNIT_SIZE + 5);
	assert_int_equal(disk_read(a, 0, bytes, (size_t)a->size, NULL), 0);
	assert_int_equal(memory_disk_open(bytes, 21 * UNIT_SIZE, &longer, NULL), 0);
	assert_int_equal(compare(a, longer, false, &o, &at, NULL), 0);
	assert_true(at == UINT64_MAX);
	assert_int_equal(compare(longer, a, true, &o, &at, NULL), 0);
	assert_int_equal(at, a->size);
	assert_int_equal(disk_write(longer, a->size + 100, "x", 1, NULL), 0);
	assert_int_equal(compare(a, longer, false, &o, &at, NULL), 0);
	assert_int_equal(at, a->size + 100);
	free(bytes);
	disk_close(a);
	disk_close(b);
	disk_close(longer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_file_knows_its_holes),
		cmocka_unit_test(host_file_refuses_what_is_no_file),
		cmocka_unit_test(slice_stays_in_its_range),
		cmocka_unit_test(overlay_equals_a_model),
		cmocka_unit_test(overlay_digest_is_of_what_was_changed),
		cmocka_unit_test(overlay_zeroes_terabytes),
		cmocka_unit_test(output_appears_only_when_committed),
		cmocka_unit_test(output_never_replaces_unasked),
		cmocka_unit_test(convert_gives_the_same_bytes_from_any_thread_count),
		cmocka_unit_test(convert_passes_what_differs_from_a_parent),
		cmocka_unit_test(convert_stops_at_the_first_failure),
		cmocka_unit_test(convert_can_be_cancelled),
		cmocka_unit_test(compare_finds_the_first_difference),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
