/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_FS_EDIT_SAMPLE_H
#define TESTS_UNIT_FS_EDIT_SAMPLE_H

#include "tests/unit/fs_sample.h"

/* Edits of a file system that has neither owners nor permissions, on folder/image. */

enum { MIB = 1 << 20, SINCE = 1700000000 };

struct opened {
	struct disk *disk;
	struct fs *fs;
};

static inline int try_open(struct opened *o, bool write, struct error *e)
{
	*o = (struct opened){ .disk = disk_load(image, 0) };
	return fs_open(o->disk, write, &o->fs, e);
}

static inline void open_image(struct opened *o, bool write)
{
	struct error e = { 0 };

	if (try_open(o, write, &e))
		fail_msg("%s", e.text);
}

static inline void close_image(struct opened *o)
{
	fs_close(o->fs);
	disk_close(o->disk);
}

/* Writes everything back to the file, and closes. */
static inline void save(struct opened *o)
{
	struct error e = { 0 };

	if (fs_sync(o->fs, &e))
		fail_msg("%s", e.text);
	disk_save(o->disk, image);
	close_image(o);
}

static inline int try_put(struct fs *fs, const char *dir, const char *name, uint64_t size,
	unsigned seed, struct error *e)
{
	struct fs_put p = { .mode = S_IFREG | 0640,
		.mtime = SINCE,
		.size = size,
		.read = pattern,
		.read_arg = &seed };

	return fs->ops->put(fs, node_at(fs, dir), name, &p, e);
}

static inline void put(
	struct fs *fs, const char *dir, const char *name, uint64_t size, unsigned seed)
{
	struct error e = { 0 };

	if (try_put(fs, dir, name, size, seed, &e))
		fail_msg("%s: %s", name, e.text);
}

static inline int try_remove(struct fs *fs, const char *dir, const char *name)
{
	struct error e = { 0 };

	return fs->ops->remove(fs, node_at(fs, dir), name, &e);
}

static inline int make_dir(struct fs *fs, const char *dir, const char *name)
{
	struct fs_put p = { .mode = S_IFDIR | 0755, .mtime = SINCE };
	struct error e = { 0 };

	return fs->ops->put(fs, node_at(fs, dir), name, &p, &e);
}

static inline void expect_content(struct fs *fs, const char *path, uint64_t size, unsigned seed)
{
	uint64_t node = node_at(fs, path);
	struct fs_stat st;
	struct error e = { 0 };

	assert_int_equal(fs->ops->stat(fs, node, &st, &e), 0);
	assert_int_equal(st.size, size);
	assert_int_equal(st.mode, S_IFREG | 0644);
	expect_pattern(fs, node, size, seed);
}

static inline uint64_t free_of(struct fs *fs)
{
	uint64_t bytes = 0;
	struct error e = { 0 };

	assert_int_equal(fs->ops->free_bytes(fs, &bytes, &e), 0);
	return bytes;
}

static inline void model_name(unsigned i, char *out, size_t size)
{
	static const char *const shapes[][2] = { { "F", ".TXT" }, { "Long file name ", ".conf" },
		{ "s", "" }, { "\xc3\xa9t\xc3\xa9-", ".efi" },
		{ "same beginning of all ", ".img" } };

	(void)snprintf(out, size, "%s%u%s", shapes[i % 5][0], i, shapes[i % 5][1]);
}

#endif
