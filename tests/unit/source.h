/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests of formats: a source of any size, and making and opening images of it. */
#ifndef TESTS_UNIT_SOURCE_H
#define TESTS_UNIT_SOURCE_H

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
#include <libvhdi.h>

#include "base/checked.h"
#include "disk/convert.h"
#include "disk/host_file.h"
#include "disk/memory.h"

#define MIB UINT64_C(1048576)
#define TIB (MIB << 20)

enum { PIECE = 8192 };

static char folder[] = "/tmp/hvimg-test-XXXXXX";

static inline int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* A disk of any size that holds something at a few places, different everywhere. */
struct sparse {
	struct disk disk;
	const uint64_t *at; /* starts of the pieces that are not zero */
	size_t count;
};

static inline uint8_t sparse_byte(uint64_t off)
{
	return (uint8_t)(off % 251 + (off >> 20) % 7 + 1);
}

static inline int sparse_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct sparse *s = (const struct sparse *)d;
	uint8_t *out = buf;

	(void)e;
	memset(out, 0, len);
	for (size_t i = 0; i < s->count; i++)
		for (uint64_t p = max_u64(off, s->at[i]); p < min_u64(off + len, s->at[i] + PIECE);
			p++)
			out[p - off] = sparse_byte(p);
	return 0;
}

static inline int sparse_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	const struct sparse *s = (const struct sparse *)d;

	(void)e;
	*out = (struct extent){ .length = d->size - off, .zero = true };
	for (size_t i = 0; i < s->count; i++) {
		if (off >= s->at[i] && off < s->at[i] + PIECE) {
			*out = (struct extent){ .length = s->at[i] + PIECE - off, .stored = true };
			return 0;
		}
		if (off < s->at[i])
			out->length = min_u64(out->length, s->at[i] - off);
	}
	return 0;
}

static inline void sparse_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops sparse_ops = {
	.read = sparse_read,
	.extent = sparse_extent,
	.close = sparse_close,
};

static inline struct sparse sparse_disk(uint64_t size, const uint64_t *at, size_t count)
{
	return (struct sparse){
		.disk = { .ops = &sparse_ops, .size = size, .logical_sector = 512 },
		.at = at,
		.count = count,
	};
}

static inline const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Converts `source` into the file `name`, whose ending tells the format; `options` are separated by
 * commas. */
static inline int image_make(struct disk *source, const char *name, const char *options,
	unsigned threads, struct error *e)
{
	struct strings list = { 0 };
	struct output_options oo = { .force = true, .no_sync = true };
	struct convert_options co = { .threads = threads };
	struct convert_result result;
	struct output *file = NULL;
	struct writer *writer = NULL;
	struct image_spec spec = {
		.size = source->size,
		.logical_sector = source->logical_sector,
		.options = &list,
	};
	int rc = strings_split(&list, options, ",", e);

	if (!rc)
		rc = output_open(path_of(name), &oo, &file, e);
	if (!rc)
		rc = format_by_ending(name)->create(&spec, file, &writer, e);
	if (!rc)
		rc = convert(source, writer, file, &co, &result, e);
	if (!rc)
		rc = output_commit(file, writer->file_size, e);
	if (writer)
		writer->ops->close(writer);
	output_close(file);
	strings_free(&list);
	return rc;
}

static inline struct disk *image_of(const char *name)
{
	struct open_options o = { .path = NULL };
	struct error e = { 0 };
	struct disk *file = NULL, *d = NULL;

	assert_int_equal(host_file_open(path_of(name), &file, &e), 0);
	if (format_by_ending(name)->open(file, &o, &d, &e))
		fail_msg("%s", e.text);
	return d;
}

static inline void assert_same(struct disk *a, struct disk *b)
{
	struct convert_options co = { .threads = 2 };
	struct error e = { 0 };
	uint64_t at = 0;

	if (compare(a, b, true, &co, &at, &e))
		fail_msg("%s", e.text);
	assert_int_equal(at, UINT64_MAX);
}

static inline void assert_libvhdi_agrees(struct disk *source, const char *name)
{
	libvhdi_file_t *file = NULL;
	static uint8_t ours[1 << 20], theirs[1 << 20];
	size64_t size = 0;

	assert_int_equal(libvhdi_file_initialize(&file, NULL), 1);
	assert_int_equal(
		libvhdi_file_open(file, path_of(name), libvhdi_get_access_flags_read(), NULL), 1);
	assert_int_equal(libvhdi_file_get_media_size(file, &size, NULL), 1);
	assert_int_equal(size, source->size);
	for (uint64_t off = 0; off < size; off += sizeof(ours)) {
		size_t len = (size_t)min_u64(sizeof(ours), size - off);

		assert_int_equal(disk_read(source, off, ours, len, NULL), 0);
		assert_int_equal(
			libvhdi_file_read_buffer_at_offset(file, theirs, len, (off64_t)off, NULL),
			len);
		assert_memory_equal(ours, theirs, len);
	}
	libvhdi_file_close(file, NULL);
	libvhdi_file_free(&file, NULL);
}

/* Reads the whole file into memory; the caller frees it. */
static inline uint8_t *file_bytes(const char *name, size_t *len)
{
	struct disk *d = NULL;
	uint8_t *bytes;

	assert_int_equal(host_file_open(path_of(name), &d, NULL), 0);
	*len = (size_t)d->size;
	bytes = malloc(*len);
	assert_non_null(bytes);
	assert_int_equal(disk_read(d, 0, bytes, *len, NULL), 0);
	disk_close(d);
	return bytes;
}

#endif
