/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_FS_SAMPLE_H
#define TESTS_UNIT_FS_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/memory.h"
#include "fs/fs.h"

/* A folder in which other people's tools make and check file systems, and ways in and out of
 * memory. */

static char folder[] = "/tmp/fs-XXXXXX";
static char image[64]; /* folder/image */

static inline int folder_make(void)
{
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(image, sizeof(image), "%s/image", folder);
	return 0;
}

static inline int folder_remove(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* By the shell, in the folder, what it says to folder/log. */
static inline int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int run(const char *format, ...)
{
	char command[2048];
	va_list args;
	int at = snprintf(command, sizeof(command), "exec >%s/log 2>&1; cd %s; ", folder, folder);

	va_start(args, format);
	(void)vsnprintf(command + at, sizeof(command) - (size_t)at, format, args);
	va_end(args);
	return system(command);
}

static inline void expect_run(const char *command)
{
	if (run("%s", command)) {
		char show[64];

		(void)snprintf(show, sizeof(show), "cat %s/log >&2", folder);
		(void)system(show);
		fail_msg("%s", command);
	}
}

/* A whole file behind `pad` zeros; free() it. */
static inline uint8_t *file_load(const char *path, size_t pad, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*len = pad + (size_t)st.st_size;
	bytes = calloc(1, *len);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes + pad, *len - pad, 0), (ssize_t)(*len - pad));
	close(fd);
	return bytes;
}

static inline struct disk *disk_load(const char *path, size_t pad)
{
	size_t len;
	uint8_t *bytes = file_load(path, pad, &len);
	struct disk *d;
	struct error e = { 0 };

	assert_int_equal(memory_disk_open(bytes, len, &d, &e), 0);
	free(bytes);
	return d;
}

/* All of the disk to a file, which takes the place of one that is there. */
static inline void disk_save(struct disk *d, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	uint8_t *bytes = malloc((size_t)d->size);
	struct error e = { 0 };

	assert_true(fd >= 0);
	assert_non_null(bytes);
	assert_int_equal(disk_read(d, 0, bytes, (size_t)d->size, &e), 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)d->size, 0), (ssize_t)d->size);
	close(fd);
	free(bytes);
}

/* Content that differs at every place and can be asked for anywhere. */
static inline int pattern(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;

	(void)e;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)((off + i) * 7 + (off + i) / 4096 + *(const unsigned *)arg);
	return 0;
}

static inline int node_find(struct fs *fs, const char *path, uint64_t *node)
{
	char copy[1200], *rest = copy, *name;
	struct error e = { 0 };
	int rc = 0;

	*node = fs->root;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (!rc && (name = strsep(&rest, "/")))
		rc = *name ? fs->ops->lookup(fs, *node, name, node, &e) : 0;
	return rc;
}

static inline uint64_t node_at(struct fs *fs, const char *path)
{
	uint64_t node;

	if (node_find(fs, path, &node))
		fail_msg("no %s", path);
	return node;
}

/* Reads a file's `size` bytes, whole and in part, which shall be those of the pattern. */
static inline void expect_pattern(struct fs *fs, uint64_t node, uint64_t size, unsigned seed)
{
	uint8_t *got = malloc(size + 1), *want = malloc(size + 1);
	struct error e = { 0 };

	assert_non_null(got);
	assert_non_null(want);
	pattern(&seed, 0, want, size, &e);
	assert_int_equal(fs->ops->read(fs, node, 0, got, size, &e), 0);
	assert_memory_equal(got, want, size);
	if (size > 10000) {
		assert_int_equal(fs->ops->read(fs, node, 4001, got, 5000, &e), 0);
		assert_memory_equal(got, want + 4001, 5000);
	}
	assert_int_equal(fs->ops->read(fs, node, size, got, 1, &e), -ERR_RANGE);
	free(got);
	free(want);
}

#endif
