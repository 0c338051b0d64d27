/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New qcow2 images over a parent: which L2 entry tells what, and what the header says of the
 * parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/convert.h"
#include "disk/memory.h"
#include "formats/qcow2_write.h"

extern const struct format qcow2_format;

enum { CLUSTER = 16384, PART = CLUSTER / QCOW2_SUBCLUSTERS, CLUSTERS = 8 };

/* What becomes of a cluster of the parent, all of which hold data. */
enum change { SAME, ZERO, OTHER, ZERO_PART, OTHER_PART };
static const enum change changes[CLUSTERS] = { SAME, ZERO, OTHER, ZERO_PART, OTHER_PART, SAME, ZERO,
	OTHER_PART };

enum { SIZE = CLUSTERS * CLUSTER - 512 };

struct made {
	uint8_t *bytes;
	size_t len;
};

static void parent_fill(uint8_t *bytes)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)('a' + i % 23);
}

/* Parts are the fourth subcluster and the fifth. */
static void child_fill(uint8_t *bytes)
{
	parent_fill(bytes);
	for (size_t i = 0; i < CLUSTERS; i++) {
		uint8_t *at = bytes + i * CLUSTER;
		size_t len = i + 1 < CLUSTERS ? CLUSTER : CLUSTER - 512;

		if (changes[i] == ZERO)
			memset(at, 0, len);
		else if (changes[i] == OTHER)
			memset(at, 'X', len);
		else if (changes[i] == ZERO_PART)
			memset(at + 3 * PART, 0, 2 * PART);
		else if (changes[i] == OTHER_PART)
			memset(at + 3 * PART, 'X', PART + 1);
	}
}

static struct disk *disk_make(void (*fill)(uint8_t *))
{
	uint8_t *bytes = malloc(SIZE);
	struct disk *d = NULL;

	assert_non_null(bytes);
	fill(bytes);
	assert_int_equal(memory_disk_open(bytes, SIZE, &d, NULL), 0);
	free(bytes);
	return d;
}

/* As on a device that holds other bytes before. */
static void dirty(struct output *file, struct writer *w)
{
	enum { ROOM = 1 << 20 };
	uint8_t *garbage = malloc(ROOM);

	assert_non_null(garbage);
	memset(garbage, 0xa5, ROOM);
	assert_int_equal(output_write(file, 0, garbage, ROOM, NULL), 0);
	((struct qcow2_writer *)w)->tables.fresh = false;
	free(garbage);
}

/* As convert makes it. */
static struct made child_convert(const char *option, bool compress, bool device, const char *name)
{
	char path[] = "/tmp/hvimg-test-qcow2-XXXXXX";
	const struct output_options oo = { .force = true, .no_sync = true };
	struct disk *source = disk_make(child_fill), *below = disk_make(parent_fill);
	const struct parent_spec parent = {
		.path = "/x", .relative = name, .format = format_by_name("vpc"), .disk = below
	};
	struct convert_options co = { .threads = 2, .parent = below };
	struct strings options = { 0 };
	const struct image_spec spec = {
		.size = SIZE, .options = &options, .compress = compress, .parent = &parent
	};
	struct convert_result result;
	struct error e = { 0 };
	struct output *file;
	struct writer *w;
	struct made m;
	int fd = mkstemp(path);

	assert_int_equal(strings_split(&options, option, ",", NULL), 0);
	assert_int_equal(output_open(path, &oo, &file, NULL), 0);
	if (qcow2_format.create(&spec, file, &w, &e))
		fail_msg("%s", e.text);
	if (device)
		dirty(file, w);
	if (convert(source, w, file, &co, &result, &e))
		fail_msg("%s", e.text);
	m = (struct made){ calloc(1, (size_t)result.file_size), (size_t)result.file_size };
	assert_int_equal(output_read(file, 0, m.bytes, m.len, NULL), 0);
	w->ops->close(w);
	output_close(file);
	strings_free(&options);
	disk_close(source);
	disk_close(below);
	close(fd);
	assert_int_equal(unlink(path), 0);
	return m;
}

static struct made child_make(const char *option, bool compress, const char *name)
{
	return child_convert(option, compress, false, name);
}

static uint64_t get64(const struct made *m, uint64_t off)
{
	be64 v;

	assert_true(off + sizeof(v) <= m->len);
	memcpy(&v, m->bytes + off, sizeof(v));
	return get_be64(v);
}

/* Word `word` of the L2 table. */
static uint64_t l2_word(const struct made *m, size_t word)
{
	const struct qcow2_header *h = (const void *)m->bytes;
	uint64_t table = get64(m, get_be64(h->l1_off)) & ~QCOW2_COPIED;

	return get64(m, table + word * 8);
}

/* A cluster of the file whose bytes are those of the child's cluster `i`. */
static void assert_stored(const struct made *m, uint64_t entry, size_t i)
{
	uint64_t off = entry & ~QCOW2_COPIED;
	uint8_t *want = calloc(1, CLUSTERS * CLUSTER);

	assert_true(entry & QCOW2_COPIED && off && off % CLUSTER == 0);
	child_fill(want);
	assert_true(off + CLUSTER <= m->len);
	assert_memory_equal(m->bytes + off, want + i * CLUSTER, CLUSTER);
	free(want);
}

/* Version 3 tells zeros in the entry, version 2 by a cluster of them. */
static void clusters(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 3; version++) {
		struct made m = child_make(
			version == 2 ? "cluster_size=16K,compat=0.10" : "cluster_size=16K", false,
			"base.vhd");

		for (size_t i = 0; i < CLUSTERS; i++) {
			uint64_t entry = l2_word(&m, i);

			if (changes[i] == SAME)
				assert_int_equal(entry, 0);
			else if (changes[i] == ZERO && version == 3)
				assert_int_equal(entry, QCOW2_ALL_ZERO);
			else
				assert_stored(&m, entry, i);
		}
		free(m.bytes);
	}
}

/* Of a cluster only what differs is there; the rest of its room reads as zeros. */
static void subclusters(void **state)
{
	struct made m = child_make("cluster_size=16K,extended_l2=on", false, "base.vhd");
	uint32_t part = 3 << 3;

	(void)state;
	for (size_t i = 0; i < CLUSTERS; i++) {
		uint64_t word = l2_word(&m, 2 * i), bits = l2_word(&m, 2 * i + 1);
		uint64_t off = word & ~QCOW2_COPIED;

		switch (changes[i]) {
		case SAME:
			assert_true(!word && !bits);
			break;
		case ZERO:
		case ZERO_PART:
			assert_int_equal(word, 0);
			assert_int_equal(
				bits, (changes[i] == ZERO ? UINT64_C(0xffffffff) : part) << 32);
			break;
		case OTHER:
			assert_int_equal(bits, UINT32_MAX);
			assert_stored(&m, word, i);
			break;
		case OTHER_PART:
			assert_int_equal(bits, part);
			assert_true(off && m.bytes[off + 3 * PART] == 'X');
			assert_true(!m.bytes[off + 3 * PART - 1] && !m.bytes[off + 5 * PART]);
			break;
		}
	}
	free(m.bytes);
}

/* Zeros are not worth a cluster with compression either, and a compressed cluster has no parts. */
static void compressed(void **state)
{
	struct made m = child_make("cluster_size=16K,extended_l2=on", true, "base.vhd");

	(void)state;
	for (size_t i = 0; i < CLUSTERS; i++) {
		uint64_t word = l2_word(&m, 2 * i), bits = l2_word(&m, 2 * i + 1);
		bool packed = changes[i] == OTHER || changes[i] == OTHER_PART;

		assert_int_equal(!!(word & QCOW2_PACKED), packed);
		assert_true(packed ? !bits : !word);
		assert_int_equal(!!bits, changes[i] == ZERO || changes[i] == ZERO_PART);
	}
	free(m.bytes);
}

/* What a device held before is not left in the room of subclusters that are not stored. */
static void device(void **state)
{
	(void)state;
	for (int compress = 0; compress < 2; compress++) {
		const char *options = "cluster_size=16K,extended_l2=on";
		struct made file = child_convert(options, compress, false, "base.vhd");
		struct made on = child_convert(options, compress, true, "base.vhd");

		assert_int_equal(on.len, file.len);
		assert_memory_equal(on.bytes, file.bytes, file.len);
		free(file.bytes);
		free(on.bytes);
	}
}

static void assert_header(const char *options, const char *name, const char *wanted, size_t start)
{
	struct made m = child_make(options, false, name);
	const struct qcow2_header *h = (const void *)m.bytes;

	/* The format's name is the first extension: what qemu calls a VHD. */
	assert_memory_equal(m.bytes + start, "\xe2\x79\x2a\xca\0\0\0\3vpc\0\0\0\0\0", 16);
	assert_int_equal(get_be32(h->backing_len), strlen(wanted));
	assert_memory_equal(m.bytes + get_be64(h->backing_off), wanted, strlen(wanted));
	/* In front of the file's name, the extension that ends them. */
	assert_int_equal(get64(&m, get_be64(h->backing_off) - 8), 0);
	free(m.bytes);
}

static void header(void **state)
{
	(void)state;
	assert_header("", "../b.vhd", "../b.vhd", QCOW2_V3_HEADER);
	assert_header("compat=0.10", "b.vhd", "b.vhd", QCOW2_V2_HEADER);
	assert_header("compression_type=zstd,extended_l2=on", "b.vhd", "b.vhd", 112);
	assert_header("", "nbd:b", "./nbd:b", QCOW2_V3_HEADER);
	assert_header("", "a/nbd:b", "a/nbd:b", QCOW2_V3_HEADER);
}

static void long_name(void **state)
{
	char name[QCOW2_NAME_MAX + 2];
	const struct parent_spec parent = { .relative = name, .format = &qcow2_format };
	const struct strings none = { 0 };
	const struct image_spec spec = { .size = 512, .options = &none, .parent = &parent };
	struct error e = { 0 };
	struct output *file;
	struct writer *w;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[QCOW2_NAME_MAX + 1] = '\0';
	assert_int_equal(output_discard_open(&file, NULL), 0);
	assert_int_equal(qcow2_format.create(&spec, file, &w, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "name has 1024 bytes"));
	name[QCOW2_NAME_MAX] = '\0';
	assert_int_equal(qcow2_format.create(&spec, file, &w, NULL), 0);
	w->ops->close(w);
	output_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters),
		cmocka_unit_test(subclusters),
		cmocka_unit_test(compressed),
		cmocka_unit_test(device),
		cmocka_unit_test(header),
		cmocka_unit_test(long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
